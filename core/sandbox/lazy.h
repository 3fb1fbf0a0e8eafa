// SPDX-License-Identifier: MIT
// Lossless JSON as ordinary Lua tables: nothing is decoded before it is read, and what was not
// changed is written from the original bytes. Script host only. (lua.md, script_host.md)
//
// Documents live for one visit: lazy_begin forgets all of the visit before. Identity of a table is
// its address in a generation-stamped map; every such table is anchored until the visit ends.
#pragma once

#include <lua.h>

#include "base/buf.h"

struct lazy; // one per lua_State

// Creates the machinery of a state and its shared metatable; replaces next, rawlen-like helpers and
// setmetatable/getmetatable where needed. Call before anything captures `next`.
struct lazy *lazy_new(lua_State *L);
void lazy_free(struct lazy *lazy);

// A new visit (or golden test): all documents of the one before are gone.
void lazy_begin(struct lazy *lazy);
// Parses `json` (copied when `is_borrowed` is false; else it must outlive the visit) and pushes its
// value: scalars as Lua values, null as json.null, containers as lazy tables. [0, +1 on OK].
// ERR_SYNTAX pushes a message "… at byte N" [+1].
enum err lazy_push(struct lazy *lazy, lua_State *L, struct span json, bool is_borrowed);
// Writes the value at `index` as JSON. False: pushes a message that names the path
// ("body.items.3.price: NaN is not JSON") [+1]; `name` is the path's first word.
bool lazy_encode(struct lazy *lazy, lua_State *L, int index, const char *name, struct buf *out);
// Was the value at `index` made by lazy_push and has nothing in it been changed? Then `raw` is its
// bytes.
bool lazy_is_untouched(struct lazy *lazy, lua_State *L, int index, struct span *raw);
// How a number was written, when it came from a document and is unchanged; else false.
bool lazy_number_spelling(struct lazy *lazy, lua_State *L, int index, struct span *spelling);
// Fills everything below `index` so that C code which reads raw tables (lua-cjson) sees it.
void lazy_fill(struct lazy *lazy, lua_State *L, int index);

// Pushes json.null, the same light userdata as cjson.null.
void lazy_push_null(lua_State *L);
bool lazy_is_null(lua_State *L, int index);

// luaopen function of grapnel.json: encode decode null array object copy get set each.
int lazy_open_json(lua_State *L);
