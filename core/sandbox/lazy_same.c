// SPDX-License-Identifier: MIT
// Does a Lua value still say what its document said? Script host only.
#include <lauxlib.h>
#include <math.h>

#include "sandbox/lazy_inside.h"

static bool is_same_string(lua_State *L, int index, const struct json_doc *doc, uint32_t node)
{
    struct span text;
    text.at = lua_tolstring(L, index, &text.len);
    return json_string_is(doc, node, text);
}

static bool is_same_number(const struct lazy *lazy, lua_State *L, int index,
                           const struct json_doc *doc, uint32_t node)
{
    int64_t integer;
    if (json_to_int64(doc, node, &integer))
        return lua_isinteger(L, index) && lua_tointeger(L, index) == integer;
    if (lua_isinteger(L, index))
        return false;
    double was;
    double is = lua_tonumber(L, index);
    if (!json_to_double(doc, node, &was))
        was = json_raw(doc, node).at[0] == '-' ? -HUGE_VAL : HUGE_VAL;
    was = lazy_float_of(lazy, was, json_raw(doc, node));
    return was == is && signbit(was) == signbit(is);
}

bool lazy_is_same_here(struct lazy *lazy, lua_State *L, int index, uint32_t view, uint32_t node)
{
    const struct json_doc *doc = lazy_doc(lazy, view);
    int type = lua_type(L, index);
    switch (json_type(doc, node)) {
    case JSON_NULL: return lazy_is_null(L, index);
    case JSON_FALSE: return type == LUA_TBOOLEAN && !lua_toboolean(L, index);
    case JSON_TRUE: return type == LUA_TBOOLEAN && lua_toboolean(L, index);
    case JSON_NUMBER: return type == LUA_TNUMBER && is_same_number(lazy, L, index, doc, node);
    case JSON_STRING: return type == LUA_TSTRING && is_same_string(L, index, doc, node);
    case JSON_ARRAY:
    case JSON_OBJECT: break;
    }
    if (type != LUA_TTABLE)
        return false;
    const struct lazy_entry *entry = lazy_find(lazy, lua_topointer(L, index));
    return entry && entry->view == view && entry->node == node;
}

size_t lazy_count_keys(lua_State *L, int table)
{
    size_t count = 0;
    lua_pushnil(L);              // … nil
    while (lua_next(L, table)) { // … key value
        count++;
        lua_pop(L, 1); // … key
    }
    return count;
}

lua_Integer lazy_find_shifted(struct lazy *lazy, lua_State *L, int table, uint32_t view,
                              uint32_t node, lua_Integer len)
{
    if (!lazy->has_unclear)
        return 0;
    const struct json_doc *doc = lazy_doc(lazy, view);
    bool is_changed = (uint64_t)len != doc->nodes[node].count;
    lua_Integer unclear = 0;
    uint32_t at = node + 1;
    uint32_t value;
    for (lua_Integer i = 1; i <= len && json_next_element(doc, node, &at, &value); i++) {
        char text[LAZY_UNCLEAR_TEXT];
        lua_rawgeti(L, table, i); // … value
        int top = lua_gettop(L);
        is_changed = is_changed || !lazy_is_same_here(lazy, L, top, view, value);
        if (!unclear && lazy_is_unclear(lazy, L, top, text))
            unclear = i;
        lua_pop(L, 1); // …
    }
    return is_changed ? unclear : 0;
}

// These call each other, a level of the document at a time: LAZY_DEPTH of them at most.
// NOLINTBEGIN(misc-no-recursion): see above
static bool is_same_object(struct lazy *lazy, lua_State *L, int table, uint32_t view, uint32_t node)
{
    const struct json_doc *doc = lazy_doc(lazy, view);
    bool is_live = *lazy_flags(lazy, view, node) & LAZY_LIVE;
    uint32_t at = node + 1;
    uint32_t name;
    uint32_t value;
    size_t matched = 0;
    while (json_next_member(doc, node, &at, &name, &value)) {
        if (doc->nodes[name].count || (!is_live && !(*lazy_flags(lazy, view, name) & LAZY_GOT)))
            continue;
        lazy_push_string(lazy, L, doc, name); // … name
        lua_rawget(L, table);                 // … value
        bool is_same = lazy_is_same(lazy, L, lua_gettop(L), view, value);
        lua_pop(L, 1); // …
        if (!is_same)
            return false;
        matched++;
    }
    return lazy_count_keys(L, table) == matched;
}

static bool is_same_array(struct lazy *lazy, lua_State *L, int table, uint32_t view, uint32_t node)
{
    const struct json_doc *doc = lazy_doc(lazy, view);
    if (lazy_count_keys(L, table) != doc->nodes[node].count)
        return false;
    uint32_t at = node + 1;
    uint32_t value;
    lua_Integer i = 0;
    while (json_next_element(doc, node, &at, &value)) {
        lua_rawgeti(L, table, ++i); // … value
        bool is_same = lazy_is_same(lazy, L, lua_gettop(L), view, value);
        lua_pop(L, 1); // …
        if (!is_same)
            return false;
    }
    return true;
}

bool lazy_is_same(struct lazy *lazy, lua_State *L, int index, uint32_t view, uint32_t node)
{
    if (!lazy_is_same_here(lazy, L, index, view, node))
        return false;
    enum json_type type = json_type(lazy_doc(lazy, view), node);
    if (type != JSON_ARRAY && type != JSON_OBJECT)
        return true;
    uint8_t flags = *lazy_flags(lazy, view, node);
    if (!(flags & (LAZY_PART | LAZY_LIVE)))
        return true;
    luaL_checkstack(L, 4, "too many levels of tables");
    if (type == JSON_OBJECT)
        return is_same_object(lazy, L, index, view, node);
    return !(flags & LAZY_LIVE) || is_same_array(lazy, L, index, view, node);
}
// NOLINTEND(misc-no-recursion)
