// SPDX-License-Identifier: MIT
// A sandboxed Lua state for unit tests.
#include "support/sandbox_rig.h"

#include <lauxlib.h>

#define MAX_OUT ((size_t)64 * 1024 * 1024)

struct call {
    struct sandbox_rig *rig;
    struct span document;
    const char *code;
    bool is_document;
};

static void on_line(void *context, const char *level, struct span line)
{
    struct sandbox_rig *rig = context;
    buf_append_format(&rig->lines, "%s: ", level);
    buf_append_span(&rig->lines, line);
    buf_append_char(&rig->lines, '\n');
}

static int open_rig(lua_State *L)
{
    struct sandbox_rig *rig = lua_touserdata(L, 1);
    lazy_open(rig->lazy, L);
    bind_open(rig->bind, L);
    return 0;
}

void sandbox_rig_start(struct sandbox_rig *rig)
{
    rig->L = luaL_newstate();
    rig->lazy = lazy_new();
    rig->bind = bind_new(rig->lazy);
    buf_init(&rig->out, MAX_OUT);
    buf_init(&rig->lines, MAX_OUT);
    lua_pushcfunction(rig->L, open_rig);
    lua_pushlightuserdata(rig->L, rig);
    CHECK(lua_pcall(rig->L, 1, 0, 0) == LUA_OK);
    bind_set_log(rig->bind, on_line, rig);
}

void sandbox_rig_stop(struct sandbox_rig *rig)
{
    bind_free(rig->bind);
    lazy_free(rig->lazy);
    lua_close(rig->L);
    buf_deinit(&rig->out);
    buf_deinit(&rig->lines);
}

// (light userdata of the call)
static int run(lua_State *L)
{
    const struct call *call = lua_touserdata(L, 1);
    struct sandbox_rig *rig = call->rig;
    lazy_begin(rig->lazy, MAX_OUT);
    lazy_let_go(rig->lazy, L);
    lua_pushfstring(L, "local d, json, e = ... %s", call->code); // code
    struct span code = span_of(lua_tostring(L, -1));
    if (!bind_load(rig->bind, L, code, "test")) // code chunk
        return lua_error(L);
    uint32_t document = 0;
    if (!call->is_document)
        lua_pushnil(L); // code chunk d
    else if (lazy_parse(rig->lazy, L, call->document, &document))
        return lua_error(L);
    else
        CHECK(lazy_push_document(rig->lazy, L, document, (struct span){0})); // code chunk d
    lua_pushvalue(L, -1);                                                    // code chunk d d
    lua_insert(L, 2);                                                        // code d chunk d
    lua_pushlightuserdata(L, rig->lazy);                                     // … lazy
    lua_pushcclosure(L, lazy_open_json, 1);                                  // … open
    lua_call(L, 0, 1); // code … chunk d json
    if (!call->is_document)
        lua_pushnil(L); // code d chunk d json e
    else
        CHECK(lazy_push_document(rig->lazy, L, document, (struct span){0})); // … d json e
    lua_call(L, 3, 1);                                                       // … result
    if (!call->is_document) {
        bind_push_text(L, -1); // … result text
        size_t len;
        const char *text = lua_tolstring(L, -1, &len);
        buf_append(&rig->out, text, len);
        return 0;
    }
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushvalue(L, 2); // … d
    }
    if (!lazy_encode(rig->lazy, L, -1, "d", &rig->out))
        return lua_error(L);
    return 0;
}

static bool call_protected(struct sandbox_rig *rig, struct call *call)
{
    buf_clear(&rig->out);
    buf_clear(&rig->lines);
    lua_settop(rig->L, 0);
    lua_pushcfunction(rig->L, run);
    lua_pushlightuserdata(rig->L, call);
    if (lua_pcall(rig->L, 1, 0, 0) == LUA_OK)
        return true;
    size_t len = 0;
    const char *text = lua_tolstring(rig->L, -1, &len);
    buf_clear(&rig->out);
    buf_append(&rig->out, text ? text : "(no string)", text ? len : 11);
    return false;
}

bool sandbox_rig_edit(struct sandbox_rig *rig, struct span document, const char *code)
{
    struct call call = {rig, document, code, true};
    return call_protected(rig, &call);
}

bool sandbox_rig_run(struct sandbox_rig *rig, const char *code)
{
    struct call call = {rig, {0}, code, false};
    return call_protected(rig, &call);
}
