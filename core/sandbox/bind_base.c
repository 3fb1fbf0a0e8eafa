// SPDX-License-Identifier: MIT
// tostring, print and string.format, which never show an address. Script host only.
#include <lauxlib.h>

#include "sandbox/bind_inside.h"

void bind_push_text(lua_State *L, int index)
{
    index = lua_absindex(L, index);
    luaL_checkstack(L, 4, "too many levels of tables");
    if (luaL_callmeta(L, index, "__tostring")) { // … text
        if (!lua_isstring(L, -1))
            luaL_error(L, "'__tostring' must return a string");
        return;
    }
    switch (lua_type(L, index)) {
    case LUA_TNIL:
    case LUA_TBOOLEAN:
    case LUA_TNUMBER:
    case LUA_TSTRING: luaL_tolstring(L, index, NULL); break;
    default:
        if (lazy_is_null(L, index))
            lua_pushliteral(L, "null");
        else
            lua_pushstring(L, luaL_typename(L, index));
    }
}

static int base_tostring(lua_State *L)
{
    luaL_checkany(L, 1);
    bind_push_text(L, 1);
    return 1;
}

// Upvalue 1: Lua's own, which finds out too late to say where.
static int base_ipairs(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);                      // t
    lua_pushvalue(L, lua_upvalueindex(1)); // t ipairs
    lua_insert(L, 1);                      // ipairs t
    lua_call(L, 1, 3);                     // step t 0
    return 3;
}

// Upvalues: bind, level.
static int base_print(lua_State *L)
{
    struct bind *bind = bind_upvalue(L);
    int count = lua_gettop(L);
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (int i = 1; i <= count; i++) {
        if (i > 1)
            luaL_addchar(&b, ' ');
        bind_push_text(L, i);
        luaL_addvalue(&b);
    }
    luaL_pushresult(&b); // … line
    struct span line = bind_check_span(L, -1);
    if (bind->on_line)
        bind->on_line(bind->log_context, lua_tostring(L, lua_upvalueindex(2)), line);
    return 0;
}

// Is there a %p in it?
static bool shows_address(struct span format)
{
    for (size_t i = 0; i + 1 < format.len; i++) {
        if (format.at[i] != '%')
            continue;
        i++;
        while (i < format.len && strchr("-+ #0123456789.", format.at[i]) && format.at[i])
            i++;
        if (i < format.len && format.at[i] == 'p')
            return true;
    }
    return false;
}

// Upvalue 2: Lua's own format.
static int base_format(lua_State *L)
{
    struct span format;
    format.at = luaL_checklstring(L, 1, &format.len);
    if (shows_address(format))
        return luaL_error(L, "%%p is not available in 'format'");
    int count = lua_gettop(L);
    for (int i = 2; i <= count; i++) {
        int type = lua_type(L, i);
        if (type == LUA_TNIL || type == LUA_TBOOLEAN || type == LUA_TNUMBER || type == LUA_TSTRING)
            continue;
        bind_push_text(L, i); // … text
        lua_replace(L, i);    // …
    }
    lua_pushvalue(L, lua_upvalueindex(2)); // … format
    lua_insert(L, 1);                      // format …
    lua_call(L, count, 1);                 // text
    return 1;
}

static void push_logger(lua_State *L, struct bind *bind, const char *level)
{
    lua_pushlightuserdata(L, bind);     // bind
    lua_pushstring(L, level);           // bind level
    lua_pushcclosure(L, base_print, 2); // print
}

void bind_push_base(lua_State *L, struct bind *bind)
{
    lua_createtable(L, 0, 2);            // base
    lua_pushcfunction(L, base_tostring); // base tostring
    lua_setfield(L, -2, "tostring");     // base
    push_logger(L, bind, "info");        // base print
    lua_setfield(L, -2, "print");        // base
}

void bind_wrap_ipairs(lua_State *L)
{
    lua_pushcclosure(L, base_ipairs, 1); // wrapped
}

// Lua names a function that C has called by what is loaded under which name.
static void name_format(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE); // format loaded
    luaL_getsubtable(L, -1, "string");                        // format loaded string
    lua_pushvalue(L, -3);                                     // format loaded string format
    lua_setfield(L, -2, "format");                            // format loaded string
    lua_pop(L, 2);                                            // format
}

void bind_wrap_format(lua_State *L, struct bind *bind)
{
    name_format(L);
    lua_pushlightuserdata(L, bind);      // format bind
    lua_insert(L, -2);                   // bind format
    lua_pushcclosure(L, base_format, 2); // wrapped
}

int api_log_open(lua_State *L)
{
    struct bind *bind = bind_upvalue(L);
    lua_createtable(L, 0, 2);     // log
    push_logger(L, bind, "info"); // log info
    lua_setfield(L, -2, "info");  // log
    push_logger(L, bind, "warn"); // log warn
    lua_setfield(L, -2, "warn");  // log
    return 1;
}
