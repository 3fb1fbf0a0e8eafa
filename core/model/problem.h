// SPDX-License-Identifier: MIT
// What is wrong with somebody's input, field by field; any thread.
#pragma once

#include "base/arena.h"

#define PROBLEMS_MAX 32

struct problem {
    struct span field;   // "extra_headers.X-Tracker"; empty: the whole
    struct span message; // for a person: what, and what to do
};

struct problems {
    struct arena arena; // owns the texts
    struct problem list[PROBLEMS_MAX];
    size_t count; // those beyond the maximum are counted by `more`
    size_t more;
};

void problems_init(struct problems *problems);
void problems_deinit(struct problems *problems);
void problem_add(struct problems *problems, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
