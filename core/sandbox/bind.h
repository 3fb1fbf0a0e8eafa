// SPDX-License-Identifier: MIT
// The world that a script sees: allow-listed globals, modules, nothing else. Script host only.
// (lua.md, What a script may use; the list is api.def)
#pragma once

#include "sandbox/lazy.h"

struct bind; // one per lua_State

// Receives lines of grapnel.log and print; `level` is "info" or "warn".
typedef void bind_log_fn(void *context, const char *level, struct span line);

// `lazy` must have been made and opened for this state, and outlive it. bind_open makes a fresh
// state a sandbox: opens allow-listed libraries, makes globals and library tables read-only, locks
// the string metatable, offers the modules of api.def and of lua/ to `require`. It may throw: call
// it protected.
struct bind *bind_new(struct lazy *lazy);
void bind_open(struct bind *bind, lua_State *L);
void bind_free(struct bind *bind); // after the last use of the state; NULL is fine

// Behind a visit: gives back what the modules' functions used; nothing of it is needed any more.
void bind_trim(struct bind *bind, lua_State *L);

// Where grapnel.log goes from now on; NULL: nowhere.
void bind_set_log(struct bind *bind, bind_log_fn *on_line, void *context);
// Compiles text (never bytecode) as `name` and pushes the chunk with the sandbox's globals, or
// pushes a message "name:line: …" and returns false. [+1] May throw (memory).
bool bind_load(struct bind *bind, lua_State *L, struct span source, const char *name);

// What a value is as text: numbers and strings as Lua has them, of others only the type: addresses
// are never shown. [+1]
void bind_push_text(lua_State *L, int index);
// A table on top becomes the hidden content of a read-only one, called `name` in errors. [-1, +1]
void bind_protect(lua_State *L, const char *name);
