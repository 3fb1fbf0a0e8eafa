// SPDX-License-Identifier: MIT
// Our own failures, and texts for people who must act on them; any thread.
#pragma once

#include "base/check.h"

// Returned by every function that can fail. The list is err.def.
enum err {
    OK = 0,
#define X(name, text) ERR_##name,
#include "base/err.def"
#undef X
};

// "NOT_FOUND"; static.
const char *err_name(enum err err);
// "not found"; static.
const char *err_text(enum err err);
// From errno of a failed system call.
enum err err_from_errno(int error);

// A text for a person: what was wrong, where, what to do. Fixed size, so that it can live anywhere.
struct errmsg {
    char text[256]; // NUL-terminated; an overlong message ends in "..."
};

void errmsg_set(struct errmsg *message, const char *format, ...) PRINTF_LIKE(2, 3);
// Puts context in front as the error rises: "script slack.lua: " + text.
void errmsg_prefix(struct errmsg *message, const char *format, ...) PRINTF_LIKE(2, 3);
