// SPDX-License-Identifier: MIT
// An intrusive binary heap ordered by a 64-bit key, smallest first; one thread at a time.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct heap_node {
    int64_t key;     // what it is ordered by, e.g. a time
    size_t position; // 1-based place in the heap; 0: in none
};

struct heap {
    struct heap_node **nodes; // owned array of borrowed nodes
    size_t count;
    size_t capacity;
};

void heap_init(struct heap *heap);
void heap_deinit(struct heap *heap);
// NULL when empty.
struct heap_node *heap_min(const struct heap *heap);
// Puts the node in, or moves it when it is in already.
void heap_set(struct heap *heap, struct heap_node *node, int64_t key);
// Fine for a node that is in no heap.
void heap_remove(struct heap *heap, struct heap_node *node);
