// SPDX-License-Identifier: MIT
// The world that a script sees: allow-listed globals, modules, nothing else. Script host only.
// (lua.md, What a script may use; the list is api.def)
#pragma once

#include "sandbox/lazy.h"

// Receives lines of grapnel.log and print.
typedef void bind_log_fn(void *context, const char *level, struct span line);

// Opens allow-listed libraries in a fresh state, makes globals and library tables read-only, locks
// the string metatable, installs `require` for the modules of api.def and of lua/. Afterwards the
// state is ready for bind_load. `lazy` must have been made for this state.
void bind_open(lua_State *L, struct lazy *lazy);
// Where grapnel.log goes from now on; NULL: nowhere.
void bind_set_log(lua_State *L, bind_log_fn *on_line, void *context);
// Compiles text (never bytecode) as `name` and pushes the chunk with the sandbox's _ENV, or pushes
// a message "name:line: …" and returns false. [+1]
bool bind_load(lua_State *L, struct span source, const char *name);

// A headers table: names compare without case, values are strings, forbidden names raise at the
// assignment. Pushes an empty one. [+1]
void bind_push_headers(lua_State *L);
// Adds without the check for engine-owned names (the engine's own defaults).
void bind_headers_add(lua_State *L, int index, struct span name, struct span value);
// Calls `on_header` for each, sorted by lower-case name, as last spelled.
void bind_headers_each(lua_State *L, int index,
                       void (*on_header)(void *context, struct span name, struct span value),
                       void *context);
// Freezes or thaws a request table: while frozen, `body` cannot be assigned (sign).
void bind_push_request(lua_State *L);
void bind_request_freeze_body(lua_State *L, int index, bool is_frozen);
