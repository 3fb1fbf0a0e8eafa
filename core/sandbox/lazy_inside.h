// SPDX-License-Identifier: MIT
// What the files of the lazy tables share: tapes, views, the map from table to node. Script host only.
#pragma once

#include "json/json.h"
#include "sandbox/lazy.h"
#include "sandbox/lazy_spelling.h"

#define LAZY_NONE    UINT32_MAX     // view of a table that came from no document
#define LAZY_ARRAY   0u             // node of such a table: json.array() made it
#define LAZY_OBJECT  1u             // json.object() made it
#define LAZY_MESSAGE 512            // bytes of an error message with its path
#define LAZY_DEPTH   JSON_MAX_DEPTH // levels that are written
#define LAZY_FIELDS  8u             // single fields that are read before the whole level is

// Flags of a node in a view. A name's:
#define LAZY_GOT       0x01u // the raw table decides about this member
#define LAZY_SAME      0x02u // while encoding: the last of these twins is unchanged
#define LAZY_DIFFERENT 0x04u // … or not
// A container's:
#define LAZY_PART  0x01u // some fields have been read or set
#define LAZY_LIVE  0x02u // all have; the table is plain
#define LAZY_ODD   0x04u // has names with escapes, or twice
#define LAZY_COUNT 0x10u // one field read; counted in the upper half

// One parsed text. Of a name that stands again later in its object, the node's `count` is the
// node of the last such name.
struct lazy_tape {
    struct json_doc doc;
};

// One look at (a part of) a tape: what has been read and changed. Copies have views of their own.
struct lazy_view {
    uint32_t tape;     // index
    uint32_t base;     // first node that it covers
    uint32_t capacity; // of flags; kept between visits
    uint8_t *flags;    // owned; of node n at n - base
};

struct lazy_entry {
    const void *table; // its address; anchored
    uint32_t stamp;    // of the visit; others are free slots
    uint32_t view;     // LAZY_NONE: only marked
    uint32_t node;
};

struct lazy_map {
    struct lazy_entry *slots; // owned
    uint32_t capacity;        // a power of two, or 0
    uint32_t count;
};

struct lazy_key {   // of a table that is being sorted
    const char *at; // borrowed from the table; NULL: a number or boolean
    size_t len;
    double number;
    bool is_integer;
    bool is_boolean;
    lua_Integer integer;
};

#define LAZY_MAGIC 0x4c415a59u
struct lazy {
    uint32_t magic;
    uint32_t stamp;           // of the visit; 1, 2, …
    struct lazy_tape **tapes; // owned, each too, because they may not move
    uint32_t tape_count, tape_capacity, kept_tapes;
    struct lazy_view *views; // owned
    uint32_t view_count, view_capacity, kept_views;
    struct lazy_map map;       // of this visit
    struct lazy_map kept;      // of documents that stay; stamp 0 is free
    struct lazy_floats floats; // of this visit
    struct lazy_floats kept_floats;
    struct lazy_key *keys; // owned; used by one sort at a time, as a stack
    size_t key_count, key_capacity;
    struct buf scratch;     // decoded strings
    struct buf out;         // json.encode, json.copy
    size_t used, max_bytes; // outside of Lua's allocator
    size_t kept_bytes;      // of them, what the file's documents may hold
    int metatable;          // registry references
    int anchors, kept_anchors;
    int halves;                     // text → lexeme of a string; false: of two
    bool has_halves, kept_halves;   // there are any; they stay
    bool has_unclear, kept_unclear; // a number or text may be either of two
    uint32_t anchor_count, kept_anchor_count;
};

static inline struct lazy *lazy_upvalue(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

static inline uint8_t *lazy_flags(const struct lazy *lazy, uint32_t view, uint32_t node)
{
    return &lazy->views[view].flags[node - lazy->views[view].base];
}

static inline const struct json_doc *lazy_doc(const struct lazy *lazy, uint32_t view)
{
    return &lazy->tapes[lazy->views[view].tape]->doc;
}

// ---- lazy_map.c ----
// Counts bytes; beyond the visit's maximum throws "not enough memory".
void lazy_charge(struct lazy *lazy, lua_State *L, size_t bytes);
void lazy_look(lua_State *L); // in long loops: throws when the visit has been stopped
// Keeps the value on top alive for the visit, or for good. [0]
void lazy_anchor(struct lazy *lazy, lua_State *L, bool is_kept);
const struct lazy_entry *lazy_find(const struct lazy *lazy, const void *table);
// Remembers what the table on top stands for, and anchors it. [0]
void lazy_remember(struct lazy *lazy, lua_State *L, uint32_t view, uint32_t node);
// Room for one more key behind lazy->key_count.
struct lazy_key *lazy_add_key(struct lazy *lazy, lua_State *L);
int lazy_compare_keys(const void *left, const void *right);

// ---- lazy.c ----
void lazy_push_node(struct lazy *lazy, lua_State *L, uint32_t view, uint32_t node); // [+1]
// A new, unchanged look at the container or scalar `node`. [+1]
void lazy_push_view(struct lazy *lazy, lua_State *L, uint32_t tape, uint32_t node);
// A name's or string's decoded text. [+1]
void lazy_push_string(struct lazy *lazy, lua_State *L, const struct json_doc *doc, uint32_t node);
// Makes the table at an absolute index plain, if it is a lazy table or a record.
void lazy_fill_level(struct lazy *lazy, lua_State *L, int index);

// ---- lazy_same.c ----
// The raw value equals what the node says; a container when it stands for this very node.
bool lazy_is_same_here(struct lazy *lazy, lua_State *L, int index, uint32_t view, uint32_t node);
// And all levels below do, too.
bool lazy_is_same(struct lazy *lazy, lua_State *L, int index, uint32_t view, uint32_t node);
size_t lazy_count_keys(lua_State *L, int table); // of a raw table
// A list that is not as it was may have been shifted: then an element that Lua cannot tell from
// another is not known to be in its place. The index of the first such one, or 0.
lua_Integer lazy_find_shifted(struct lazy *lazy, lua_State *L, int table, uint32_t view,
                              uint32_t node, lua_Integer len);

// ---- lazy_iter.c ----
// An iterator over the table at an absolute index, as pairs gives it; called with nothing it
// answers the next key and value. [+1]
void lazy_push_iterator(struct lazy *lazy, lua_State *L, int table);

// ---- lazy_path.c ----
// Functions of grapnel.json: (t, path[, value]).
int lazy_path_get(lua_State *L);
int lazy_path_set(lua_State *L);
int lazy_path_each(lua_State *L);
