// SPDX-License-Identifier: MIT
// Hash maps from a number or a byte string to a borrowed pointer; one thread at a time.
//
// Open addressing, grows by doubling, no tombstones left behind (backward shift). Values are
// borrowed and never NULL. A string map copies its keys.
#pragma once

#include "base/span.h"

struct map_slot; // private
struct map {
    struct map_slot *slots; // owned
    size_t count;           // entries
    size_t capacity;        // power of two, or 0
};

void map_init(struct map *map);
// Frees the map, not the values.
void map_deinit(struct map *map);

void *map_get(const struct map *map, uint64_t key); // NULL: not there
// Returns the value that was replaced, or NULL.
void *map_set(struct map *map, uint64_t key, void *value);
// Returns the value that was removed, or NULL.
void *map_remove(struct map *map, uint64_t key);
// Walks all entries in no particular order; start with *at = 0; false at the end. The map may not
// change meanwhile.
bool map_next(const struct map *map, size_t *at, uint64_t *key, void **value);

struct strmap_slot; // private
struct strmap {
    struct strmap_slot *slots; // owned, with copies of the keys
    size_t count;
    size_t capacity;
};

void strmap_init(struct strmap *map);
void strmap_deinit(struct strmap *map);
void *strmap_get(const struct strmap *map, struct span key);
void *strmap_set(struct strmap *map, struct span key, void *value);
void *strmap_remove(struct strmap *map, struct span key);
bool strmap_next(const struct strmap *map, size_t *at, struct span *key, void **value);
