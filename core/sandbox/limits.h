// SPDX-License-Identifier: MIT
// What a Lua state may use: memory by a ceiling in its allocator, time by a stop from outside.
// Script host only. (lua.md, Limits)
//
// The engine's watchdog stops a visit with a signal that carries the visit's id; the handler arms a
// hook in the coroutine that runs, which then raises at each instruction, so that no pcall holds it.
// Until then no hook is set, because Lua 5.4 slows down as soon as one is.
#pragma once

#include <lua.h>
#include <signal.h>

#include "base/span.h"

#define LIMITS_SIGNAL    SIGALRM
#define LIMITS_EXIT      77                          // exit status: the host ran out of memory
#define LIMITS_HOST_MAX  ((size_t)192 * 1024 * 1024) // bytes of all states together
#define LIMITS_HOST_HIGH (LIMITS_HOST_MAX / 4u * 3u) // above: states are dropped

// Memory of one state.
#define LIMITS_MAGIC 0x4c494d54u
struct limits {
    uint32_t magic;
    size_t used;    // bytes
    size_t peak;    // most of them since limits_begin
    size_t ceiling; // more is refused
    size_t outside; // bytes that C code holds for it; counted for the host only
    void *owner;    // whatever the state belongs to; borrowed
};

// Bytes that all states hold.
size_t limits_host_used(void);
// Asked for room when the host has none, though the state at hand may have more: drops states that
// are not running and answers whether it dropped any. When it did not, the host ends itself.
void limits_on_shortage(bool (*drop)(void *context), void *context);

// A bare state with that ceiling; NULL on lack of memory. Close it while `limits` lives.
lua_State *limits_open(struct limits *limits, size_t ceiling, void *owner);
// lua_close without a ceiling: a finalizer that gets no memory does not run, and what it would have
// freed (of lua-cjson) is lost.
void limits_close(lua_State *L);
// Of a state or coroutine made by limits_open.
struct limits *limits_of(lua_State *L);
// So much does C code hold for the state from now on, beside its allocator. Not for a state that is
// about to be closed: its share goes with limits_outside(limits, 0).
void limits_outside(struct limits *limits, size_t bytes);
// A visit begins: the peak counts anew.
void limits_begin(struct limits *limits, size_t ceiling);

// Once, before the lock: the signal's handler, which restarts system calls.
void limits_catch_stop(void);
// The visit that a stop must name; another forgets an earlier stop. 0: none, and what is known of the
// last stop stays.
void limits_watch(uint64_t visit);
// The coroutine that a stop would interrupt; NULL: none runs.
void limits_run(lua_State *co);
// Has the visit been stopped?
bool limits_is_stopped(void);
// The line that it was stopped in; 0: in none.
int limits_stopped_line(void);
