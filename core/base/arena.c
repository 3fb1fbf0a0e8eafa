// SPDX-License-Identifier: MIT
// Memory that is freed all at once: an attempt's, a request's; one thread at a time.
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"

#define CHUNK_BYTES 4096  // what a chunk holds at least
#define CHUNK_MAX   65536 // what a chunk for small objects grows to

// The head of a chunk; what it holds follows.
struct arena_chunk {
    struct arena_chunk *next; // owned; older
    size_t size;              // bytes behind the head
    size_t used;              // bytes of them handed out
    alignas(max_align_t) char at[];
};

void arena_init(struct arena *arena, size_t max)
{
    *arena = (struct arena){.max = max};
}

static void free_chunks(struct arena_chunk *chunk)
{
    while (chunk != NULL) {
        struct arena_chunk *next = chunk->next;
        xfree(chunk);
        chunk = next;
    }
}

void arena_deinit(struct arena *arena)
{
    free_chunks(arena->chunks);
    *arena = (struct arena){.max = arena->max};
}

void arena_clear(struct arena *arena)
{
    struct arena_chunk *kept = arena->chunks;
    if (kept != NULL) {
        free_chunks(kept->next);
        kept->next = NULL;
        kept->used = 0;
    }
    // A chunk that was made for one large object is not worth keeping.
    if (kept != NULL && kept->size > CHUNK_MAX) {
        xfree(kept);
        kept = NULL;
    }
    arena->chunks = kept;
    arena->used = 0;
}

static struct arena_chunk *new_chunk(struct arena *arena, size_t size)
{
    struct arena_chunk *top = arena->chunks;
    size_t room = CHUNK_BYTES;
    if (top != NULL && top->size <= CHUNK_MAX)
        room = top->size * 2 < CHUNK_MAX ? top->size * 2 : CHUNK_MAX;
    if (room < size)
        room = size;
    struct arena_chunk *chunk = xmalloc(sizeof *chunk + room);
    chunk->size = room;
    chunk->used = 0;
    // A large object goes behind the newest chunk, whose rest stays of use.
    if (top != NULL && size > CHUNK_BYTES && top->size - top->used > CHUNK_BYTES / 4) {
        chunk->next = top->next;
        top->next = chunk;
    } else {
        chunk->next = top;
        arena->chunks = chunk;
    }
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    CHECK(size <= SIZE_MAX - sizeof(struct arena_chunk) - align);
    size_t rounded = (size + align - 1) / align * align;
    if (rounded == 0)
        rounded = align;
    CHECK(rounded <= arena->max - arena->used);
    struct arena_chunk *chunk = arena->chunks;
    if (chunk == NULL || rounded > chunk->size - chunk->used)
        chunk = new_chunk(arena, rounded);
    void *memory = chunk->at + chunk->used;
    chunk->used += rounded;
    arena->used += rounded;
    return memory;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    return memset(arena_alloc(arena, size), 0, size);
}

struct span arena_copy(struct arena *arena, struct span s)
{
    CHECK(s.len < SIZE_MAX);
    char *copy = arena_alloc(arena, s.len + 1);
    if (s.len > 0)
        memcpy(copy, s.at, s.len);
    copy[s.len] = '\0';
    return (struct span){copy, s.len};
}

const char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    CHECK(len >= 0);
    char *text = arena_alloc(arena, (size_t)len + 1);
    CHECK(vsnprintf(text, (size_t)len + 1, format, again) == len);
    va_end(again);
    va_end(args);
    return text;
}
