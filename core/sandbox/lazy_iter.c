// SPDX-License-Identifier: MIT
// next and pairs in an order that is always the same, getmetatable and setmetatable. Script host only.
#include <lauxlib.h>
#include <stdlib.h>

#include "sandbox/lazy_inside.h"

// The iterator is a C closure with these upvalues.
enum {
    AT_LAZY = 1,
    AT_TABLE,
    AT_PHASE, // ELEMENTS, MEMBERS, OTHERS
    AT_POSITION,
    AT_SEEN, // elements and members that were there
    AT_KEYS, // sorted keys of OTHERS; nil before
    UPVALUES = AT_KEYS,
};

enum phase { ELEMENTS, MEMBERS, OTHERS };

static lua_Integer get(lua_State *L, int which)
{
    return lua_tointeger(L, lua_upvalueindex(which));
}

static void set(lua_State *L, int which, lua_Integer value)
{
    lua_pushinteger(L, value); // … value
    lua_replace(L, lua_upvalueindex(which));
}

// The object that the table came from, if it came from one.
static const struct lazy_entry *object_of(const struct lazy *lazy, const void *table)
{
    const struct lazy_entry *entry = lazy_find(lazy, table);
    if (!entry || entry->view == LAZY_NONE)
        return NULL;
    return json_type(lazy_doc(lazy, entry->view), entry->node) == JSON_OBJECT ? entry : NULL;
}

// ---- what no document orders ----

static struct lazy_key key_at(lua_State *L, int index)
{
    struct lazy_key key = {0};
    switch (lua_type(L, index)) {
    case LUA_TSTRING: key.at = lua_tolstring(L, index, &key.len); break;
    case LUA_TNUMBER:
        key.number = lua_tonumber(L, index);
        key.is_integer = lua_isinteger(L, index);
        key.integer = lua_tointeger(L, index);
        break;
    case LUA_TBOOLEAN:
        key.is_boolean = true;
        key.number = lua_toboolean(L, index);
        break;
    default:
        luaL_error(L, "pairs: a key that is a %s has no order; use a list",
                   luaL_typename(L, index));
    }
    return key;
}

static void push_key(lua_State *L, const struct lazy_key *key)
{
    if (key->at)
        lua_pushlstring(L, key->at, key->len);
    else if (key->is_boolean)
        lua_pushboolean(L, key->number != 0);
    else if (key->is_integer)
        lua_pushinteger(L, key->integer);
    else
        lua_pushnumber(L, key->number);
}

// Pushes a table of the names that stand on the tape, or nil. [+1]
static void push_names(struct lazy *lazy, lua_State *L, const void *table)
{
    const struct lazy_entry *found = object_of(lazy, table);
    if (!found) {
        lua_pushnil(L);
        return;
    }
    struct lazy_entry entry = *found;
    const struct json_doc *doc = lazy_doc(lazy, entry.view);
    lua_createtable(L, 0, (int)doc->nodes[entry.node].count); // names
    uint32_t at = entry.node + 1;
    uint32_t name;
    uint32_t value;
    while (json_next_member(doc, entry.node, &at, &name, &value)) {
        lazy_push_string(lazy, L, doc, name); // names name
        lua_pushboolean(L, true);             // names name true
        lua_rawset(L, -3);                    // names
    }
}

static bool is_visited(lua_State *L, int names, lua_Integer elements)
{
    if (lua_isinteger(L, -1)) {
        lua_Integer i = lua_tointeger(L, -1);
        return i >= 1 && i <= elements;
    }
    if (lua_isnil(L, names) || lua_type(L, -1) != LUA_TSTRING)
        return false;
    lua_pushvalue(L, -1);                            // … key key
    bool is_name = lua_rawget(L, names) != LUA_TNIL; // … key known
    lua_pop(L, 1);                                   // … key
    return is_name;
}

// Pushes an array of the keys that are no elements up to `elements` and no names. [+1]
static void push_others(struct lazy *lazy, lua_State *L, int table, lua_Integer elements)
{
    luaL_checkstack(L, 8, "too many levels of tables");
    push_names(lazy, L, lua_topointer(L, table)); // names
    int names = lua_gettop(L);
    lazy->key_count = 0;
    lua_pushnil(L);              // names nil
    while (lua_next(L, table)) { // names key value
        lua_pop(L, 1);           // names key
        if (!is_visited(L, names, elements)) {
            struct lazy_key key = key_at(L, lua_gettop(L));
            *lazy_add_key(lazy, L) = key;
        }
    }
    if (lazy->key_count > 1)
        qsort(lazy->keys, lazy->key_count, sizeof(*lazy->keys), lazy_compare_keys);
    lua_createtable(L, (int)lazy->key_count, 0); // names keys
    for (size_t i = 0; i < lazy->key_count; i++) {
        push_key(L, &lazy->keys[i]);            // names keys key
        lua_rawseti(L, -2, (lua_Integer)i + 1); // names keys
    }
    lua_remove(L, names); // keys
}

// ---- one step: leaves key and value, or nothing and goes to the next phase ----

static bool step_elements(lua_State *L)
{
    lua_Integer i = get(L, AT_POSITION) + 1;
    lua_pushinteger(L, i);                                           // i
    if (lua_rawgeti(L, lua_upvalueindex(AT_TABLE), i) != LUA_TNIL) { // i value
        set(L, AT_POSITION, i);
        return true;
    }
    lua_settop(L, 0);
    set(L, AT_SEEN, i - 1);
    set(L, AT_POSITION, 0);
    set(L, AT_PHASE, MEMBERS);
    return false;
}

static bool step_members(struct lazy *lazy, lua_State *L)
{
    const struct lazy_entry *entry = object_of(lazy, lua_topointer(L, lua_upvalueindex(AT_TABLE)));
    if (entry) {
        const struct json_doc *doc = lazy_doc(lazy, entry->view);
        uint32_t at = (uint32_t)get(L, AT_POSITION);
        at = at ? at : entry->node + 1;
        uint32_t object = entry->node;
        uint32_t name;
        uint32_t value;
        while (json_next_member(doc, object, &at, &name, &value)) {
            if (doc->nodes[name].count)
                continue;
            lazy_push_string(lazy, L, doc, name);                        // name
            lua_pushvalue(L, -1);                                        // name name
            if (lua_rawget(L, lua_upvalueindex(AT_TABLE)) != LUA_TNIL) { // name value
                set(L, AT_POSITION, at);
                return true;
            }
            lua_settop(L, 0);
        }
    }
    set(L, AT_POSITION, 0);
    set(L, AT_PHASE, OTHERS);
    return false;
}

static bool step_others(struct lazy *lazy, lua_State *L)
{
    if (lua_isnil(L, lua_upvalueindex(AT_KEYS))) {
        lua_pushvalue(L, lua_upvalueindex(AT_TABLE)); // table
        push_others(lazy, L, 1, get(L, AT_SEEN));     // table keys
        lua_replace(L, lua_upvalueindex(AT_KEYS));    // table
        lua_settop(L, 0);
    }
    lua_Integer i = get(L, AT_POSITION);
    while (lua_rawgeti(L, lua_upvalueindex(AT_KEYS), ++i) != LUA_TNIL) { // key
        lua_pushvalue(L, -1);                                            // key key
        if (lua_rawget(L, lua_upvalueindex(AT_TABLE)) != LUA_TNIL) {     // key value
            set(L, AT_POSITION, i);
            return true;
        }
        lua_settop(L, 0);
    }
    lua_settop(L, 0);
    return false;
}

static int step(lua_State *L)
{
    struct lazy *lazy = lua_touserdata(L, lua_upvalueindex(AT_LAZY));
    lua_settop(L, 0);
    if (get(L, AT_PHASE) == ELEMENTS && step_elements(L))
        return 2;
    if (get(L, AT_PHASE) == MEMBERS && step_members(lazy, L))
        return 2;
    if (step_others(lazy, L))
        return 2;
    lua_pushnil(L); // nil
    return 1;
}

void lazy_push_iterator(struct lazy *lazy, lua_State *L, int table)
{
    lazy_fill_level(lazy, L, table);
    lua_pushlightuserdata(L, lazy);      // lazy
    lua_pushvalue(L, table);             // lazy table
    lua_pushinteger(L, ELEMENTS);        // lazy table phase
    lua_pushinteger(L, 0);               // … position
    lua_pushinteger(L, 0);               // … seen
    lua_pushnil(L);                      // … keys
    lua_pushcclosure(L, step, UPVALUES); // iterator
}

// ---- functions of _G ----

static int base_pairs(lua_State *L)
{
    luaL_checkany(L, 1);
    if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) { // t … __pairs
        lua_pushvalue(L, 1);                              // t … __pairs t
        lua_call(L, 1, 3);                                // t … f s k
        return 3;
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lazy_push_iterator(lazy_upvalue(L), L, 1); // t … iterator
    lua_pushvalue(L, 1);                       // t … iterator t
    lua_pushnil(L);                            // t … iterator t nil
    return 3;
}

// Leaves the iterator and what it answers above `base`. [+3] False: it is at its end.
static bool advance(lua_State *L, int iterator)
{
    lua_pushvalue(L, iterator); // … iterator
    lua_call(L, 0, 2);          // … key value
    return !lua_isnil(L, -2);
}

// Upvalue 2 is a table: where the last call of next stopped, as {table, iterator, key}.
static int base_next(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    if (lazy_is_opaque(L, 1))
        return luaL_error(L, "next: not a plain table; use pairs");
    lua_settop(L, 2);                       // t k
    lua_rawgeti(L, lua_upvalueindex(2), 1); // t k last
    lua_rawgeti(L, lua_upvalueindex(2), 3); // t k last key
    bool goes_on = !lua_isnil(L, 2) && lua_rawequal(L, 1, 3) && lua_rawequal(L, 2, 4);
    lua_settop(L, 2); // t k
    if (goes_on)
        lua_rawgeti(L, lua_upvalueindex(2), 2); // t k iterator
    else
        lazy_push_iterator(lazy_upvalue(L), L, 1); // t k iterator
    bool is_there = goes_on || lua_isnil(L, 2);
    while (!is_there) {
        if (!advance(L, 3)) // t k iterator key value
            return luaL_error(L, "invalid key to 'next'");
        is_there = lua_rawequal(L, 2, 4);
        lua_settop(L, 3); // t k iterator
    }
    if (!advance(L, 3)) { // t k iterator key value
        lua_pushnil(L);
        return 1;
    }
    lua_pushvalue(L, 1);                    // … t
    lua_rawseti(L, lua_upvalueindex(2), 1); // …
    lua_pushvalue(L, 3);                    // … iterator
    lua_rawseti(L, lua_upvalueindex(2), 2); // …
    lua_pushvalue(L, 4);                    // … key
    lua_rawseti(L, lua_upvalueindex(2), 3); // t k iterator key value
    return 2;
}

static bool is_lazy(lua_State *L, int index)
{
    if (lua_type(L, index) != LUA_TTABLE)
        return false;
    const struct lazy_entry *entry = lazy_find(lazy_upvalue(L), lua_topointer(L, index));
    return entry && entry->view != LAZY_NONE;
}

// Is the metatable on top one of ours? They hold functions that trust their arguments, and are
// shared by all tables of their kind, in later visits, too.
static bool is_ours(lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, lazy_upvalue(L)->metatable); // mt lazy's
    bool is_lazys = lua_rawequal(L, -1, -2);
    lua_pop(L, 1); // mt
    return is_lazys || lazy_is_record(L);
}

static int base_getmetatable(lua_State *L)
{
    luaL_checkany(L, 1);
    if (is_lazy(L, 1)) // it may have got one of the script's own
        lazy_fill_level(lazy_upvalue(L), L, 1);
    if (lua_type(L, 1) != LUA_TTABLE || !lua_getmetatable(L, 1) || is_ours(L)) {
        lua_pushnil(L);
        return 1;
    }
    lua_getfield(L, -1, "__metatable"); // … mt protected
    lua_pop(L, lua_isnil(L, -1) ? 1 : 0);
    return 1;
}

static int base_setmetatable(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    int type = lua_type(L, 2);
    luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
    lua_settop(L, 2); // t mt
    if (lazy_is_opaque(L, 1))
        return luaL_error(L, "cannot change a protected metatable");
    lazy_fill_level(lazy_upvalue(L), L, 1);
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return luaL_error(L, "cannot change a protected metatable");
    if (type == LUA_TTABLE) {
        static const char *const refused[] = {"__gc", "__close"};
        lazy_fill_level(lazy_upvalue(L), L, 2);
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
            lua_pushstring(L, refused[i]); // t mt name
            if (lua_rawget(L, 2) != LUA_TNIL)
                return luaL_error(L, "setmetatable: %s is not available", refused[i]);
            lua_pop(L, 1); // t mt
        }
    }
    lua_setmetatable(L, 1); // t
    return 1;
}

int lazy_open_base(lua_State *L)
{
    static const struct luaL_Reg functions[] = {
        {"pairs", base_pairs},
        {"getmetatable", base_getmetatable},
        {"setmetatable", base_setmetatable},
        {NULL, NULL},
    };
    lua_newtable(L);                       // base
    lua_pushvalue(L, lua_upvalueindex(1)); // base lazy
    luaL_setfuncs(L, functions, 1);        // base
    lua_pushvalue(L, lua_upvalueindex(1)); // base lazy
    lua_newtable(L);                       // base lazy memory
    lua_pushcclosure(L, base_next, 2);     // base next
    lua_setfield(L, -2, "next");           // base
    return 1;
}
