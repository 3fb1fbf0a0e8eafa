// SPDX-License-Identifier: MIT
// Lossless JSON as ordinary Lua tables: nothing is decoded before it is read, and what was not
// changed is written from the original bytes. Script host only. (lua.md, script_host.md)
//
// Documents live for one visit: lazy_begin forgets all of the visit before, and a table of it that
// a script kept, unread, raises when it is read. Documents made before lazy_keep (while the script's
// file ran) stay. Identity of a table is its address in a generation-stamped map; every such table
// is anchored until the visit ends. Where a comment says "may throw", Lua errors pass through; no
// C memory is lost by them.
#pragma once

#include <lua.h>

#include "base/buf.h"

struct lazy; // one per lua_State

// Creates the machinery of one state; then lazy_open, which may throw, makes what it needs in it.
struct lazy *lazy_new(void);
void lazy_open(struct lazy *lazy, lua_State *L);
void lazy_free(struct lazy *lazy); // after the last use of the state; NULL is fine

// A new visit (or golden test): all documents of the one before are gone. `max_bytes` bounds what
// documents hold outside of Lua's allocator; beyond it is Lua's "not enough memory".
void lazy_begin(struct lazy *lazy, size_t max_bytes);
// The visit is over, outside of Lua: gives memory back that no ceiling counts.
void lazy_end(struct lazy *lazy);
// A new visit: lets large leftovers of the one before go to the collector. May throw.
void lazy_let_go(struct lazy *lazy, lua_State *L);
// What was made so far stays for good.
void lazy_keep(struct lazy *lazy, lua_State *L);
size_t lazy_used(const struct lazy *lazy); // bytes held outside of Lua's allocator
size_t lazy_kept(const struct lazy *lazy); // the same, of what stays for good

// Parses `json` (copied when `is_borrowed` is false; else it must outlive the visit) and pushes its
// value: scalars as Lua values, null as json.null, containers as lazy tables. [0, +1]. May throw.
// ERR_SYNTAX pushes a message "… at byte N".
enum err lazy_push(struct lazy *lazy, lua_State *L, struct span json, bool is_borrowed);
// The same in two steps, for documents that are looked at more than once: each lazy_push_document
// gives fresh, unchanged tables. `part`: a value's bytes inside the document, or the empty span for
// the whole; false (nothing pushed) when no value has these bytes.
enum err lazy_parse(struct lazy *lazy, lua_State *L, struct span json, uint32_t *document);
bool lazy_push_document(struct lazy *lazy, lua_State *L, uint32_t document, struct span part);

// Writes the value at `index` as JSON behind what `out` holds. False: pushes a message that names
// the path ("body.items.3.price: NaN is not JSON") [+1]; `name` is the path's first word.
bool lazy_encode(struct lazy *lazy, lua_State *L, int index, const char *name, struct buf *out);
// Was the table at `index` made here and has nothing in it ever been read? Then `raw` is its bytes.
bool lazy_is_untouched(const struct lazy *lazy, lua_State *L, int index, struct span *raw);
// How a number is to be written: as in the document it came from, else the shortest way.
void lazy_append_number(struct lazy *lazy, lua_State *L, int index, struct buf *out);
// Fills everything below `index` so that C code which reads raw tables (lua-cjson) sees it.
void lazy_fill(struct lazy *lazy, lua_State *L, int index);

// Pushes what the path `text` leads to, nil where a step is missing, null or no table [+1]. Throws when the
// path is malformed or holds a `*`.
void lazy_get_path(struct lazy *lazy, lua_State *L, int index, struct span text);
// Is it a path (names joined by dots, `\.` in names)? Else why not: static.
const char *lazy_check_path(struct span text, bool may_have_star);

// Pushes json.null, the same light userdata as cjson.null.
void lazy_push_null(lua_State *L);
bool lazy_is_null(lua_State *L, int index);

// A record is a table that fills itself when it is first looked at as a whole. Stack: metatable,
// value: a C function that fills the table at index 1 and takes its metatable off, or false: the
// table is opaque and cannot be encoded. [-1]
void lazy_set_record(lua_State *L);
bool lazy_is_opaque(lua_State *L, int index);
bool lazy_is_record(lua_State *L); // is the metatable on top a record's? [0]

// luaopen functions, upvalue 1 is the lazy as a light userdata: grapnel.json (encode decode null
// array object copy get set each); and next, pairs, getmetatable, setmetatable, ready to replace
// Lua's own. [+1: a table of functions]
int lazy_open_json(lua_State *L);
int lazy_open_base(lua_State *L);
