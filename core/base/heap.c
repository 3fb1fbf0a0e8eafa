// SPDX-License-Identifier: MIT
// An intrusive binary heap ordered by a 64-bit key, smallest first; one thread at a time.
#include "base/heap.h"

#include <stdbool.h>

#include "base/check.h"
#include "base/mem.h"

void heap_init(struct heap *heap)
{
    *heap = (struct heap){0};
}

void heap_deinit(struct heap *heap)
{
    for (size_t i = 0; i < heap->count; i++)
        heap->nodes[i]->position = 0;
    xfree(heap->nodes);
    *heap = (struct heap){0};
}

struct heap_node *heap_min(const struct heap *heap)
{
    return heap->count > 0 ? heap->nodes[0] : NULL;
}

// `position` counts from 1.
static void put(struct heap *heap, size_t position, struct heap_node *node)
{
    heap->nodes[position - 1] = node;
    node->position = position;
}

static void rise(struct heap *heap, struct heap_node *node)
{
    size_t position = node->position;
    for (; position > 1; position /= 2) {
        struct heap_node *parent = heap->nodes[position / 2 - 1];
        if (parent->key <= node->key)
            break;
        put(heap, position, parent);
    }
    put(heap, position, node);
}

static void sink(struct heap *heap, struct heap_node *node)
{
    size_t position = node->position;
    while (position * 2 <= heap->count) {
        size_t child = position * 2;
        if (child < heap->count && heap->nodes[child]->key < heap->nodes[child - 1]->key)
            child++;
        if (node->key <= heap->nodes[child - 1]->key)
            break;
        put(heap, position, heap->nodes[child - 1]);
        position = child;
    }
    put(heap, position, node);
}

static bool is_in(const struct heap *heap, const struct heap_node *node)
{
    return node->position > 0 && node->position <= heap->count &&
           heap->nodes[node->position - 1] == node;
}

void heap_set(struct heap *heap, struct heap_node *node, int64_t key)
{
    node->key = key;
    if (node->position == 0) {
        if (heap->count == heap->capacity) {
            heap->capacity = heap->capacity > 0 ? heap->capacity * 2 : 16;
            CHECK(heap->capacity <= SIZE_MAX / sizeof(struct heap_node *));
            heap->nodes = xrealloc(heap->nodes, heap->capacity * sizeof(struct heap_node *));
        }
        heap->count++;
        put(heap, heap->count, node);
    }
    CHECK(is_in(heap, node));
    rise(heap, node);
    sink(heap, node);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    if (node->position == 0)
        return;
    CHECK(is_in(heap, node));
    struct heap_node *last = heap->nodes[heap->count - 1];
    heap->count--;
    if (last != node) {
        put(heap, node->position, last);
        rise(heap, last);
        sink(heap, last);
    }
    node->position = 0;
}
