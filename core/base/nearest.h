// SPDX-License-Identifier: MIT
// "Did you mean …?": the name that was probably meant; any thread.
#pragma once

#include "base/span.h"

// The nearest of `count` names to what was written by edit distance, or NULL when none is near
// enough to be meant. Equal names are found, too.
const char *nearest_name(struct span written, const char *const *names, size_t count);
// "; did you mean "NAME"?", or "" when none is near: completes a message. `out` has room for
// NEAREST_HINT_LEN bytes.
#define NEAREST_HINT_LEN 96
const char *nearest_hint(struct span written, const char *const *names, size_t count,
                         char out[NEAREST_HINT_LEN]);
