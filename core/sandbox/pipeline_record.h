// SPDX-License-Identifier: MIT
// Records: tables of the engine's with known members, filled when they are looked at.
//
// A record has a metatable whose get function answers one member, and whose fill function brings
// all of them, when the table is walked, encoded, or gets a member more; from then on it is plain.
// Those functions have the script as upvalue 1. Script host only.
#pragma once

#include "sandbox/pipeline.h"

// mt.NAME = function, with the script as upvalue 1; mt is on top. May throw.
void pipeline_set_method(struct pipeline_script *script, lua_State *L, const char *name,
                         lua_CFunction function);
// A metatable of records. Answers its registry reference. May throw.
int pipeline_make_record(struct pipeline_script *script, lua_State *L, lua_CFunction get,
                         lua_CFunction fill);
int pipeline_complete_fill(lua_State *L);         // the fill function of what is complete already
void pipeline_set_plain(lua_State *L, int index); // takes the metatable off
// A string key at 2 that is none of these throws, with the nearest one, or else that text. A get
// function may answer what it answers: nothing.
int pipeline_refuse_unknown(lua_State *L, const char *what, const char *const *names, size_t count,
                            const char *otherwise);
