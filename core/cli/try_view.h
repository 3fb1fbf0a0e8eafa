// SPDX-License-Identifier: MIT
// How a trial looks to people: a line for each event, what would change, and requests as they would
// be sent; the main thread.
#pragma once

#include "cli/view.h"

// Prints the answer of the API. `is_full`: each request whole; a single event's always is, unless
// there is something to compare it with.
void try_view_print(struct view *view, bool is_full);
// How many events ended in an error.
int64_t try_view_errors(struct view *view);
