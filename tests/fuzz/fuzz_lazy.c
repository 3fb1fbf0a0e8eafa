// SPDX-License-Identifier: MIT
// Fuzzes the lossless tables: reading changes no byte, and any edit leaves JSON or an error.
//
// Input: a document, a NUL, and bytes that choose edits.
#include <lauxlib.h>

#include "base/check.h"
#include "json/json.h"
#include "sandbox/bind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_BYTES ((size_t)16 * 1024 * 1024)

// d: the document, ops: the bytes. Walks, puts everything back, then edits as the bytes say.
static const char code[] =
    "local d, ops, json = ... "
    "local function again(t) for k, v in pairs(t) do t[k] = nil t[k] = v if type(v) == 'table' "
    "then "
    "again(v) end end end "
    "if type(d) == 'table' then again(d) end "
    "if ops == '' then return d end "
    "local at, tables = 0, {} "
    "local function byte() at = at + 1 return ops:byte(at) or 0 end "
    "local function collect(t, depth) if depth < 5 and #tables < 200 then tables[#tables + 1] = t "
    "for _, v in pairs(t) do if type(v) == 'table' then collect(v, depth + 1) end end end end "
    "if type(d) ~= 'table' then return d end "
    "while at < #ops and at < 64 do "
    "  tables = {} collect(d, 0) "
    "  local t = tables[byte() % #tables + 1] local u = tables[byte() % #tables + 1] "
    "  local op, k = byte() % 12, next(t) "
    "  if op == 0 and k ~= nil then t[k] = nil "
    "  elseif op == 1 then t[string.char(byte())] = byte() "
    "  elseif op == 2 then table.insert(t, 1, byte() / 4) "
    "  elseif op == 3 and #t > 0 then table.remove(t, byte() % #t + 1) "
    "  elseif op == 4 and k ~= nil then u.x = t[k] "
    "  elseif op == 5 then u.y = json.copy(t) "
    "  elseif op == 6 and #t > 1 then t[1], t[#t] = t[#t], t[1] "
    "  elseif op == 7 then json.set(t, 'p.q', 's') "
    "  elseif op == 8 then for p, key in json.each(t, '*') do p[key] = nil end "
    "  elseif op == 9 then t.z = u "
    "  elseif op == 10 then t[k or 'n'] = json.null "
    "  elseif op == 11 then u.w = json.decode(json.encode(t)) end "
    "end return d";

struct fuzz {
    struct lazy *lazy;
    struct bind *bind;
    struct span document, ops;
    struct buf out;
    bool is_refused; // the document is no JSON
};

static int run(lua_State *L)
{
    struct fuzz *f = lua_touserdata(L, 1);
    lazy_open(f->lazy, L);
    bind_open(f->bind, L);
    lazy_begin(f->lazy, MAX_BYTES);
    CHECK(bind_load(f->bind, L, span_make(code, sizeof(code) - 1), "fuzz")); // chunk
    f->is_refused = lazy_push(f->lazy, L, f->document, true) != OK;          // chunk d
    if (f->is_refused)
        return 0;
    lua_pushlstring(L, f->ops.len ? f->ops.at : "", f->ops.len); // chunk d ops
    lua_pushlightuserdata(L, f->lazy);                           // chunk d ops lazy
    lua_pushcclosure(L, lazy_open_json, 1);                      // chunk d ops open
    lua_call(L, 0, 1);                                           // chunk d ops json
    lua_call(L, 3, 1);                                           // d
    if (!lazy_encode(f->lazy, L, -1, "d", &f->out))
        return lua_error(L);
    return 0;
}

// What came out is JSON; of a document that was only read, its very bytes.
static void check(const struct fuzz *f)
{
    struct json_doc doc;
    struct json_error error;
    json_init(&doc);
    CHECK(json_parse(&doc, buf_span(&f->out), JSON_MAX_DEPTH, &error) == OK);
    bool is_container = json_type(&doc, 0) == JSON_ARRAY || json_type(&doc, 0) == JSON_OBJECT;
    if (f->ops.len == 0 && is_container) {
        struct span text = f->document;
        CHECK(json_parse(&doc, text, JSON_MAX_DEPTH, &error) == OK);
        CHECK(span_eq(json_raw(&doc, 0), buf_span(&f->out)));
    }
    json_deinit(&doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    size_t len = nul ? (size_t)(nul - data) : size;
    struct fuzz f = {.lazy = lazy_new(), .document = span_make(data, len)};
    f.ops = span_make(data + len + (nul != NULL), size - len - (nul != NULL));
    f.bind = bind_new(f.lazy);
    buf_init(&f.out, MAX_BYTES);
    lua_State *L = luaL_newstate();
    lua_pushcfunction(L, run);
    lua_pushlightuserdata(L, &f);
    int status = lua_pcall(L, 1, 0, 0);
    CHECK(status == LUA_OK || f.ops.len > 0); // reading alone never fails
    if (status == LUA_OK && !f.is_refused)
        check(&f);
    lua_close(L);
    bind_free(f.bind);
    lazy_free(f.lazy);
    buf_deinit(&f.out);
    return 0;
}
