// SPDX-License-Identifier: MIT
// What differs between two texts, line by line, as `diff -u` shows it; any thread.
#pragma once

#include "base/buf.h"

// Appends hunks with three lines of context; nothing when the texts are the same. Texts that differ
// in thousands of lines are shown as replaced from the first to the last of those.
void line_diff(struct buf *out, struct span from, struct span to);
