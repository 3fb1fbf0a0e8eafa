// SPDX-License-Identifier: MIT
// The module grapnel.url. Script host only.
#include <lauxlib.h>

#include "base/mem.h"
#include "sandbox/bind_inside.h"
#include "sandbox/form.h"

#define MAX_QUERY (1024u * 1024) // bytes of a table as JSON; it is parsed outside of any ceiling

static void set_span(lua_State *L, const char *name, struct span text)
{
    lua_pushlstring(L, text.len ? text.at : "", text.len); // t text
    lua_setfield(L, -2, name);                             // t
}

static int url_parse(lua_State *L)
{
    struct form_url url;
    const char *problem = form_parse_url(bind_check_span(L, 1), &url);
    if (problem)
        return bind_fail(L, problem);
    lua_createtable(L, 0, 6); // t
    set_span(L, "scheme", url.scheme);
    set_span(L, "host", url.host);
    set_span(L, "path", url.path);
    if (url.has_userinfo)
        set_span(L, "userinfo", url.userinfo);
    if (url.has_query)
        set_span(L, "query", url.query);
    if (url.has_fragment)
        set_span(L, "fragment", url.fragment);
    if (url.port >= 0) {
        lua_pushinteger(L, url.port); // t port
        lua_setfield(L, -2, "port");  // t
    }
    return 1;
}

static int url_escape(lua_State *L)
{
    struct bind *bind = bind_upvalue(L);
    struct span text = bind_check_span(L, 1);
    buf_clear(&bind->scratch);
    form_escape(&bind->scratch, text, false);
    return bind_push_scratch(L, bind);
}

// Pushes the table at `index` as a query. [+1]
static void push_query(lua_State *L, struct bind *bind, int index)
{
    buf_clear(&bind->scratch);
    if (!lazy_encode(bind->lazy, L, index, "query", &bind->scratch)) // message
        lua_error(L);
    if (bind->scratch.len > MAX_QUERY)
        luaL_error(L, "query: longer than any address may be");
    // Two buffers: the document is read while the form is written.
    lua_pushlstring(L, bind->scratch.at, bind->scratch.len); // json
    struct span json = bind_check_span(L, -1);
    struct json_doc doc;
    struct json_error error;
    struct errmsg message;
    json_init(&doc);
    buf_clear(&bind->scratch);
    enum err err = json_parse(&doc, json, JSON_MAX_DEPTH, &error);
    if (err) // what was copied from a document does not count its levels
        errmsg_set(&message, "body: %s", error.message);
    else if (doc.nodes[0].count > 0)
        err = form_encode(&bind->scratch, &doc, 0, &message);
    json_deinit(&doc);
    if (err)
        luaL_error(L, "query%s", message.text + strlen("body"));
    bind_push_scratch(L, bind); // json query
    lua_remove(L, -2);          // query
}

static int url_query(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    push_query(L, bind_upvalue(L), 1);
    return 1;
}

// Appends field `name` of the parts at 1, between `before` and `after`, if it is there.
static void add_part(lua_State *L, luaL_Buffer *b, const char *before, const char *name,
                     const char *after)
{
    lua_getfield(L, 2, name); // … value
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1); // …
        return;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "build: %s must be a string", name);
    lua_pushfstring(L, "%s%s%s", before, lua_tostring(L, -1), after); // … value text
    lua_remove(L, -2);                                                // … text
    luaL_addvalue(b);
}

static int url_build(lua_State *L)
{
    struct bind *bind = bind_upvalue(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);         // parts
    lua_createtable(L, 0, 8); // parts copy
    static const char *const names[] = {"scheme", "userinfo", "host",    "port",
                                        "path",   "query",    "fragment"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        lua_getfield(L, 1, names[i]); // parts copy value
        if (strcmp(names[i], "query") == 0 && lua_istable(L, -1)) {
            push_query(L, bind, 3); // parts copy value query
            lua_remove(L, 3);       // parts copy query
        }
        lua_setfield(L, 2, names[i]); // parts copy
    }
    lua_getfield(L, 2, "host"); // parts copy host
    if (!lua_isstring(L, 3))
        return luaL_error(L, "build: host must be a string");
    bool is_v6 = strchr(lua_tostring(L, 3), ':') != NULL;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    add_part(L, &b, "", "scheme", "://");
    add_part(L, &b, "", "userinfo", "@");
    add_part(L, &b, is_v6 ? "[" : "", "host", is_v6 ? "]" : "");
    add_part(L, &b, ":", "port", "");
    add_part(L, &b, "", "path", "");
    add_part(L, &b, "?", "query", "");
    add_part(L, &b, "#", "fragment", "");
    luaL_pushresult(&b);
    return 1;
}

int api_url_open(lua_State *L)
{
    static const struct luaL_Reg functions[] = {
        {"parse", url_parse}, {"build", url_build}, {"escape", url_escape},
        {"query", url_query}, {NULL, NULL},
    };
    luaL_newlibtable(L, functions);        // url
    lua_pushvalue(L, lua_upvalueindex(1)); // url bind
    luaL_setfuncs(L, functions, 1);        // url
    return 1;
}
