// SPDX-License-Identifier: MIT
// Tests option specs: which load, what they print, which values of a webhook are accepted and what becomes of them.
#include <lauxlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sandbox/pipeline.h"

struct script {
    struct pipeline *pipeline;
    lua_State *L;
    struct pipeline_script *script;
};

// A script with these options; NULL in ->script and the message when it does not load.
static void load(struct script *s, const char *options, struct errmsg *message)
{
    char source[4096];
    snprintf(source, sizeof(source),
             "local json = require 'grapnel.json' return { api = 1, options = %s, transform = "
             "function(r, e, c) r.body = { o = c.options } end }",
             options);
    *s = (struct script){.pipeline = pipeline_new(NULL, NULL, 1 << 20), .L = luaL_newstate()};
    struct pipeline_load what = {.name = "s", .source = span_of(source)};
    if (pipeline_load(s->pipeline, s->L, &what, &s->script, message) != VISIT_DONE)
        s->script = NULL;
}

static void drop(struct script *s)
{
    pipeline_unload(s->script);
    lua_close(s->L);
    pipeline_free(s->pipeline);
}

static void test_malformed_specs(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{ a = 1 }", "options.a: a table such as"},
        {"{ a = {} }", "options.a: type must be one of string"},
        {"{ a = { type = 'text', typ = 1 } }", "options.a: unknown field 'typ'"},
        {"{ a = { type = 'sting' } }", "options.a: type must be one of"},
        {"{ a = { type = 'list' } }", "options.a: of must be one of"},
        {"{ a = { type = 'list', of = 'list' } }", "options.a: of must be one of"},
        {"{ a = { type = 'string', of = 'text' } }", "options.a: only a list and a map"},
        {"{ a = { type = 'integer', min = 3, max = 2 } }", "options.a: min is greater than max"},
        {"{ a = { type = 'integer', default = 'x' } }", "options.a: default: an integer expected"},
        {"{ a = { type = 'integer', default = 5, max = 4 } }", "options.a: default: it must be at"},
        {"{ a = { type = 'string', choices = {} } }", "options.a: choices must be a list"},
        {"{ a = { type = 'string', choices = { 1 } } }", "options.a: choices: a string expected"},
        {"{ a = { type = 'string', check = 1 } }", "options.a: check must be a function"},
        {"{ a = { type = 'string', required = 'yes' } }", "options.a: required must be"},
        {"{ a = { type = 'string', required = true, default = 'x' } }", "has no default"},
        {"{ a = { type = 'string', help = 1 } }", "options.a: help must be a string"},
        {"{ ['a b'] = { type = 'string' } }", "a name is made of letters"},
        {"{ { type = 'string' } }", "a name is made of letters"},
        {"{ a = { type = 'boolean', min = 1 } }", "a boolean has no min"},
        {"5", "options must be a table"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct script s;
        struct errmsg message = {""};
        load(&s, cases[i][0], &message);
        if (s.script || !strstr(message.text, cases[i][1]))
            fail_msg("%s\nexpected %s\ngot      %s", cases[i][0], cases[i][1], message.text);
        drop(&s);
    }
}

static void test_describe(void **state)
{
    (void)state;
    struct script s;
    struct errmsg message = {""};
    struct buf out;
    buf_init(&out, 65536);
    load(&s,
         "{ zulu = { type = 'string', required = true, help = 'a \"name\"', example = '#x' }, "
         "wait = { type = 'duration', default = '90s', min = 1, max = 3600 }, "
         "ok = { type = 'list', of = 'integer', default = { 200, 201 } }, "
         "key = { type = 'secret', default = 'hidden' }, "
         "mode = { type = 'string', choices = { 'a', 'b' } } }",
         &message);
    assert_non_null(s.script);
    assert_true(pipeline_describe(s.script, &out));
    assert_string_equal(
        buf_text(&out),
        "{\"help\":null,\"functions\":[\"transform\"],\"options\":["
        "{\"name\":\"zulu\",\"type\":\"string\",\"required\":true,\"help\":\"a \\\"name\\\"\","
        "\"example\":\"#x\"},"
        "{\"name\":\"key\",\"type\":\"secret\",\"required\":false},"
        "{\"name\":\"mode\",\"type\":\"string\",\"required\":false,\"choices\":[\"a\",\"b\"]},"
        "{\"name\":\"ok\",\"type\":\"list\",\"of\":\"integer\",\"required\":false,"
        "\"default\":[200,201]},"
        "{\"name\":\"wait\",\"type\":\"duration\",\"required\":false,\"default\":\"90s\","
        "\"min\":1,\"max\":3600}]}");
    buf_deinit(&out);
    drop(&s);
}

static void on_problem(void *context, struct span option, const char *message)
{
    buf_append_format(context, "%.*s: %s\n", SPAN_ARGS(option), message);
}

static const char specs[] =
    "{ text = { type = 'text', max = 5 }, name = { type = 'string', min = 2 }, "
    "count = { type = 'integer', min = 1, max = 9 }, ratio = { type = 'number' }, "
    "on = { type = 'boolean', default = true }, wait = { type = 'duration', max = 60 }, "
    "path = { type = 'path' }, key = { type = 'secret' }, "
    "codes = { type = 'list', of = 'integer', max = 3, "
    "  check = function(v) if v < 600 then return true end return nil, v .. ' is no status' end }, "
    "fields = { type = 'map', of = 'path' }, mode = { type = 'string', choices = { 'a', 'b' } }, "
    "numbered = { type = 'list', of = 'string', check = function(v, k) return v == 'n' .. k, k end "
    "}, "
    "named = { type = 'map', of = 'string', check = function(v, k) return v == k, k end }, "
    "alone = { type = 'string', check = function(v, k) return k == nil, 'it has a key' end }, "
    "odd = { type = 'integer', check = function(v) return v.x.y end } }";

static void test_values(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {"{}", ""},
        {"[1]", ": an object of options expected\n"},
        {"5", ": an object of options expected\n"},
        {"{\"text\":\"a\\nb\",\"name\":\"xy\",\"count\":9,\"ratio\":0.5,\"on\":false,\"wait\":"
         "\"1s\"}",
         ""},
        {"{\"text\":\"123456\"}", "text: its length must be at most 5\n"},
        {"{\"text\":\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"}", ""},
        {"{\"text\":5}", "text: a string expected, not a number\n"},
        {"{\"name\":\"a\"}", "name: its length must be at least 2\n"},
        {"{\"name\":\"a\\nb\"}", "name: one line expected\n"},
        {"{\"name\":null}", "name: a string expected, not null\n"},
        {"{\"count\":10}", "count: it must be at most 9\n"},
        {"{\"count\":1.5}", "count: an integer expected, not a fraction\n"},
        {"{\"count\":2.0}", ""},
        {"{\"count\":\"2\"}", "count: an integer expected, not a string\n"},
        {"{\"ratio\":1e999}", "ratio: a finite number expected\n"},
        {"{\"on\":1}", "on: a boolean expected, not a number\n"},
        {"{\"wait\":\"soon\"}", "wait: a duration such as 10ms, 5s or 2h expected\n"},
        {"{\"wait\":\"2h\"}", "wait: it must be at most 60\n"},
        {"{\"wait\":-1}", "wait: a duration must not be negative\n"},
        {"{\"path\":\"data.*.x\"}", ""},
        {"{\"path\":\"data..x\"}", "path: a path must not have an empty name\n"},
        {"{\"key\":\"\"}", "key: a secret must not be empty\n"},
        {"{\"codes\":[200,201]}", ""},
        {"{\"codes\":[]}", ""},
        {"{\"codes\":{}}", ""},
        {"{\"codes\":5}", "codes: a list expected, not a number\n"},
        {"{\"codes\":{\"a\":1}}", "codes: a list expected, not an object\n"},
        {"{\"codes\":[1,2,3,4]}", "codes: the number of elements must be at most 3\n"},
        {"{\"codes\":[200,\"x\"]}", "codes: element 2: an integer expected, not a string\n"},
        {"{\"codes\":[200,700]}", "codes: element 2: 700 is no status\n"},
        {"{\"fields\":{\"Owner\":\"data.owner\"}}", ""},
        {"{\"fields\":{\"Owner\":\"\"}}", "fields: Owner: a path must not be empty\n"},
        {"{\"numbered\":[\"n1\",\"n2\",\"n3\"]}", ""},
        {"{\"numbered\":[\"n1\",\"n1\"]}", "numbered: element 2: 2\n"},
        {"{\"named\":{\"a\":\"a\",\"b\":\"b\"}}", ""},
        {"{\"named\":{\"a\":\"a\",\"b\":\"c\"}}", "named: b: b\n"},
        {"{\"alone\":\"x\"}", ""},
        {"{\"fields\":[1]}", "fields: a map expected, not a list\n"},
        {"{\"mode\":\"c\"}", "mode: one of a, b expected\n"},
        {"{\"odd\":1}",
         "odd: its check failed: s.lua:1: attempt to index a number value (local 'v')\n"},
        {"{\"tex\":\"x\"}", "tex: there is no such option; did you mean \"text\"?\n"},
        {"{\"completely\":\"x\"}", "completely: there is no such option\n"},
    };
    struct script s;
    struct errmsg message = {""};
    struct buf out;
    buf_init(&out, 65536);
    load(&s, specs, &message);
    if (!s.script)
        fail_msg("%s", message.text);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        buf_clear(&out);
        assert_int_equal(
            pipeline_check(s.pipeline, s.script, span_of(cases[i][0]), on_problem, &out),
            VISIT_DONE);
        if (strcmp(buf_text(&out), cases[i][1]) != 0)
            fail_msg("%s\nexpected %s\ngot      %s", cases[i][0], cases[i][1], buf_text(&out));
    }
    buf_deinit(&out);
    drop(&s);
}

static void test_required(void **state)
{
    (void)state;
    struct script s;
    struct errmsg message = {""};
    struct buf out;
    buf_init(&out, 65536);
    load(&s, "{ channel = { type = 'string', required = true } }", &message);
    assert_int_equal(pipeline_check(s.pipeline, s.script, SPAN("{}"), on_problem, &out),
                     VISIT_DONE);
    assert_string_equal(buf_text(&out), "channel: is required\n");
    buf_deinit(&out);
    drop(&s);
}

// What the script's functions see.
static void check_seen(const char *options, const char *expected)
{
    struct script s;
    struct errmsg message = {""};
    load(&s, specs, &message);
    struct visit_script use = {s.script, span_of(options)};
    struct visit_in in = {.scripts = &use,
                          .script_count = 1,
                          .event_name = SPAN("test"),
                          .body = SPAN("{}"),
                          .url = SPAN("https://h/"),
                          .method = SPAN("POST")};
    struct visit_out out;
    for (int i = 0; i < 3; i++) { // converted, then from what is kept
        pipeline_visit(s.pipeline, &in, &out);
        struct span got = out.result == VISIT_DONE ? out.body : out.reason;
        if (!span_is(got, expected))
            fail_msg("%s\nexpected %s\ngot      %.*s", options, expected, SPAN_ARGS(got));
    }
    drop(&s);
}

static void test_seen(void **state)
{
    (void)state;
    check_seen("", "{\"o\":{\"on\":true}}");
    check_seen("{\"wait\":\"1500ms\",\"count\":2.0,\"codes\":[1,2],\"on\":false}",
               "{\"o\":{\"codes\":[1,2],\"count\":2,\"on\":false,\"wait\":1.5}}");
    check_seen("{\"wait\":\"10s\",\"fields\":{\"b\":\"x.y\",\"a\":\"z\"}}",
               "{\"o\":{\"fields\":{\"a\":\"z\",\"b\":\"x.y\"},\"on\":true,\"wait\":10}}");
    check_seen("{\"count\":0}", "s: option count: it must be at least 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_malformed_specs),
        cmocka_unit_test(test_describe),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_required),
        cmocka_unit_test(test_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
