// SPDX-License-Identifier: MIT
// Collecting what is wrong with an input, and finding the name that was meant; any thread.
#include "model/problem.h"

#include <stdarg.h>
#include <stdio.h>

#define MAX_TEXT 512

void problems_init(struct problems *problems)
{
    problems->count = problems->more = 0;
    arena_init(&problems->arena, (size_t)PROBLEMS_MAX * 2 * (MAX_TEXT + 64));
}

void problems_deinit(struct problems *problems)
{
    arena_deinit(&problems->arena);
}

void problem_add(struct problems *problems, const char *field, const char *format, ...)
{
    if (problems->count == PROBLEMS_MAX) {
        problems->more++;
        return;
    }
    char text[MAX_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct span name = span_of(field);
    if (name.len > MAX_TEXT)
        name.len = MAX_TEXT;
    struct problem *problem = &problems->list[problems->count++];
    problem->field = arena_copy(&problems->arena, name);
    problem->message = arena_copy(&problems->arena, span_of(text));
}
