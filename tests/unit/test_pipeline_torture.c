// SPDX-License-Identifier: MIT
// Tests visits that are stopped anywhere: by memory that ends, by the hook of a watchdog. Nothing is lost or broken.
#include <lauxlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sandbox/pipeline.h"

// Uses a bit of everything.
static const char source[] =
    "local json, text, crypto = require 'grapnel.json', require 'grapnel.text', require "
    "'grapnel.crypto' local url, time, cjson = require 'grapnel.url', require 'grapnel.time', "
    "require 'cjson' local fixed = json.decode('{\"a\":[1,2,{}]}') return { api = 1, options = { "
    "names = { type = 'list', of = 'string', default = { 'x', 'y' }, check = function(v) return #v "
    "> 0 end }, key = { type = 'secret', default = 'k' } }, filter = function(e, c) print('seen', "
    "e.data.title, c.options.key) return e.data.n == 1.50 end, transform = function(r, e, c) for "
    "k, "
    "v in pairs(e.data) do r.body['copy_' .. k] = v end r.body.all = json.copy(r.body.data) "
    "json.set(r.body, 'a.b.c', fixed) table.sort(r.body.data.list) for p, k in json.each(r.body, "
    "'data.list.*') do p[k] = p[k] + 1 end r.body.text = text.template('{{data.title}} {{id}}', e, "
    "text.escape_html) r.body.q = url.query({ a = { 1, 2 }, b = c.options.names }) r.body.t = "
    "time.format(0, '%Y-%m-%d') r.body.s = cjson.encode(e.data) r.headers['X-A'] = 'b' local ok, m "
    "= pcall(json.encode, { print }) r.body.m = ok end, sign = function(r, e, c) "
    "r.headers['X-Sign'] = crypto.hex(crypto.hmac('sha256', c.secret, r.body)) end }";

static const char body[] = "{\"hook\":{},\"data\":{\"title\":\"<T>\",\"n\":1.50,\"list\":[3,1,2],"
                           "\"list\":[9,8],\"e\\u0073c\":\"\\u00e9\"}}";

// Counts down; at zero nothing is granted any more.
struct budget {
    size_t left;  // allocations, or SIZE_MAX
    size_t bytes; // held
};

static void *allocate(void *context, void *old, size_t old_size, size_t size)
{
    struct budget *budget = context;
    size_t held = old ? old_size : 0;
    if (size == 0) {
        budget->bytes -= held;
        free(old);
        return NULL;
    }
    if (size > held) {
        if (budget->left == 0 || size > (size_t)1 << 30)
            return NULL;
        budget->left -= budget->left != SIZE_MAX;
    }
    void *new = realloc(old, size);
    assert_non_null(new);
    budget->bytes += size - held;
    return new;
}

static enum visit_result call(void *context, lua_State *L, int arguments, int results)
{
    (void)context;
    int status = lua_pcall(L, arguments, results, 0);
    if (status == LUA_OK)
        return VISIT_DONE;
    return status == LUA_ERRMEM ? VISIT_MEMORY : VISIT_ERROR;
}

static struct visit_in make_visit(struct visit_script *use, struct visit_header *header,
                                  struct span *secret)
{
    const char *data = strstr(body, "{\"title");
    *header = (struct visit_header){SPAN("Content-Type"), SPAN("application/json"), false};
    *secret = SPAN("topsecret");
    return (struct visit_in){
        .scripts = use,
        .script_count = 1,
        .event_id = SPAN("id-1"),
        .event_name = SPAN("test"),
        .event_time = SPAN("2026-01-01T00:00:00Z"),
        .form = VISIT_FORM_DATA,
        .data = span_make(data, strlen(data) - 1),
        .tenant = SPAN("default"),
        .extra_payload = SPAN("{\"extra\":1}"),
        .secrets = secret,
        .secret_count = 1,
        .attempt_number = 1,
        .method = SPAN("POST"),
        .url = SPAN("https://h/"),
        .body = span_make(body, sizeof(body) - 1),
        .headers = header,
        .header_count = 1,
    };
}

static lua_State *load(struct pipeline *pipeline, struct budget *budget,
                       struct pipeline_script **script, enum visit_result *result)
{
    struct errmsg message;
    struct pipeline_load what = {.name = "s", .source = span_of(source)};
    lua_State *L = lua_newstate(allocate, budget);
    *script = NULL;
    if (!L)
        return NULL;
    *result = pipeline_load(pipeline, L, &what, script, &message);
    if (*result == VISIT_ERROR)
        fail_msg("%s", message.text);
    return L;
}

// However little memory there is while it loads: it loads, or it says so.
static void test_memory_while_loading(void **state)
{
    (void)state;
    struct pipeline *pipeline = pipeline_new(call, NULL, 1 << 20);
    enum visit_result result = VISIT_MEMORY;
    size_t failures = 0;
    for (size_t k = 0; result != VISIT_DONE; k++) {
        struct budget budget = {.left = k};
        struct pipeline_script *script;
        lua_State *L = load(pipeline, &budget, &script, &result);
        failures += result != VISIT_DONE;
        assert_true((script != NULL) == (result == VISIT_DONE));
        pipeline_unload(script);
        budget.left = SIZE_MAX; // as limits_close does
        if (L)
            lua_close(L);
        assert_int_equal(budget.bytes, 0);
    }
    assert_true(failures > 100);
    pipeline_free(pipeline);
}

// However little memory there is during a visit: the one after it is whole.
static void test_memory_during_a_visit(void **state)
{
    (void)state;
    struct pipeline *pipeline = pipeline_new(call, NULL, 1 << 20);
    struct budget budget = {.left = SIZE_MAX};
    struct visit_script use = {0};
    struct visit_header header;
    struct span secret;
    struct visit_in in = make_visit(&use, &header, &secret);
    struct visit_out out;
    enum visit_result result;
    lua_State *L = load(pipeline, &budget, &use.script, &result);
    pipeline_visit(pipeline, &in, &out);
    if (out.result != VISIT_DONE)
        fail_msg("%.*s", SPAN_ARGS(out.reason));
    char whole[4096];
    snprintf(whole, sizeof(whole), "%.*s", SPAN_ARGS(out.body));
    size_t failures = 0;
    bool is_whole = false;
    for (size_t k = 0; !is_whole; k++) {
        budget.left = k;
        pipeline_visit(pipeline, &in, &out);
        is_whole = out.result == VISIT_DONE;
        failures += !is_whole;
        // What a script catches is an error to it like any other.
        assert_true(is_whole || out.result == VISIT_MEMORY || out.result == VISIT_ERROR);
        budget.left = SIZE_MAX;
        pipeline_visit(pipeline, &in, &out);
        if (out.result != VISIT_DONE || !span_is(out.body, whole))
            fail_msg("after %zu: %.*s", k, SPAN_ARGS(out.reason));
    }
    assert_true(failures > 20);
    pipeline_unload(use.script);
    lua_close(L);
    assert_int_equal(budget.bytes, 0);
    pipeline_free(pipeline);
}

static void stop_here(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    luaL_error(L, "stopped");
}

static enum visit_result call_and_stop(void *context, lua_State *L, int arguments, int results)
{
    const int *after = context;
    lua_sethook(L, *after ? stop_here : NULL, *after ? LUA_MASKCOUNT : 0, *after);
    enum visit_result result = call(NULL, L, arguments, results);
    lua_sethook(L, NULL, 0, 0);
    return result;
}

// Stopped after any number of instructions: the visit fails or is whole, and the next one is whole.
static void test_stopped_anywhere(void **state)
{
    (void)state;
    int after = 0;
    struct pipeline *pipeline = pipeline_new(call_and_stop, &after, 1 << 20);
    struct budget budget = {.left = SIZE_MAX};
    struct visit_script use = {0};
    struct visit_header header;
    struct span secret;
    struct visit_in in = make_visit(&use, &header, &secret);
    struct visit_out out;
    enum visit_result result;
    lua_State *L = load(pipeline, &budget, &use.script, &result);
    pipeline_visit(pipeline, &in, &out);
    char whole[4096];
    snprintf(whole, sizeof(whole), "%.*s", SPAN_ARGS(out.body));
    bool is_whole = false;
    int stops = 0;
    while (!is_whole) {
        after = ++stops;
        pipeline_visit(pipeline, &in, &out);
        is_whole = out.result == VISIT_DONE;
        assert_true(is_whole || out.result == VISIT_ERROR);
        after = 0;
        pipeline_visit(pipeline, &in, &out);
        if (out.result != VISIT_DONE || !span_is(out.body, whole))
            fail_msg("after %d: %.*s", stops, SPAN_ARGS(out.reason));
    }
    assert_true(stops > 50);
    pipeline_unload(use.script);
    lua_close(L);
    pipeline_free(pipeline);
}

// Documents lie outside of Lua's allocator: they have a bound of their own.
static void test_documents_are_bounded(void **state)
{
    (void)state;
    static const char *const greedy[] = {
        "local t = {} for i = 1, 1e6 do t[i] = json.decode('[' .. ('1,'):rep(1000) .. '1]') end",
        ("local d = json.decode('[' .. ('1,'):rep(100000) .. '1]') "
         "for i = 1, 1e6 do d = json.copy(d) end"),
        "json.decode('[' .. ('1,'):rep(10000000) .. '1]')",
    };
    for (size_t i = 0; i < COUNT_OF(greedy); i++) {
        char text[1024];
        struct errmsg message;
        struct pipeline *pipeline = pipeline_new(call, NULL, 1 << 20);
        struct budget budget = {.left = SIZE_MAX};
        struct visit_script use = {0};
        struct visit_header header;
        struct span secret;
        struct visit_in in = make_visit(&use, &header, &secret);
        struct visit_out out;
        snprintf(
            text, sizeof(text),
            "local json = require 'grapnel.json' return { api = 1, filter = function() %s return "
            "true end }",
            greedy[i]);
        struct pipeline_load what = {.name = "s", .source = span_of(text)};
        lua_State *L = lua_newstate(allocate, &budget);
        assert_int_equal(pipeline_load(pipeline, L, &what, &use.script, &message), VISIT_DONE);
        budget.left = 2000000; // Lua's own memory ends as well
        pipeline_visit(pipeline, &in, &out);
        if (out.result != VISIT_MEMORY)
            fail_msg("%s: %d %.*s", greedy[i], (int)out.result, SPAN_ARGS(out.reason));
        pipeline_unload(use.script);
        lua_close(L);
        pipeline_free(pipeline);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_while_loading),
        cmocka_unit_test(test_memory_during_a_visit),
        cmocka_unit_test(test_stopped_anywhere),
        cmocka_unit_test(test_documents_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
