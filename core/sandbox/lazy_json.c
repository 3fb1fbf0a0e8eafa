// SPDX-License-Identifier: MIT
// The module grapnel.json. Script host only.
#include <lauxlib.h>

#include "sandbox/lazy_inside.h"

static int json_encode(lua_State *L)
{
    struct lazy *lazy = lazy_upvalue(L);
    luaL_checkany(L, 1);
    buf_clear(&lazy->out);
    size_t before = lazy->out.capacity;
    if (!lazy_encode(lazy, L, 1, "value", &lazy->out)) { // message
        luaL_where(L, 1);                                // message where
        lua_insert(L, -2);                               // where message
        lua_concat(L, 2);                                // message
        return lua_error(L);
    }
    if (lazy->out.capacity > before)
        lazy_charge(lazy, L, lazy->out.capacity - before);
    lua_pushlstring(L, lazy->out.len ? lazy->out.at : "", lazy->out.len); // text
    return 1;
}

static int json_decode(lua_State *L)
{
    struct lazy *lazy = lazy_upvalue(L);
    luaL_checktype(L, 1, LUA_TSTRING);
    struct span text;
    text.at = lua_tolstring(L, 1, &text.len);
    lua_settop(L, 1); // text
    lazy_anchor(lazy, L, false);
    if (lazy_push(lazy, L, text, true)) { // text message
        lua_pushnil(L);                   // text message nil
        lua_insert(L, -2);                // text nil message
        return 2;
    }
    return 1;
}

// A table that is a list, or an object, even when it is empty.
static int mark(lua_State *L, uint32_t kind)
{
    struct lazy *lazy = lazy_upvalue(L);
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L); // t
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1); // t
    const struct lazy_entry *entry = lazy_find(lazy, lua_topointer(L, 1));
    if (entry && entry->view != LAZY_NONE) {
        const struct json_doc *doc = lazy_doc(lazy, entry->view);
        bool is_array = json_type(doc, entry->node) == JSON_ARRAY;
        if (is_array == (kind == LAZY_ARRAY))
            return 1;
        if (doc->nodes[entry->node].count > 0)
            return luaL_error(L, "the table is %s", is_array ? "a list" : "an object");
        lazy_fill_level(lazy, L, 1);
    }
    lazy_remember(lazy, L, LAZY_NONE, kind);
    return 1;
}

static int json_array(lua_State *L)
{
    return mark(L, LAZY_ARRAY);
}

static int json_object(lua_State *L)
{
    return mark(L, LAZY_OBJECT);
}

static int json_copy(lua_State *L)
{
    struct lazy *lazy = lazy_upvalue(L);
    luaL_checkany(L, 1);
    lua_settop(L, 1); // value
    if (!lua_istable(L, 1))
        return 1;
    struct span raw;
    if (lazy_is_untouched(lazy, L, 1, &raw)) {
        struct lazy_entry entry = *lazy_find(lazy, lua_topointer(L, 1));
        lazy_push_view(lazy, L, lazy->views[entry.view].tape, entry.node); // value copy
        return 1;
    }
    json_encode(L); // value text
    lua_replace(L, 1);
    struct span text;
    text.at = lua_tolstring(L, 1, &text.len);
    lazy_anchor(lazy, L, false);
    if (lazy_push(lazy, L, text, true)) // text copy
        return lua_error(L);
    return 1;
}

bool lazy_is_untouched(const struct lazy *lazy, lua_State *L, int index, struct span *raw)
{
    if (!lua_istable(L, index))
        return false;
    const struct lazy_entry *entry = lazy_find(lazy, lua_topointer(L, index));
    if (!entry || entry->view == LAZY_NONE)
        return false;
    if (*lazy_flags(lazy, entry->view, entry->node) & (LAZY_PART | LAZY_LIVE))
        return false;
    *raw = json_raw(lazy_doc(lazy, entry->view), entry->node);
    return true;
}

// Adds the table on top to the list at `todo`, unless it is in the table at `seen`. [-1]
static void add_unseen(lua_State *L, int seen, int todo, lua_Integer *count)
{
    lua_pushvalue(L, -1);                  // t t
    if (lua_rawget(L, seen) == LUA_TNIL) { // t seen?
        lua_pushvalue(L, -2);              // t seen? t
        lua_rawseti(L, todo, ++*count);    // t seen?
        lua_pushvalue(L, -2);              // t seen? t
        lua_pushboolean(L, true);          // t seen? t true
        lua_rawset(L, seen);               // t seen?
    }
    lua_pop(L, 2); //
}

// Breadth first, so that depth costs no C stack.
void lazy_fill(struct lazy *lazy, lua_State *L, int index)
{
    luaL_checkstack(L, 10, "too many levels of tables");
    if (!lua_istable(L, index))
        return;
    index = lua_absindex(L, index);
    int seen = lua_gettop(L) + 1;
    int todo = seen + 1;
    lua_Integer count = 0;
    lua_newtable(L);         // seen
    lua_newtable(L);         // seen todo
    lua_pushvalue(L, index); // seen todo t
    add_unseen(L, seen, todo, &count);
    for (lua_Integer i = 1; i <= count; i++) {
        lazy_look(L);
        lua_rawgeti(L, todo, i); // seen todo t
        lazy_fill_level(lazy, L, todo + 1);
        lua_pushnil(L);                 // seen todo t nil
        while (lua_next(L, todo + 1)) { // seen todo t key value
            if (lua_istable(L, -1))
                add_unseen(L, seen, todo, &count); // seen todo t key
            else
                lua_pop(L, 1); // seen todo t key
        }
        lua_settop(L, todo); // seen todo
    }
    lua_settop(L, seen - 1); //
}

int lazy_open_json(lua_State *L)
{
    static const struct luaL_Reg functions[] = {
        {"encode", json_encode}, {"decode", json_decode},  {"array", json_array},
        {"object", json_object}, {"copy", json_copy},      {"get", lazy_path_get},
        {"set", lazy_path_set},  {"each", lazy_path_each}, {NULL, NULL},
    };
    lua_createtable(L, 0, 9);              // json
    lua_pushvalue(L, lua_upvalueindex(1)); // json lazy
    luaL_setfuncs(L, functions, 1);        // json
    lazy_push_null(L);                     // json null
    lua_setfield(L, -2, "null");           // json
    return 1;
}
