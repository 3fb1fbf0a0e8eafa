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

#define MAX_WORD 64

static size_t least(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

// Levenshtein's distance; both words at most MAX_WORD.
static size_t distance(struct span a, struct span b)
{
    size_t row[MAX_WORD + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t above = row[j];
            row[j] = least(row[j] + 1, row[j - 1] + 1, diagonal + (a.at[i - 1] != b.at[j - 1]));
            diagonal = above;
        }
    }
    return row[b.len];
}

const char *problem_nearest(struct span written, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    size_t best = written.len < 4 ? 2 : written.len / 3 + 2; // farther is not near
    if (written.len > MAX_WORD)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        struct span name = span_of(names[i]);
        if (name.len > MAX_WORD)
            continue;
        size_t d = distance(written, name);
        if (d < best) {
            best = d;
            nearest = names[i];
        }
    }
    return nearest;
}
