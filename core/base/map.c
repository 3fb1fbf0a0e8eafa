// SPDX-License-Identifier: MIT
// Hash maps from a number or a byte string to a borrowed pointer; one thread at a time.
#include "base/map.h"

#include "base/check.h"
#include "base/mem.h"

#define SMALLEST 8 // slots; a power of two

// A slot is free when its value is NULL.
struct map_slot {
    uint64_t key;
    void *value; // borrowed
};

struct strmap_slot {
    uint64_t hash; // of the key
    char *key;     // owned
    size_t len;    // of the key, bytes
    void *value;   // borrowed
};

// At most 3/4 of the slots are in use.
static bool is_crowded(size_t count, size_t capacity)
{
    return count + 1 > capacity / 4 * 3;
}

static size_t grown(size_t capacity, size_t slot_bytes)
{
    CHECK(capacity <= SIZE_MAX / 2 / slot_bytes);
    return capacity > 0 ? capacity * 2 : SMALLEST;
}

// Whether the entry that belongs to `home` and lies at `at` may move back into `hole`: it may
// unless home lies (cyclically) behind the hole.
static bool may_fill(size_t hole, size_t at, size_t home, size_t mask)
{
    return ((at - home) & mask) >= ((at - hole) & mask);
}

// ---- by number -------------------------------------------------------------

// The finaliser of splitmix64: neighbours end up far from each other.
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
    x = (x ^ x >> 27) * 0x94d049bb133111ebU;
    return x ^ x >> 31;
}

void map_init(struct map *map)
{
    *map = (struct map){0};
}

void map_deinit(struct map *map)
{
    xfree(map->slots);
    *map = (struct map){0};
}

// The key's slot, or the free one where it would go. The map has a free slot.
static struct map_slot *map_find(const struct map *map, uint64_t key)
{
    size_t mask = map->capacity - 1;
    size_t at = (size_t)mix(key) & mask;
    while (map->slots[at].value != NULL && map->slots[at].key != key)
        at = (at + 1) & mask;
    return &map->slots[at];
}

static void map_grow(struct map *map)
{
    struct map old = *map;
    map->capacity = grown(old.capacity, sizeof *map->slots);
    map->slots = xcalloc(map->capacity, sizeof *map->slots);
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].value != NULL)
            *map_find(map, old.slots[i].key) = old.slots[i];
    }
    xfree(old.slots);
}

void *map_get(const struct map *map, uint64_t key)
{
    return map->count > 0 ? map_find(map, key)->value : NULL;
}

void *map_set(struct map *map, uint64_t key, void *value)
{
    CHECK(value != NULL);
    if (is_crowded(map->count, map->capacity))
        map_grow(map);
    struct map_slot *slot = map_find(map, key);
    void *replaced = slot->value;
    if (replaced == NULL)
        map->count++;
    *slot = (struct map_slot){key, value};
    return replaced;
}

void *map_remove(struct map *map, uint64_t key)
{
    if (map->count == 0)
        return NULL;
    struct map_slot *slot = map_find(map, key);
    void *removed = slot->value;
    if (removed == NULL)
        return NULL;
    size_t mask = map->capacity - 1;
    size_t hole = (size_t)(slot - map->slots);
    for (size_t at = (hole + 1) & mask; map->slots[at].value != NULL; at = (at + 1) & mask) {
        if (may_fill(hole, at, (size_t)mix(map->slots[at].key) & mask, mask)) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole].value = NULL;
    map->count--;
    return removed;
}

bool map_next(const struct map *map, size_t *at, uint64_t *key, void **value)
{
    while (*at < map->capacity) {
        const struct map_slot *slot = &map->slots[(*at)++];
        if (slot->value != NULL) {
            *key = slot->key;
            *value = slot->value;
            return true;
        }
    }
    return false;
}

// ---- by byte string --------------------------------------------------------

void strmap_init(struct strmap *map)
{
    *map = (struct strmap){0};
}

void strmap_deinit(struct strmap *map)
{
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].value != NULL)
            xfree(map->slots[i].key);
    }
    xfree(map->slots);
    *map = (struct strmap){0};
}

static struct strmap_slot *strmap_find(const struct strmap *map, struct span key, uint64_t hash)
{
    size_t mask = map->capacity - 1;
    size_t at = (size_t)hash & mask;
    for (; map->slots[at].value != NULL; at = (at + 1) & mask) {
        const struct strmap_slot *slot = &map->slots[at];
        if (slot->hash == hash && span_eq((struct span){slot->key, slot->len}, key))
            break;
    }
    return &map->slots[at];
}

static void strmap_grow(struct strmap *map)
{
    struct strmap old = *map;
    map->capacity = grown(old.capacity, sizeof *map->slots);
    map->slots = xcalloc(map->capacity, sizeof *map->slots);
    for (size_t i = 0; i < old.capacity; i++) {
        const struct strmap_slot *slot = &old.slots[i];
        if (slot->value != NULL)
            *strmap_find(map, (struct span){slot->key, slot->len}, slot->hash) = *slot;
    }
    xfree(old.slots);
}

void *strmap_get(const struct strmap *map, struct span key)
{
    return map->count > 0 ? strmap_find(map, key, span_hash(key))->value : NULL;
}

void *strmap_set(struct strmap *map, struct span key, void *value)
{
    CHECK(value != NULL);
    if (is_crowded(map->count, map->capacity))
        strmap_grow(map);
    uint64_t hash = span_hash(key);
    struct strmap_slot *slot = strmap_find(map, key, hash);
    void *replaced = slot->value;
    if (replaced != NULL) {
        slot->value = value;
        return replaced;
    }
    *slot = (struct strmap_slot){hash, xmemdup0(key.at, key.len), key.len, value};
    map->count++;
    return NULL;
}

void *strmap_remove(struct strmap *map, struct span key)
{
    if (map->count == 0)
        return NULL;
    struct strmap_slot *slot = strmap_find(map, key, span_hash(key));
    void *removed = slot->value;
    if (removed == NULL)
        return NULL;
    xfree(slot->key);
    size_t mask = map->capacity - 1;
    size_t hole = (size_t)(slot - map->slots);
    for (size_t at = (hole + 1) & mask; map->slots[at].value != NULL; at = (at + 1) & mask) {
        if (may_fill(hole, at, (size_t)map->slots[at].hash & mask, mask)) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole] = (struct strmap_slot){0};
    map->count--;
    return removed;
}

bool strmap_next(const struct strmap *map, size_t *at, struct span *key, void **value)
{
    while (*at < map->capacity) {
        const struct strmap_slot *slot = &map->slots[(*at)++];
        if (slot->value != NULL) {
            *key = (struct span){slot->key, slot->len};
            *value = slot->value;
            return true;
        }
    }
    return false;
}
