// SPDX-License-Identifier: MIT
// Finds the line that ran when an error came out of C code that does not say it. Script host only.
#include "sandbox/place.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#define MAX_LEVELS 64 // C functions that call each other, above the script's line
#define MAX_TITLE  80 // bytes: "lua/NAME.lua"

// Does it begin with "NAME.lua:7:"?
static bool has_place(const char *text)
{
    const char *found = strstr(text, ".lua:");
    return found && found - text < MAX_TITLE && !memchr(text, ' ', (size_t)(found - text)) &&
           found[5] >= '0' && found[5] <= '9';
}

// The innermost line of Lua that runs in `from`.
static bool find_line(lua_State *from, lua_Debug *frame)
{
    memset(frame, 0, sizeof(*frame));
    for (int level = 0; level < MAX_LEVELS && lua_getstack(from, level, frame); level++) {
        if (lua_getinfo(from, "Sl", frame) && frame->currentline > 0)
            return true;
    }
    return false;
}

static void prefix(lua_State *L, const lua_Debug *frame)
{
    lua_pushfstring(L, "%s:%d: ", frame->short_src, frame->currentline); // message place
    lua_insert(L, -2);                                                   // place message
    lua_concat(L, 2);                                                    // whole
}

int place_handler(lua_State *L)
{
    lua_Debug frame;
    if (lua_type(L, -1) == LUA_TSTRING && !has_place(lua_tostring(L, -1)) && find_line(L, &frame))
        prefix(L, &frame);
    return 1;
}

// (message, light userdata of the frame)
static int prefix_protected(lua_State *L)
{
    const lua_Debug *frame = lua_touserdata(L, 2);
    lua_settop(L, 1);
    prefix(L, frame);
    return 1;
}

void place_add(lua_State *L, lua_State *failed)
{
    lua_Debug frame;
    if (lua_type(L, -1) != LUA_TSTRING || has_place(lua_tostring(L, -1)) ||
        !find_line(failed, &frame) || !lua_checkstack(L, LUA_MINSTACK))
        return;
    lua_pushcfunction(L, prefix_protected); // message prefix
    lua_pushvalue(L, -2);                   // message prefix message
    lua_pushlightuserdata(L, &frame);       // message prefix message frame
    if (lua_pcall(L, 2, 1, 0) == LUA_OK)    // message whole
        lua_replace(L, -2);                 // whole
    else
        lua_pop(L, 1); // message
}
