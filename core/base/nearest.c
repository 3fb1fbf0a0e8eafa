// SPDX-License-Identifier: MIT
// "Did you mean …?": the name that was probably meant; any thread.
#include "base/nearest.h"

#include <stdio.h>

#define MAX_WORD 64 // bytes; longer words are never near

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

const char *nearest_name(struct span written, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    size_t best = written.len < 4 ? 2 : written.len / 4 + 2; // farther is not near
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

const char *nearest_hint(struct span written, const char *const *names, size_t count,
                         char out[NEAREST_HINT_LEN])
{
    const char *nearest = nearest_name(written, names, count);
    out[0] = '\0';
    if (nearest != NULL)
        (void)snprintf(out, NEAREST_HINT_LEN, "; did you mean \"%s\"?", nearest);
    return out;
}
