// SPDX-License-Identifier: MIT
// Records: tables of the engine's with known members, filled when they are looked at. Script host only.
#include "sandbox/pipeline_record.h"

#include <lauxlib.h>

#include "base/nearest.h"
#include "sandbox/lazy.h"

void pipeline_set_method(struct pipeline_script *script, lua_State *L, const char *name,
                         lua_CFunction function)
{
    lua_pushlightuserdata(L, script); // mt script
    lua_pushcclosure(L, function, 1); // mt function
    lua_setfield(L, -2, name);        // mt
}

int pipeline_refuse_unknown(lua_State *L, const char *what, const char *const *names, size_t count,
                            const char *otherwise)
{
    char hint[NEAREST_HINT_LEN];
    struct span key;
    if (lua_type(L, 2) != LUA_TSTRING)
        return 0;
    key.at = lua_tolstring(L, 2, &key.len);
    for (size_t i = 0; i < count; i++) {
        if (span_is(key, names[i]))
            return 0;
    }
    nearest_hint(key, names, count, hint);
    return luaL_error(L, "%s has no '%s'%s", what, key.at, hint[0] ? hint : otherwise);
}

void pipeline_set_plain(lua_State *L, int index)
{
    lua_pushnil(L);             // nil
    lua_setmetatable(L, index); //
}

int pipeline_complete_fill(lua_State *L)
{
    lua_settop(L, 1); // t
    pipeline_set_plain(L, 1);
    return 0;
}

// Upvalue 2: the function that fills. (t, key, value)
static int fill_and_set(lua_State *L)
{
    lua_settop(L, 3);                      // t key value
    lua_pushvalue(L, lua_upvalueindex(2)); // t key value fill
    lua_pushvalue(L, 1);                   // t key value fill t
    lua_call(L, 1, 0);                     // t key value
    lua_rawset(L, 1);                      // t
    return 0;
}

int pipeline_make_record(struct pipeline_script *script, lua_State *L, lua_CFunction get,
                         lua_CFunction fill)
{
    lua_createtable(L, 0, 3); // mt
    pipeline_set_method(script, L, "__index", get);
    lua_pushlightuserdata(L, script);     // mt script
    lua_pushcclosure(L, fill, 1);         // mt fill
    lua_pushlightuserdata(L, script);     // mt fill script
    lua_pushvalue(L, -2);                 // mt fill script fill
    lua_pushcclosure(L, fill_and_set, 2); // mt fill set
    lua_setfield(L, -3, "__newindex");    // mt fill
    lazy_set_record(L);                   // mt
    return luaL_ref(L, LUA_REGISTRYINDEX);
}
