// SPDX-License-Identifier: MIT
// Headers as scripts see them: names without case, strings only, sorted. Script host only.
#include <lauxlib.h>
#include <stdlib.h>

#include "base/http_header.h"
#include "base/mem.h"
#include "sandbox/pipeline_inside.h"

#define FIRST_HEADERS 16
#define OWN_HEADERS   8 // the engine's defaults do not count against the scripts' limit

struct visit_header *pipeline_find_header(const struct pipeline_headers *headers, struct span name)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (span_eq_nocase(headers->list[i].name, name))
            return &headers->list[i];
    }
    return NULL;
}

void pipeline_add_header(struct pipeline_headers *headers, const struct visit_header *header)
{
    if (headers->count == headers->capacity) {
        headers->capacity = headers->capacity ? headers->capacity * 2 : FIRST_HEADERS;
        headers->list = xrealloc(headers->list, headers->capacity * sizeof(*headers->list));
    }
    headers->list[headers->count++] = *header;
}

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : (unsigned char)c;
}

static int compare_names(struct span a, struct span b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < len; i++) {
        int difference = lower(a.at[i]) - lower(b.at[i]);
        if (difference)
            return difference;
    }
    return (a.len > b.len) - (a.len < b.len);
}

static int compare(const void *a, const void *b)
{
    const struct visit_header *left = a;
    const struct visit_header *right = b;
    return compare_names(left->name, right->name);
}

void pipeline_sort_headers(struct pipeline_headers *headers)
{
    if (headers->count > 1)
        qsort(headers->list, headers->count, sizeof(*headers->list), compare);
}

// ---- methods ----

// The script and its visit, which must be on.
static struct pipeline_script *check_script(lua_State *L)
{
    struct pipeline_script *script = lua_touserdata(L, lua_upvalueindex(1));
    if (!script->pipeline->in || script->visit != script->pipeline->visit)
        luaL_error(L, "these headers are of an earlier visit");
    return script;
}

static bool to_name(lua_State *L, int index, struct span *name)
{
    if (lua_type(L, index) != LUA_TSTRING)
        return false;
    name->at = lua_tolstring(L, index, &name->len);
    return true;
}

static struct pipeline_script *check_request(lua_State *L)
{
    struct pipeline_script *script = check_script(L);
    if (script->function != VISIT_TRANSFORM && script->function != VISIT_SIGN)
        luaL_error(L, "there is a request in transform and sign only");
    return script;
}

static const struct visit_in *check_answer(lua_State *L)
{
    struct pipeline_script *script = check_script(L);
    if (!script->pipeline->in->is_response)
        luaL_error(L, "there is an answer in response only");
    return script->pipeline->in;
}

int pipeline_headers_get(lua_State *L)
{
    struct pipeline_script *script = check_request(L);
    struct span name;
    const struct visit_header *header = NULL;
    if (to_name(L, 2, &name))
        header = pipeline_find_header(&script->pipeline->headers, name);
    if (!header)
        return 0;
    lua_pushlstring(L, header->value.len ? header->value.at : "", header->value.len);
    return 1;
}

static void check_room(lua_State *L, const struct pipeline_headers *headers, bool is_new,
                       size_t added)
{
    size_t bytes = added;
    for (size_t i = 0; i < headers->count; i++)
        bytes += headers->list[i].name.len + headers->list[i].value.len;
    if (is_new && headers->count >= HTTP_HEADER_MAX_COUNT + OWN_HEADERS)
        luaL_error(L, "more than %d headers", HTTP_HEADER_MAX_COUNT);
    if (bytes > 2 * HTTP_HEADER_MAX_BYTES)
        luaL_error(L, "headers are longer than %d bytes in all", HTTP_HEADER_MAX_BYTES);
}

static void remove_header(struct pipeline_headers *headers, struct visit_header *header)
{
    size_t at = (size_t)(header - headers->list);
    memmove(header, header + 1, (headers->count - at - 1) * sizeof(*header));
    headers->count--;
}

int pipeline_headers_set(lua_State *L)
{
    struct pipeline_script *script = check_request(L);
    struct pipeline *pipeline = script->pipeline;
    struct span name;
    struct span value = {0};
    if (!to_name(L, 2, &name))
        return luaL_error(L, "the name of a header is a string, not a %s", luaL_typename(L, 2));
    bool is_removed = lua_isnil(L, 3);
    if (!is_removed && !to_name(L, 3, &value))
        return luaL_error(L, "header \"%s\": a string expected, not a %s", name.at,
                          lazy_is_null(L, 3) ? "null" : luaL_typename(L, 3));
    enum http_header_verdict verdict = http_header_check(name, value);
    if (verdict != HTTP_HEADER_OK)
        return luaL_error(L, "header \"%s\" %s", name.at, http_header_reason(verdict));
    struct visit_header *header = pipeline_find_header(&pipeline->headers, name);
    if (is_removed) {
        if (header)
            remove_header(&pipeline->headers, header);
        return 0;
    }
    check_room(L, &pipeline->headers, !header, name.len + value.len);
    struct visit_header new = {
        .name = pipeline_keep(pipeline, L, name),
        .value = pipeline_keep(pipeline, L, value),
        .is_set_by_sign = script->function == VISIT_SIGN,
    };
    if (header)
        *header = new;
    else
        pipeline_add_header(&pipeline->headers, &new);
    return 0;
}

// ---- the answer's ----

int pipeline_answer_get(lua_State *L)
{
    const struct visit_in *in = check_answer(L);
    struct span name;
    if (!to_name(L, 2, &name))
        return 0;
    luaL_Buffer b;
    size_t found = 0;
    luaL_buffinit(L, &b);
    for (size_t i = 0; i < in->response_header_count; i++) {
        const struct visit_header *header = &in->response_headers[i];
        if (!span_eq_nocase(header->name, name))
            continue;
        if (found++)
            luaL_addstring(&b, ", ");
        luaL_addlstring(&b, header->value.len ? header->value.at : "", header->value.len);
    }
    luaL_pushresult(&b);
    return found ? 1 : 0;
}

// ---- pairs ----

// Upvalues: the headers table, a list of names, where we are.
static int step(lua_State *L)
{
    lua_Integer i = lua_tointeger(L, lua_upvalueindex(3));
    lua_settop(L, 0);
    while (lua_rawgeti(L, lua_upvalueindex(2), ++i) != LUA_TNIL) { // name
        lua_pushinteger(L, i);                                     // name i
        lua_replace(L, lua_upvalueindex(3));                       // name
        lua_pushvalue(L, 1);                                       // name name
        if (lua_gettable(L, lua_upvalueindex(1)) != LUA_TNIL)      // name value
            return 2;
        lua_settop(L, 0);
    }
    return 1;
}

// Pushes an iterator over the names in `headers`, which it leaves sorted.
static int push_pairs(lua_State *L, struct pipeline_headers *headers)
{
    pipeline_sort_headers(headers);
    lua_settop(L, 1);                           // t
    lua_createtable(L, (int)headers->count, 0); // t names
    lua_Integer count = 0;
    for (size_t i = 0; i < headers->count; i++) {
        struct span name = headers->list[i].name;
        if (i > 0 && span_eq_nocase(name, headers->list[i - 1].name))
            continue;
        lua_pushlstring(L, name.at, name.len); // t names name
        lua_rawseti(L, 2, ++count);            // t names
    }
    lua_pushinteger(L, 0);        // t names at
    lua_pushcclosure(L, step, 3); // step
    return 1;
}

int pipeline_headers_pairs(lua_State *L)
{
    return push_pairs(L, &check_request(L)->pipeline->headers);
}

int pipeline_answer_pairs(lua_State *L)
{
    const struct visit_in *in = check_answer(L);
    struct pipeline *pipeline = check_script(L)->pipeline;
    pipeline->headers.count = 0; // a judging visit has none of its own
    for (size_t i = 0; i < in->response_header_count; i++)
        pipeline_add_header(&pipeline->headers, &in->response_headers[i]);
    return push_pairs(L, &pipeline->headers);
}
