// SPDX-License-Identifier: MIT
// Memory that is freed all at once: an attempt's, a request's; one thread at a time.
#pragma once

#include "base/span.h"

struct arena_chunk;
struct arena {
    struct arena_chunk *chunks; // owned; newest first
    size_t used;                // bytes handed out, each object rounded up to 16
    size_t max;                 // bytes that may be handed out; more aborts: bound input before
};

void arena_init(struct arena *arena, size_t max);
void arena_deinit(struct arena *arena);
// Frees all but one chunk and starts over.
void arena_clear(struct arena *arena);
// Aligned for anything; not zeroed.
void *arena_alloc(struct arena *arena, size_t size) __attribute__((returns_nonnull));
void *arena_zalloc(struct arena *arena, size_t size) __attribute__((returns_nonnull));
// Copies, with a NUL behind that does not count.
struct span arena_copy(struct arena *arena, struct span s);
const char *arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
