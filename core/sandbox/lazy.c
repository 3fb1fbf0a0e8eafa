// SPDX-License-Identifier: MIT
// Lazy tables: parsing, reading single fields, filling a level. Script host only.
#include "sandbox/lazy.h"

#include <lauxlib.h>
#include <math.h>

#include "base/mem.h"
#include "json/json_names.h"
#include "sandbox/lazy_inside.h"

#define KEPT_NODES   8192u // of a tape, kept between visits
#define KEPT_FLAGS   8192u // of a view
#define KEPT_SLOTS   8192u // of a map
#define KEPT_TAPES   8u
#define MAX_TEXT     ((size_t)1 << 31)
#define KEPT_OUT     65536u
#define KEPT_ANCHORS 256u // more are let go at the next visit
#define SCAN_NAMES   64u  // up to so many names are compared one by one
#define FEW_FIELDS   4    // room that a new table for an object has

static int lazy_index(lua_State *L);
static int lazy_newindex(lua_State *L);
static int lazy_len(lua_State *L);

// Its address is the key in a metatable: no script can make that key.
static const char record_key;

// ---- life ----

static void push_metatable(struct lazy *lazy, lua_State *L)
{
    static const struct luaL_Reg methods[] = {
        {"__index", lazy_index},
        {"__newindex", lazy_newindex},
        {"__len", lazy_len},
        {NULL, NULL},
    };
    lua_createtable(L, 0, 3);       // mt
    lua_pushlightuserdata(L, lazy); // mt lazy
    luaL_setfuncs(L, methods, 1);   // mt
}

struct lazy *lazy_new(void)
{
    struct lazy *lazy = xcalloc(1, sizeof(*lazy));
    *lazy = (struct lazy){.magic = LAZY_MAGIC, .stamp = 1, .max_bytes = SIZE_MAX};
    buf_init(&lazy->scratch, MAX_TEXT);
    buf_init(&lazy->out, MAX_TEXT);
    return lazy;
}

void lazy_open(struct lazy *lazy, lua_State *L)
{
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    lua_newtable(L); // anchors
    lazy->anchors = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_newtable(L); // anchors
    lazy->kept_anchors = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_newtable(L); // halves
    lazy->halves = luaL_ref(L, LUA_REGISTRYINDEX);
    push_metatable(lazy, L); // mt
    lazy->metatable = luaL_ref(L, LUA_REGISTRYINDEX);
}

void lazy_free(struct lazy *lazy)
{
    if (!lazy)
        return;
    CHECK(lazy->magic == LAZY_MAGIC);
    for (uint32_t i = 0; i < lazy->tape_capacity; i++) {
        json_deinit(&lazy->tapes[i]->doc);
        xfree(lazy->tapes[i]);
    }
    for (uint32_t i = 0; i < lazy->view_capacity; i++)
        xfree(lazy->views[i].flags);
    xfree(lazy->tapes);
    xfree(lazy->views);
    xfree(lazy->map.slots);
    xfree(lazy->kept.slots);
    xfree(lazy->floats.slots);
    xfree(lazy->kept_floats.slots);
    xfree(lazy->keys);
    buf_deinit(&lazy->scratch);
    buf_deinit(&lazy->out);
    lazy->magic = 0;
    xfree(lazy);
}

static void trim_map(struct lazy_map *map)
{
    map->count = 0;
    if (map->capacity <= KEPT_SLOTS)
        return;
    xfree(map->slots);
    *map = (struct lazy_map){0};
}

static void trim(struct lazy *lazy)
{
    for (uint32_t i = lazy->kept_tapes; i < lazy->tape_count; i++)
        json_trim(&lazy->tapes[i]->doc, i - lazy->kept_tapes < KEPT_TAPES ? KEPT_NODES : 0);
    for (uint32_t i = lazy->kept_views; i < lazy->view_count; i++) {
        struct lazy_view *view = &lazy->views[i];
        if (view->capacity > (i - lazy->kept_views < KEPT_TAPES ? KEPT_FLAGS : 0)) {
            xfree(view->flags);
            *view = (struct lazy_view){0};
        }
    }
    trim_map(&lazy->map);
    lazy->floats.count = 0;
    if (lazy->floats.capacity > KEPT_SLOTS) {
        xfree(lazy->floats.slots);
        lazy->floats = (struct lazy_floats){0};
    }
    if (lazy->key_capacity > KEPT_SLOTS) {
        xfree(lazy->keys);
        lazy->keys = NULL;
        lazy->key_capacity = 0;
    }
    buf_reset(&lazy->scratch, KEPT_OUT);
    buf_reset(&lazy->out, KEPT_OUT);
}

void lazy_begin(struct lazy *lazy, size_t max_bytes)
{
    trim(lazy);
    lazy->tape_count = lazy->kept_tapes;
    lazy->view_count = lazy->kept_views;
    lazy->key_count = 0;
    lazy->has_unclear = lazy->kept_unclear;
    lazy->used = 0;
    lazy->max_bytes = max_bytes;
    lazy->out.max = max_bytes;
    if (++lazy->stamp < UINT32_MAX)
        return;
    // Once in 2^32 visits: old stamps would come to life.
    lazy->stamp = 1;
    if (lazy->map.capacity)
        memset(lazy->map.slots, 0, lazy->map.capacity * sizeof(*lazy->map.slots));
    if (lazy->floats.capacity)
        memset(lazy->floats.slots, 0, lazy->floats.capacity * sizeof(*lazy->floats.slots));
}

void lazy_end(struct lazy *lazy)
{
    lazy_begin(lazy, 0);
}

void lazy_let_go(struct lazy *lazy, lua_State *L)
{
    if (lazy->anchor_count > KEPT_ANCHORS) {
        lua_newtable(L); // anchors
        lua_rawseti(L, LUA_REGISTRYINDEX, lazy->anchors);
    }
    lazy->anchor_count = 0;
    if (lazy->has_halves && !lazy->kept_halves) {
        lua_newtable(L); // halves
        lua_rawseti(L, LUA_REGISTRYINDEX, lazy->halves);
        lazy->has_halves = false;
    }
}

void lazy_keep(struct lazy *lazy, lua_State *L)
{
    struct lazy_map map = lazy->map;
    lazy->map = (struct lazy_map){0};
    lazy->kept_bytes = lazy->used;
    lazy->kept_tapes = lazy->tape_count;
    lazy->kept_views = lazy->view_count;
    for (uint32_t i = 0; i < map.capacity; i++) {
        struct lazy_entry *entry = &map.slots[i];
        if (entry->stamp == lazy->stamp)
            entry->stamp = UINT32_MAX;
        else
            *entry = (struct lazy_entry){0};
    }
    CHECK(lazy->kept.count == 0); // once per state
    xfree(lazy->kept.slots);
    lazy->kept = map;
    lazy_keep_floats(lazy);
    lazy->kept_halves = lazy->has_halves;
    lazy->kept_unclear = lazy->has_unclear;
    int anchors = lazy->anchors;
    lazy->anchors = lazy->kept_anchors;
    lazy->kept_anchors = anchors;
    lazy->kept_anchor_count = lazy->anchor_count;
    lazy->anchor_count = 0;
    lua_newtable(L); // anchors
    lua_rawseti(L, LUA_REGISTRYINDEX, lazy->anchors);
}

size_t lazy_used(const struct lazy *lazy)
{
    return lazy->used;
}

size_t lazy_kept(const struct lazy *lazy)
{
    return lazy->kept_bytes;
}

void lazy_push_null(lua_State *L)
{
    lua_pushlightuserdata(L, NULL);
}

bool lazy_is_null(lua_State *L, int index)
{
    return lua_islightuserdata(L, index) && lua_touserdata(L, index) == NULL;
}

void lazy_set_record(lua_State *L)
{
    lua_rawsetp(L, -2, &record_key);
}

bool lazy_is_record(lua_State *L)
{
    bool is_record = lua_rawgetp(L, -1, &record_key) != LUA_TNIL; // mt record
    lua_pop(L, 1);                                                // mt
    return is_record;
}

bool lazy_is_opaque(lua_State *L, int index)
{
    if (!lua_getmetatable(L, index)) // … [mt]
        return false;
    bool is_opaque = lua_rawgetp(L, -1, &record_key) == LUA_TBOOLEAN; // … mt record
    lua_pop(L, 2);                                                    // …
    return is_opaque;
}

// ---- documents ----

static struct lazy_tape *add_tape(struct lazy *lazy, lua_State *L)
{
    if (lazy->tape_count == lazy->tape_capacity) {
        uint32_t capacity = lazy->tape_capacity ? lazy->tape_capacity * 2 : 4;
        lazy_charge(lazy, L, (capacity - lazy->tape_capacity) * sizeof(*lazy->tapes));
        lazy->tapes = xrealloc(lazy->tapes, capacity * sizeof(*lazy->tapes));
        while (lazy->tape_capacity < capacity)
            lazy->tapes[lazy->tape_capacity++] = xcalloc(1, sizeof(**lazy->tapes));
    }
    return lazy->tapes[lazy->tape_count];
}

static uint32_t add_view(struct lazy *lazy, lua_State *L, uint32_t tape, uint32_t node)
{
    if (lazy->view_count == lazy->view_capacity) {
        uint32_t capacity = lazy->view_capacity ? lazy->view_capacity * 2 : 4;
        lazy_charge(lazy, L, (capacity - lazy->view_capacity) * sizeof(*lazy->views));
        lazy->views = xrealloc(lazy->views, capacity * sizeof(*lazy->views));
        memset(lazy->views + lazy->view_capacity, 0,
               (capacity - lazy->view_capacity) * sizeof(*lazy->views));
        lazy->view_capacity = capacity;
    }
    const struct json_doc *doc = &lazy->tapes[tape]->doc;
    uint32_t count = doc->nodes[node].next - node;
    struct lazy_view *view = &lazy->views[lazy->view_count];
    if (count > view->capacity) {
        lazy_charge(lazy, L, count);
        view->flags = xrealloc(view->flags, count);
        view->capacity = count;
    }
    memset(view->flags, 0, count);
    view->tape = tape;
    view->base = node;
    return lazy->view_count++;
}

enum err lazy_parse(struct lazy *lazy, lua_State *L, struct span json, uint32_t *document)
{
    struct lazy_tape *tape = add_tape(lazy, L);
    // The parser does not ask: so much it may need, and so much is given back.
    size_t room = tape->doc.capacity;
    size_t most = (json.len / 2 + JSON_MAX_DEPTH * 2 + 2) * sizeof(struct json_node);
    most = most > room * sizeof(struct json_node) ? most - room * sizeof(struct json_node) : 0;
    lazy_charge(lazy, L, most);
    struct json_error error;
    enum err err = json_parse(&tape->doc, json, LAZY_DEPTH, &error);
    lazy->used -= most;
    lazy_charge(lazy, L, (tape->doc.capacity - room) * sizeof(struct json_node));
    if (err) {
        lua_pushfstring(L, "%s at byte %I", error.message, (LUAI_UACINT)error.offset + 1);
        return err;
    }
    *document = lazy->tape_count++;
    return OK;
}

static uint32_t find_part(const struct json_doc *doc, struct span part)
{
    if (part.len == 0)
        return 0;
    if (part.at < doc->source.at || part.at >= doc->source.at + doc->source.len)
        return JSON_NONE;
    uint32_t start = (uint32_t)(part.at - doc->source.at);
    uint32_t low = 0;
    uint32_t high = doc->count;
    while (low < high) { // nodes stand in the order of their starts
        uint32_t middle = low + (high - low) / 2;
        if (doc->nodes[middle].start < start)
            low = middle + 1;
        else
            high = middle;
    }
    bool is_there = low < doc->count && doc->nodes[low].start == start &&
                    doc->nodes[low].end == start + part.len;
    return is_there ? low : JSON_NONE;
}

bool lazy_push_document(struct lazy *lazy, lua_State *L, uint32_t document, struct span part)
{
    uint32_t node = find_part(&lazy->tapes[document]->doc, part);
    if (node == JSON_NONE)
        return false;
    lazy_push_view(lazy, L, document, node);
    return true;
}

enum err lazy_push(struct lazy *lazy, lua_State *L, struct span json, bool is_borrowed)
{
    luaL_checkstack(L, 6, "too many levels of tables");
    if (!is_borrowed) {
        lua_pushlstring(L, json.len ? json.at : "", json.len); // text
        json.at = lua_tostring(L, -1);
        lazy_anchor(lazy, L, false);
        lua_pop(L, 1); //
    }
    uint32_t document;
    enum err err = lazy_parse(lazy, L, json, &document);
    if (err)
        return err;
    lazy_push_view(lazy, L, document, 0);
    return OK;
}

// ---- values ----

void lazy_push_view(struct lazy *lazy, lua_State *L, uint32_t tape, uint32_t node)
{
    enum json_type type = json_type(&lazy->tapes[tape]->doc, node);
    bool is_container = type == JSON_ARRAY || type == JSON_OBJECT;
    if (is_container || lazy->view_count == 0 || lazy->views[lazy->view_count - 1].tape != tape)
        add_view(lazy, L, tape, node);
    lazy_push_node(lazy, L, lazy->view_count - 1, node);
}

void lazy_push_string(struct lazy *lazy, lua_State *L, const struct json_doc *doc, uint32_t node)
{
    struct span inside = json_inside(doc, node);
    if (!doc->nodes[node].has_escape) {
        lua_pushlstring(L, inside.at, inside.len);
        if (memchr(inside.at, 0xef, inside.len)) // perhaps U+FFFD
            lazy_remember_half(lazy, L, json_raw(doc, node));
        return;
    }
    buf_clear(&lazy->scratch);
    char *room = buf_reserve(&lazy->scratch, inside.len + 1);
    CHECK(room != NULL); // a document is shorter than the buffer's maximum
    lua_pushlstring(L, room, json_decode_string(doc, node, room));
    lazy_remember_half(lazy, L, json_raw(doc, node));
}

static void push_number(struct lazy *lazy, lua_State *L, const struct json_doc *doc, uint32_t node)
{
    int64_t integer;
    if (json_to_int64(doc, node, &integer)) {
        lua_pushinteger(L, integer);
        return;
    }
    struct span lexeme = json_raw(doc, node);
    double number;
    if (!json_to_double(doc, node, &number))
        number = lexeme.at[0] == '-' ? -HUGE_VAL : HUGE_VAL;
    lua_pushnumber(L, lazy_remember_float(lazy, L, number, lexeme));
}

void lazy_push_node(struct lazy *lazy, lua_State *L, uint32_t view, uint32_t node)
{
    const struct json_doc *doc = lazy_doc(lazy, view);
    uint32_t count = doc->nodes[node].count;
    switch (json_type(doc, node)) {
    case JSON_NULL: lua_pushlightuserdata(L, NULL); return;
    case JSON_FALSE: lua_pushboolean(L, false); return;
    case JSON_TRUE: lua_pushboolean(L, true); return;
    case JSON_NUMBER: push_number(lazy, L, doc, node); return;
    case JSON_STRING: lazy_push_string(lazy, L, doc, node); return;
    case JSON_ARRAY: lua_createtable(L, (int)count, 0); break;
    case JSON_OBJECT: lua_createtable(L, 0, count < FEW_FIELDS ? (int)count : FEW_FIELDS); break;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, lazy->metatable); // table mt
    lua_setmetatable(L, -2);                            // table
    lazy_remember(lazy, L, view, node);
}

// ---- levels ----

// Names that are alike after decoding would be alike in a table: marks all but the last.
static void mark_twins(struct json_doc *doc, uint32_t object)
{
    struct json_names names;
    json_names_init(&names, doc, object);
    uint32_t at = object + 1;
    uint32_t name;
    uint32_t value;
    while (json_next_member(doc, object, &at, &name, &value)) {
        uint32_t last = json_names_find(&names, doc, name).name;
        doc->nodes[name].count = last == name ? 0 : last;
    }
    json_names_deinit(&names);
}

// Are there names with escapes, or perhaps two alike? A small table of hashes tells in one pass.
static bool may_be_odd(const struct json_doc *doc, uint32_t object)
{
    if (doc->nodes[object].count > SCAN_NAMES)
        return true;
    uint64_t seen[8] = {0};
    uint32_t at = object + 1;
    uint32_t name;
    uint32_t value;
    while (json_next_member(doc, object, &at, &name, &value)) {
        struct span text = json_inside(doc, name);
        uint64_t hash = text.len * 0x9e3779b97f4a7c15u;
        uint64_t head = 0;
        uint64_t tail = 0;
        size_t part = text.len < 8 ? text.len : 8;
        memcpy(&head, text.at, part);
        memcpy(&tail, text.at + text.len - part, part);
        hash = (hash ^ head ^ (tail << 23 | tail >> 41)) * 0xff51afd7ed558ccdu;
        uint64_t bit = (uint64_t)1 << (hash >> 58);
        uint64_t *word = &seen[hash >> 55 & 7];
        if (doc->nodes[name].has_escape || (*word & bit))
            return true;
        *word |= bit;
    }
    return false;
}

static bool has_odd_names(const struct json_doc *doc, uint32_t object)
{
    uint32_t at = object + 1;
    uint32_t name;
    uint32_t value;
    while (json_next_member(doc, object, &at, &name, &value)) {
        if (doc->nodes[name].has_escape || doc->nodes[name].count)
            return true;
    }
    return false;
}

// The first time that somebody looks into an object.
static void touch(struct lazy *lazy, uint32_t view, uint32_t node)
{
    uint8_t *flags = lazy_flags(lazy, view, node);
    if (*flags & (LAZY_PART | LAZY_LIVE))
        return;
    struct json_doc *doc = &lazy->tapes[lazy->views[view].tape]->doc;
    *flags |= LAZY_PART;
    if (json_type(doc, node) != JSON_OBJECT || !may_be_odd(doc, node))
        return;
    mark_twins(doc, node);
    if (has_odd_names(doc, node))
        *flags |= LAZY_ODD;
}

static void fill_object(struct lazy *lazy, lua_State *L, int index, uint32_t view, uint32_t node)
{
    const struct json_doc *doc = lazy_doc(lazy, view);
    uint32_t at = node + 1;
    uint32_t name;
    uint32_t value;
    while (json_next_member(doc, node, &at, &name, &value)) {
        // The tape does not move while its level is read.
        if (doc->nodes[name].count || (*lazy_flags(lazy, view, name) & LAZY_GOT))
            continue;
        lazy_push_string(lazy, L, doc, name); // … name
        lazy_push_node(lazy, L, view, value); // … name value
        lua_rawset(L, index);                 // …
        *lazy_flags(lazy, view, name) |= LAZY_GOT;
    }
}

static void fill_array(struct lazy *lazy, lua_State *L, int index, uint32_t view, uint32_t node)
{
    const struct json_doc *doc = lazy_doc(lazy, view);
    uint32_t at = node + 1;
    uint32_t value;
    lua_Integer i = 0;
    while (json_next_element(doc, node, &at, &value)) {
        lazy_push_node(lazy, L, view, value); // … value
        lua_rawseti(L, index, ++i);           // …
    }
}

static void fill_node(struct lazy *lazy, lua_State *L, int index, uint32_t view, uint32_t node)
{
    luaL_checkstack(L, 8, "too many levels of tables");
    touch(lazy, view, node);
    uint8_t *flags = lazy_flags(lazy, view, node);
    if (*flags & LAZY_LIVE)
        return;
    if (json_type(lazy_doc(lazy, view), node) == JSON_OBJECT)
        fill_object(lazy, L, index, view, node);
    else
        fill_array(lazy, L, index, view, node);
    lua_pushnil(L);             // … nil
    lua_setmetatable(L, index); // …
    *flags |= LAZY_LIVE;
}

void lazy_fill_level(struct lazy *lazy, lua_State *L, int index)
{
    const struct lazy_entry *entry = lazy_find(lazy, lua_topointer(L, index));
    if (entry && entry->view != LAZY_NONE) {
        fill_node(lazy, L, index, entry->view, entry->node);
        return;
    }
    luaL_checkstack(L, 4, "too many levels of tables");
    if (!lua_getmetatable(L, index)) // [mt]
        return;
    lua_rawgeti(L, LUA_REGISTRYINDEX, lazy->metatable); // mt ours
    bool is_stale = lua_rawequal(L, -1, -2);
    lua_pop(L, 1); // mt
    if (is_stale)
        luaL_error(L, "a decoded table was kept from an earlier visit; "
                      "keep its text, or decode it at file level");
    lua_rawgetp(L, -1, &record_key); // mt fill
    if (lua_isfunction(L, -1)) {
        lua_pushvalue(L, index); // mt fill table
        lua_call(L, 1, 0);       // mt
        lua_pop(L, 1);           //
    } else {
        lua_pop(L, 2); //
    }
}

// ---- metamethods: (table, key[, value]) ----

// Or throws: the table is one of an earlier visit.
static struct lazy_entry entry_of(lua_State *L, struct lazy *lazy)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    const struct lazy_entry *entry = lazy_find(lazy, lua_topointer(L, 1));
    if (!entry || entry->view == LAZY_NONE)
        lazy_fill_level(lazy, L, 1); // throws, or it is a plain table
    return entry ? *entry : (struct lazy_entry){.view = LAZY_NONE};
}

// The name node of a member, or JSON_NONE; the object has no odd names.
static uint32_t find_name(const struct json_doc *doc, uint32_t object, struct span text)
{
    uint32_t at = object + 1;
    uint32_t end = doc->nodes[object].next;
    const char *source = doc->source.at;
    while (at < end) {
        const struct json_node *name = &doc->nodes[at];
        if (name->end - name->start - 2 == text.len &&
            memcmp(source + name->start + 1, text.at, text.len) == 0)
            return at;
        at = doc->nodes[at + 1].next;
    }
    return JSON_NONE;
}

// May this field alone be handled? Then `name` is its node, or JSON_NONE.
static bool is_single(lua_State *L, struct lazy *lazy, const struct lazy_entry *entry,
                      uint32_t *name)
{
    const struct json_doc *doc = lazy_doc(lazy, entry->view);
    if (lua_type(L, 2) != LUA_TSTRING || json_type(doc, entry->node) != JSON_OBJECT)
        return false;
    touch(lazy, entry->view, entry->node);
    uint8_t *flags = lazy_flags(lazy, entry->view, entry->node);
    if ((*flags & LAZY_ODD) || *flags / LAZY_COUNT >= LAZY_FIELDS)
        return false;
    *flags = (uint8_t)(*flags + LAZY_COUNT);
    struct span text;
    text.at = lua_tolstring(L, 2, &text.len);
    *name = find_name(doc, entry->node, text);
    return true;
}

static int lazy_index(lua_State *L)
{
    struct lazy *lazy = lazy_upvalue(L);
    struct lazy_entry entry = entry_of(L, lazy);
    if (entry.view == LAZY_NONE)
        return 0;
    lua_settop(L, 2); // table key
    uint32_t name;
    if (!is_single(L, lazy, &entry, &name)) {
        bool is_array = json_type(lazy_doc(lazy, entry.view), entry.node) == JSON_ARRAY;
        if (is_array && lua_type(L, 2) == LUA_TSTRING)
            return 0;
        fill_node(lazy, L, 1, entry.view, entry.node);
        lua_pushvalue(L, 2); // table key key
        lua_rawget(L, 1);    // table key value
        return 1;
    }
    if (name == JSON_NONE || (*lazy_flags(lazy, entry.view, name) & LAZY_GOT))
        return 0;
    lazy_push_node(lazy, L, entry.view, name + 1); // table key value
    lua_pushvalue(L, 2);                           // table key value key
    lua_pushvalue(L, -2);                          // table key value key value
    lua_rawset(L, 1);                              // table key value
    *lazy_flags(lazy, entry.view, name) |= LAZY_GOT;
    return 1;
}

static int lazy_newindex(lua_State *L)
{
    struct lazy *lazy = lazy_upvalue(L);
    struct lazy_entry entry = entry_of(L, lazy);
    lua_settop(L, 3); // table key value
    uint32_t name;
    if (entry.view != LAZY_NONE) {
        if (!is_single(L, lazy, &entry, &name))
            fill_node(lazy, L, 1, entry.view, entry.node);
        else if (name != JSON_NONE)
            *lazy_flags(lazy, entry.view, name) |= LAZY_GOT;
    }
    if (lua_isnil(L, 2))
        return luaL_error(L, "index is nil");
    if (lua_type(L, 2) == LUA_TNUMBER && lua_tonumber(L, 2) != lua_tonumber(L, 2))
        return luaL_error(L, "index is NaN");
    lua_rawset(L, 1); // table
    return 0;
}

static int lazy_len(lua_State *L)
{
    struct lazy *lazy = lazy_upvalue(L);
    lua_settop(L, 1); // table
    if (entry_of(L, lazy).view != LAZY_NONE)
        lazy_fill_level(lazy, L, 1);
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, 1));
    return 1;
}
