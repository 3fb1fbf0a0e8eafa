// SPDX-License-Identifier: MIT
// Which table stands for which node, keys that are sorted, and what all that may weigh. Script host only.
#include <lauxlib.h>

#include "base/mem.h"
#include "sandbox/lazy_inside.h"

#define FIRST_SLOTS 64
// No allocator grants it, so that Lua itself says "not enough memory" in its own way.
#define IMPOSSIBLE ((size_t)1 << 62)

void lazy_charge(struct lazy *lazy, lua_State *L, size_t bytes)
{
    if (bytes <= lazy->max_bytes && lazy->used <= lazy->max_bytes - bytes) {
        lazy->used += bytes;
        return;
    }
    lua_newuserdatauv(L, IMPOSSIBLE, 0);
    luaL_error(L, "not enough memory");
}

// A stop is a hook of calls, too (limits.c), which only Lua's own code looks at.
void lazy_look(lua_State *L)
{
    if (lua_gethookmask(L) & LUA_MASKCALL)
        luaL_error(L, "stopped");
}

void lazy_anchor(struct lazy *lazy, lua_State *L, bool is_kept)
{
    luaL_checkstack(L, 2, "too many levels of tables");
    lua_rawgeti(L, LUA_REGISTRYINDEX,
                is_kept ? lazy->kept_anchors : lazy->anchors); // value anchors
    lua_pushvalue(L, -2);                                      // value anchors value
    uint32_t *count = is_kept ? &lazy->kept_anchor_count : &lazy->anchor_count;
    lua_rawseti(L, -2, (lua_Integer)*count + 1); // value anchors
    ++*count;
    lua_pop(L, 1); // value
}

// ---- tables ----

static uint32_t hash_pointer(const void *pointer)
{
    uint64_t x = (uint64_t)(uintptr_t)pointer >> 4;
    x *= 0x9e3779b97f4a7c15u;
    return (uint32_t)(x >> 32);
}

static struct lazy_entry *slot_of(const struct lazy_map *map, const void *table, uint32_t stamp)
{
    uint32_t mask = map->capacity - 1;
    uint32_t i = hash_pointer(table) & mask;
    while (map->slots[i].stamp == stamp && map->slots[i].table != table)
        i = (i + 1) & mask;
    return &map->slots[i];
}

// Entries of the map in use carry `stamp`.
static void grow_map(struct lazy *lazy, lua_State *L, struct lazy_map *map, uint32_t stamp)
{
    struct lazy_map larger = {.capacity = map->capacity ? map->capacity * 2 : FIRST_SLOTS};
    lazy_charge(lazy, L, (larger.capacity - map->capacity) * sizeof(*map->slots));
    larger.slots = xcalloc(larger.capacity, sizeof(*larger.slots));
    for (uint32_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].stamp == stamp) {
            *slot_of(&larger, map->slots[i].table, stamp) = map->slots[i];
            larger.count++;
        }
    }
    xfree(map->slots);
    *map = larger;
}

const struct lazy_entry *lazy_find(const struct lazy *lazy, const void *table)
{
    if (lazy->map.count) {
        const struct lazy_entry *entry = slot_of(&lazy->map, table, lazy->stamp);
        if (entry->stamp == lazy->stamp)
            return entry;
    }
    if (lazy->kept.count) {
        const struct lazy_entry *entry = slot_of(&lazy->kept, table, UINT32_MAX);
        if (entry->stamp == UINT32_MAX)
            return entry;
    }
    return NULL;
}

void lazy_remember(struct lazy *lazy, lua_State *L, uint32_t view, uint32_t node)
{
    bool is_kept = view != LAZY_NONE && view < lazy->kept_views;
    struct lazy_map *map = is_kept ? &lazy->kept : &lazy->map;
    uint32_t stamp = is_kept ? UINT32_MAX : lazy->stamp;
    if (map->count >= map->capacity / 4 * 3)
        grow_map(lazy, L, map, stamp);
    lazy_anchor(lazy, L, is_kept);
    const void *table = lua_topointer(L, -1);
    struct lazy_entry *entry = slot_of(map, table, stamp);
    if (entry->stamp != stamp)
        map->count++;
    *entry = (struct lazy_entry){.table = table, .stamp = stamp, .view = view, .node = node};
}

// ---- keys ----

struct lazy_key *lazy_add_key(struct lazy *lazy, lua_State *L)
{
    if (lazy->key_count == lazy->key_capacity) {
        size_t capacity = lazy->key_capacity ? lazy->key_capacity * 2 : FIRST_SLOTS;
        lazy_charge(lazy, L, (capacity - lazy->key_capacity) * sizeof(*lazy->keys));
        lazy->keys = xrealloc(lazy->keys, capacity * sizeof(*lazy->keys));
        lazy->key_capacity = capacity;
    }
    return &lazy->keys[lazy->key_count++];
}

// Numbers, strings, booleans; each among themselves in their order.
static int rank(const struct lazy_key *key)
{
    return key->at ? 1 : key->is_boolean ? 2 : 0;
}

int lazy_compare_keys(const void *left, const void *right)
{
    const struct lazy_key *a = left;
    const struct lazy_key *b = right;
    if (rank(a) != rank(b))
        return rank(a) - rank(b);
    if (a->at)
        return span_cmp(span_make(a->at, a->len), span_make(b->at, b->len));
    if (a->is_integer && b->is_integer)
        return (a->integer > b->integer) - (a->integer < b->integer);
    return (a->number > b->number) - (a->number < b->number);
}
