// SPDX-License-Identifier: MIT
// Paths into tables: "data.items.*.price" for get, set, each, templates and options. Script host only.
#include <lauxlib.h>
#include <stdlib.h>

#include "sandbox/lazy_inside.h"

#define MAX_PATH 1024 // bytes

struct part {
    const char *name; // unescaped; points into the path's text
    size_t len;
    lua_Integer index; // from 1, if it could be one of a list; else 0
    bool is_star;
};

struct path {
    size_t count;
    struct part parts[LAZY_DEPTH];
    char text[MAX_PATH];
};

// ---- parsing ----

static void finish_part(struct part *part, const char *start, const char *end, bool is_escaped)
{
    *part = (struct part){.name = start, .len = (size_t)(end - start)};
    part->is_star = part->len == 1 && *start == '*' && !is_escaped;
    lua_Integer index = 0;
    bool is_number = part->len > 0 && part->len < 10 && *start != '0';
    for (const char *c = start; c < end && is_number; c++) {
        is_number = *c >= '0' && *c <= '9';
        index = index * 10 + (*c - '0');
    }
    part->index = is_number ? index : 0;
}

// NULL, or what is wrong.
static const char *parse(struct path *path, struct span text)
{
    if (text.len == 0)
        return "a path must not be empty";
    if (text.len >= MAX_PATH)
        return "a path is at most 1023 bytes long";
    path->count = 0;
    char *to = path->text;
    const char *start = to;
    bool is_escaped = false;
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.at[i] != '.') {
            bool is_backslash = text.at[i] == '\\';
            if (is_backslash && (i + 1 == text.len || !strchr(".\\*", text.at[i + 1])))
                return "in a path a backslash stands before a dot, a star or a backslash";
            is_escaped = is_escaped || is_backslash;
            i += is_backslash;
            *to++ = text.at[i];
            continue;
        }
        if (to == start)
            return "a path must not have an empty name";
        if (path->count == LAZY_DEPTH)
            return "a path has at most 64 names";
        finish_part(&path->parts[path->count++], start, to, is_escaped);
        start = to;
        is_escaped = false;
    }
    return NULL;
}

const char *lazy_check_path(struct span text, bool may_have_star)
{
    struct path path;
    const char *problem = parse(&path, text);
    for (size_t i = 0; !problem && !may_have_star && i < path.count; i++) {
        if (path.parts[i].is_star)
            problem = "a path to one value has no *";
    }
    return problem;
}

static void parse_or_throw(lua_State *L, struct path *path, struct span text, bool may_have_star)
{
    const char *problem = parse(path, text);
    for (size_t i = 0; !problem && !may_have_star && i < path->count; i++) {
        if (path->parts[i].is_star)
            problem = "a path to one value has no *; use json.each";
    }
    if (problem)
        luaL_error(L, "%s", problem);
}

// ---- following ----

// Replaces the value on top, which must be a table, by what `part` leads to. [0]
static void follow(lua_State *L, const struct part *part)
{
    lua_pushlstring(L, part->name, part->len); // t name
    if (lua_gettable(L, -2) == LUA_TNIL && part->index) {
        lua_pop(L, 1);                // t
        lua_geti(L, -1, part->index); // t value
    }
    lua_remove(L, -2); // value
}

static void follow_path(lua_State *L, int index, const struct path *path)
{
    luaL_checkstack(L, 6, "too many levels of tables");
    lua_pushvalue(L, index); // value
    for (size_t i = 0; i < path->count; i++) {
        if (!lua_istable(L, -1)) {
            lua_pop(L, 1);  //
            lua_pushnil(L); // nil
            return;
        }
        follow(L, &path->parts[i]); // value
    }
    if (lazy_is_null(L, -1)) {
        lua_pop(L, 1);  //
        lua_pushnil(L); // nil
    }
}

void lazy_get_path(struct lazy *lazy, lua_State *L, int index, struct span text)
{
    (void)lazy;
    struct path path;
    index = lua_absindex(L, index);
    parse_or_throw(L, &path, text, false);
    follow_path(L, index, &path);
}

static struct span check_path(lua_State *L, int index)
{
    struct span text;
    text.at = luaL_checklstring(L, index, &text.len);
    return text;
}

int lazy_path_get(lua_State *L)
{
    luaL_checkany(L, 1);
    lazy_get_path(lazy_upvalue(L), L, 1, check_path(L, 2));
    return 1;
}

// ---- set ----

static bool is_list(const struct lazy *lazy, lua_State *L, int index)
{
    const struct lazy_entry *entry = lazy_find(lazy, lua_topointer(L, index));
    if (entry && entry->view == LAZY_NONE)
        return entry->node == LAZY_ARRAY;
    if (entry && lazy_doc(lazy, entry->view)->nodes[entry->node].count > 0)
        return json_type(lazy_doc(lazy, entry->view), entry->node) == JSON_ARRAY;
    return lua_rawlen(L, index) > 0;
}

// Pushes the key that `part` means in the table on top. [+1]
static void push_key(struct lazy *lazy, lua_State *L, const struct part *part)
{
    if (part->index && is_list(lazy, L, lua_gettop(L)))
        lua_pushinteger(L, part->index);
    else
        lua_pushlstring(L, part->name, part->len);
}

int lazy_path_set(lua_State *L)
{
    struct lazy *lazy = lazy_upvalue(L);
    struct path path;
    luaL_checktype(L, 1, LUA_TTABLE);
    struct span text = check_path(L, 2);
    luaL_checkany(L, 3);
    lua_settop(L, 3); // t path value
    parse_or_throw(L, &path, text, false);
    lua_pushvalue(L, 1); // t path value at
    for (size_t i = 0; i + 1 < path.count; i++) {
        push_key(lazy, L, &path.parts[i]); // … at key
        lua_pushvalue(L, -1);              // … at key key
        lua_gettable(L, -3);               // … at key next
        if (lua_isnil(L, -1) || lazy_is_null(L, -1)) {
            if (lua_isnil(L, 3))
                return 0;         // nothing to remove
            lua_pop(L, 1);        // … at key
            lua_newtable(L);      // … at key next
            lua_pushvalue(L, -2); // … at key next key
            lua_pushvalue(L, -2); // … at key next key next
            lua_settable(L, -5);  // … at key next
        } else if (!lua_istable(L, -1)) {
            lua_pushlstring(L, path.parts[i].name, path.parts[i].len);
            return luaL_error(L, "json.set: '%s' in the path '%s' is a %s", lua_tostring(L, -1),
                              text.at, luaL_typename(L, -2));
        }
        lua_replace(L, 4); // t path value next key
        lua_settop(L, 4);  // t path value next
    }
    push_key(lazy, L, &path.parts[path.count - 1]); // … at key
    lua_pushvalue(L, 3);                            // … at key value
    lua_settable(L, 4);                             // … at
    return 0;
}

// ---- each ----

// Upvalues: pairs of parent and key, how many are left.
static int each_step(lua_State *L)
{
    lua_Integer left = lua_tointeger(L, lua_upvalueindex(2));
    if (left == 0) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, left - 1);                      // left
    lua_replace(L, lua_upvalueindex(2));               //
    lua_rawgeti(L, lua_upvalueindex(1), left * 2 - 1); // parent
    lua_rawgeti(L, lua_upvalueindex(1), left * 2);     // parent key
    return 2;
}

// What one part of a path matches.
struct matches {
    int list, parent;  // indices of tables: the matches, the table that is searched
    bool is_last;      // the path's last part: parents and keys are wanted, else only tables
    lua_Integer count; // of list
};

// Stack: … and on top key and value. Adds the value (a table), or table and key, to the list.
static void add_match(lua_State *L, struct matches *m)
{
    if (m->is_last) {
        lua_pushvalue(L, m->parent);         // key value parent
        lua_rawseti(L, m->list, ++m->count); // key value
        lua_pushvalue(L, -2);                // key value key
        lua_rawseti(L, m->list, ++m->count); // key value
    } else if (lua_istable(L, -1)) {
        lua_pushvalue(L, -1);                // key value value
        lua_rawseti(L, m->list, ++m->count); // key value
    }
    lua_pop(L, 2); //
}

// All members and elements of the table at `parent`.
static void match_all(struct lazy *lazy, lua_State *L, struct matches *m)
{
    lazy_push_iterator(lazy, L, m->parent); // iterator
    for (;;) {
        lua_pushvalue(L, -1); // iterator iterator
        lua_call(L, 0, 2);    // iterator key value
        if (lua_isnil(L, -2))
            break;
        add_match(L, m); // iterator
    }
    lua_pop(L, 3); //
}

static void match_one(struct lazy *lazy, lua_State *L, const struct part *part, struct matches *m)
{
    lua_pushvalue(L, m->parent); // t
    push_key(lazy, L, part);     // t key
    lua_pushvalue(L, -1);        // t key key
    lua_gettable(L, -3);         // t key value
    lua_remove(L, -3);           // key value
    if (lua_isnil(L, -1))
        lua_pop(L, 2); //
    else
        add_match(L, m);
}

int lazy_path_each(lua_State *L)
{
    struct lazy *lazy = lazy_upvalue(L);
    struct path path;
    luaL_checktype(L, 1, LUA_TTABLE);
    const char *problem = parse(&path, check_path(L, 2));
    if (problem)
        return luaL_error(L, "%s", problem);
    lua_settop(L, 2);         // t path
    lua_createtable(L, 1, 0); // t path from
    lua_pushvalue(L, 1);      // t path from t
    lua_rawseti(L, 3, 1);     // t path from
    lua_Integer count = 1;
    for (size_t i = 0; i < path.count; i++) {
        struct matches m = {.list = 4, .parent = 5, .is_last = i + 1 == path.count};
        lua_newtable(L); // t path from to
        for (lua_Integer j = 1; j <= count; j++) {
            lua_rawgeti(L, 3, j); // t path from to parent
            if (path.parts[i].is_star)
                match_all(lazy, L, &m);
            else
                match_one(lazy, L, &path.parts[i], &m);
            lua_settop(L, 4); // t path from to
        }
        lua_replace(L, 3); // t path to
        count = m.count;
    }
    lua_pushinteger(L, count / 2);     // t path matches left
    lua_pushcclosure(L, each_step, 2); // t path step
    return 1;
}
