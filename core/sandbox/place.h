// SPDX-License-Identifier: MIT
// Where in a script something went wrong. Script host only.
#pragma once

#include <lua.h>

// A message handler for lua_pcall: puts "urgent.lua:5: " in front of a message that has no place,
// as errors of C functions that were called by C functions have none.
int place_handler(lua_State *L);
// The same for a coroutine that has failed, whose stack still stands: the message is on top of L.
// [1 → 1] Needs no memory that it may not have: then the message stays as it is.
void place_add(lua_State *L, lua_State *failed);
