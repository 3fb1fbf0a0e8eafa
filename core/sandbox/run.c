// SPDX-License-Identifier: MIT
// The one place that resumes Lua, and maps everything that can come of it; script host only.
#include "sandbox/run.h"

#include <lauxlib.h>
#include <string.h>

#include "sandbox/limits.h"
#include "sandbox/place.h"

#define MESSAGE_ROOM 4096 // bytes beyond the ceiling, for a message of ours
#define DEEP         5000 // levels; a script that calls itself this often has not run out of memory by data

// Pushes a new coroutine. [+1]
static int make_coroutine(lua_State *L)
{
    (void)lua_newthread(L); // [+1] may throw: memory
    return 1;
}

// Whatever was raised, as a string; no metamethod of a script is called, which could do anything.
// [1 → 1]
static int make_text(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TNUMBER)
        (void)lua_tolstring(L, 1, NULL);
    else
        (void)lua_pushfstring(L, "raised a %s value", luaL_typename(L, 1)); // [+1]
    return 1;
}

// Replaces the value on top by text; without memory for that, by Lua's own message about it. [1 → 1]
static void to_text(lua_State *L)
{
    if (lua_type(L, -1) == LUA_TSTRING)
        return;
    lua_pushcfunction(L, make_text); // [+1] a light function: needs no memory
    lua_insert(L, -2);               // below its argument
    (void)lua_pcall(L, 1, 1, 0);     // [-2 +1] a string in either case
}

// [1 → 1] The argument is where, as a light pointer to a frame.
static int make_overflow(lua_State *L)
{
    const lua_Debug *frame = lua_touserdata(L, 1);
    (void)lua_pushfstring(L, "%s:%d: stack overflow: functions call each other too deeply",
                          frame->short_src, frame->currentline); // [+1]
    return 1;
}

// Lua's own limit is further away than the ceiling, so recursion without end runs out of memory;
// what it was shows in the depth. Leaves the message on L. [+1]
static void explain_overflow(lua_State *L, lua_State *co)
{
    lua_Debug frame;
    memset(&frame, 0, sizeof(frame));
    if (lua_getstack(co, 0, &frame) != 0)
        (void)lua_getinfo(co, "Sl", &frame);
    // The coroutine's memory is not given back by resetting it: that would run what the script left
    // to be closed, at each of its levels.
    struct limits *limits = limits_of(L);
    limits->ceiling += MESSAGE_ROOM;
    lua_pushcfunction(L, make_overflow); // [+1]
    lua_pushlightuserdata(L, &frame);    // [+1]
    (void)lua_pcall(L, 1, 1, 0);         // [-2 +1] a string in either case
    limits->ceiling -= MESSAGE_ROOM;
}

// Takes the results or the message from the coroutine. [+results or +1 on L]
static enum visit_result collect(lua_State *L, lua_State *co, int status, int given, int results)
{
    lua_Debug frame;
    if (status == LUA_OK && !limits_is_stopped()) {
        lua_settop(co, lua_gettop(co) - given + results);
        lua_xmove(co, L, results);
        return VISIT_DONE;
    }
    if (status == LUA_ERRMEM && lua_getstack(co, DEEP, &frame) != 0) {
        explain_overflow(L, co);
        return VISIT_ERROR;
    }
    if (status == LUA_OK || status == LUA_YIELD)
        lua_pushnil(co); // [+1 on co] stopped as it ended; a yield is not to be had in the sandbox
    lua_xmove(co, L, 1);
    if (status == LUA_ERRRUN)
        place_add(L, co);
    to_text(L);
    if (limits_is_stopped())
        return VISIT_TIMEOUT;
    return status == LUA_ERRMEM ? VISIT_MEMORY : VISIT_ERROR;
}

enum visit_result run_call(void *context, lua_State *L, int arguments, int results)
{
    struct run *run = context;
    int function = lua_gettop(L) - arguments; // its index
    // For the coroutine, what is passed, and what comes back.
    if (lua_checkstack(L, LUA_MINSTACK + results) == 0) {
        lua_settop(L, function);
        to_text(L);
        return VISIT_MEMORY;
    }
    lua_pushcfunction(L, make_coroutine);  // [+1]
    if (lua_pcall(L, 0, 1, 0) != LUA_OK) { // [-1 +1] coroutine or message
        lua_replace(L, function);          // [-1]
        lua_settop(L, function);
        return VISIT_MEMORY;
    }
    lua_State *co = lua_tothread(L, -1);
    lua_insert(L, function); // the coroutine stands below the function, and so stays alive
    enum visit_result result = VISIT_MEMORY;
    if (lua_checkstack(co, arguments + 2) == 0) {
        lua_settop(L, function);
        to_text(L); // "thread: …", but a string
        return result;
    }
    lua_xmove(L, co, arguments + 1); // [-arguments-1]
    if (run != NULL && run->on_enter != NULL)
        run->on_enter(run->context, L);
    limits_run(co);
    int given = 0;
    int status = lua_resume(co, L, arguments, &given);
    limits_run(NULL);
    lua_sethook(co, NULL, 0, 0);
    result = collect(L, co, status, given, results);
    lua_remove(L, function); // [-1] the coroutine
    return result;
}
