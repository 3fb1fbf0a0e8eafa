// SPDX-License-Identifier: MIT
// What the files of the bound world share. Script host only.
#pragma once

#include "crypto/mac.h"
#include "sandbox/bind.h"

#define BIND_KEYS    4    // HMAC keys whose schedule is kept
#define BIND_KEY_MAX 1024 // bytes of such a key

struct bind_key {
    struct mac_key *mac; // owned; NULL: free
    enum mac_algorithm algorithm;
    char *bytes; // owned, wiped
    size_t len;
    uint64_t used; // when, in uses
};

#define BIND_MAGIC 0x42494e44u
struct bind {
    uint32_t magic;
    struct lazy *lazy; // borrowed
    bind_log_fn *on_line;
    void *log_context;
    int globals;      // registry reference: the read-only table that is each chunk's _ENV
    int modules;      // registry reference: what require has loaded
    int keep_buffer;  // the same: lua-cjson's function of that name; LUA_NOREF: not loaded
    bool has_encoded; // lua-cjson has, in this visit
    uint64_t uses;
    struct bind_key keys[BIND_KEYS];
    struct buf scratch; // of the api_*.c; nothing in it survives a call
};

static inline struct bind *bind_upvalue(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

// A string argument.
struct span bind_check_span(lua_State *L, int index);
// nil and a message: what can fail on data.
int bind_fail(lua_State *L, const char *message);
// What the scratch buffer holds, as a string. [+1] Throws when it was full.
int bind_push_scratch(lua_State *L, struct bind *bind);

// The table on top raises when a name is read that it does not have. [0]
void bind_make_strict(lua_State *L, const char *name);
// All members of one table into another.
void bind_copy_fields(lua_State *L, int from, int to);

// ---- bind_base.c ----
// Pushes a table: tostring and print. [+1]
void bind_push_base(lua_State *L, struct bind *bind);
// Puts ours around Lua's own string.format, which is on top. [0]
void bind_wrap_format(lua_State *L, struct bind *bind);
// The same around Lua's own ipairs.
void bind_wrap_ipairs(lua_State *L);
// ---- bind_modules.c ----
int bind_require(lua_State *L); // upvalue 1: the bind

// ---- api_*.c: open a module; upvalue 1 is the bind. [+1] ----
int api_crypto_open(lua_State *L);
int api_time_open(lua_State *L);
int api_url_open(lua_State *L);
int api_text_open(lua_State *L);
int api_log_open(lua_State *L);
int api_cjson_open(lua_State *L);
