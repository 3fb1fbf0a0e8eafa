// SPDX-License-Identifier: MIT
// Tests the golden tests: those of the ready-made scripts, and that broken ones are found out.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/embed.h"
#include "json/json.h"
#include "sandbox/golden.h"

#define MAX_OUTPUT ((size_t)4 * 1024 * 1024)

static char report_text[65536];

// Runs the tests of a source; the report is in report_text.
static enum err run(const char *name, struct span source, struct golden_result *result)
{
    struct pipeline *pipeline = pipeline_new(NULL, NULL, MAX_OUTPUT);
    struct pipeline_load load = {.name = name, .source = source};
    struct buf report;
    buf_init(&report, sizeof(report_text) - 1);
    enum err err = golden_run(pipeline, NULL, &load, result, &report);
    snprintf(report_text, sizeof(report_text), "%s", buf_text(&report));
    buf_deinit(&report);
    pipeline_free(pipeline);
    return err;
}

static void test_ready_made_scripts(void **state)
{
    (void)state;
    assert_true(embedded_scripts_count >= 4);
    for (const struct embedded_file *file = embedded_scripts; file->name; file++) {
        struct golden_result result;
        char name[64];
        snprintf(name, sizeof(name), "%.*s", (int)strlen(file->name) - 4, file->name);
        enum err err = run(name, span_make(file->text, file->len), &result);
        if (err || result.failures)
            fail_msg("%s", report_text);
        assert_true(result.tests >= 1);
    }
}

// Every snippet of Lua in lua/README.md is a whole script whose golden tests pass; its snippets of
// JSON are JSON.
static void test_readme(void **state)
{
    (void)state;
    static char text[65536];
    FILE *file = fopen(SOURCE_DIR "/lua/README.md", "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = 0;
    fclose(file);
    size_t scripts = 0;
    size_t documents = 0;
    for (const char *at = text; (at = strstr(at, "\n```")) != NULL;) {
        const char *begin = strchr(at + 4, '\n') + 1;
        const char *end = strstr(begin - 1, "\n```");
        assert_non_null(end);
        struct span snippet = span_make(begin, (size_t)(end + 1 - begin));
        if (strncmp(at, "\n```lua\n", 8) == 0) {
            struct golden_result result;
            enum err err = run("readme", snippet, &result);
            if (err || result.failures || result.tests == 0)
                fail_msg("%.*s\n%s", SPAN_ARGS(snippet), report_text);
            scripts++;
        } else if (strncmp(at, "\n```json\n", 9) == 0) {
            struct json_doc doc;
            struct json_error error;
            json_init(&doc);
            assert_int_equal(json_parse(&doc, snippet, JSON_MAX_DEPTH, &error), OK);
            json_deinit(&doc);
            documents++;
        } else {
            fail_msg("a snippet that no test runs: %.40s", at + 1);
        }
        at = end + 4;
    }
    assert_true(scripts >= 6);
    assert_true(documents >= 1);
}

// Each must fail, and the report must say this.
static void test_failures(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        // what differs
        {"{ name = 'n', expect = { body = 'x' } }",
         "s.lua:1: test 1 (n)\n  body differs at byte 1\n"},
        {"{ name = 'n', expect = { body = { a = 1 } } }", "body.a is missing"},
        {"{ name = 'n', event = { data = { a = 1 } }, expect = { body = { hook = { uuid = "
         "'00000000-0000-4000-8000-000000000000', event = 'test', target = 'https://example.com/' "
         "}, "
         "data = { a = 2 }, t = 1 } } }",
         "body.data.a is another number"},
        {"{ name = 'n', expect = { body = { t = 1 } } }", "body.hook was not expected"},
        {"{ name = 'n', event = { data = { a = {} } }, expect = { body = { t = 1, hook = {}, data "
         "= { "
         "a = {1} } } } }",
         "body."},
        {"{ name = 'n', expect = { headers = { ['X-S'] = 'b' } } }",
         "header X-S differs at byte 1"},
        {"{ name = 'n', expect = { headers = { ['X-None'] = 'b' } } }", "header X-None is missing"},
        {"{ name = 'n', expect = { headers = { ['x-s'] = false } } }",
         "header x-s was not expected"},
        {"{ name = 'n', expect = { url = 'https://x/' } }", "url differs at byte 9"},
        {"{ name = 'n', expect = { method = 'PUT' } }", "method differs"},
        {"{ name = 'n', expect = { filtered = 'x' } }", "it was not filtered"},
        {"{ name = 'n', event = { event = 'drop' }, expect = { filtered = 'x' } }",
         "the reason differs at byte 1"},
        {"{ name = 'n', event = { event = 'drop' }, expect = { body = 'x' } }",
         "it was filtered: dropped"},
        {"{ name = 'n', event = { event = 'fail' }, expect = {} }", "it failed: s.lua:1: failed"},
        {"{ name = 'n', event = { event = 'fail' }, expect = { error = 'other' } }",
         "another error"},
        {"{ name = 'n', expect = { error = 'x' } }", "an error with \"x\" was expected"},
        {"{ name = 'n', response = { status = 500 }, expect = { verdict = false } }",
         "another verdict\n    expected false\n    got      { \"retry\", 5 }"},
        {"{ name = 'n', response = {}, expect = { verdict = { 'retry', 5 } } }",
         "another verdict\n    expected { \"retry\", 5 }\n    got      false"},
        {"{ name = 'n', options = { n = 1 }, expect = { invalid = { n = 'x' } } }",
         "option n: a complaint with \"x\" was expected"},
        {"{ name = 'n', options = { m = 1 }, expect = { invalid = {} } }",
         "option m: there is no such option"},
        {"{ name = 'n', event = { event = 'count' }, expect = {} }",
         "a used state gives something else than a fresh one"},
        {"{ name = 'n', response = { status = 503 }, expect = { verdict = { 'fail', 'no' } } }",
         "the reason differs at byte 1\n    expected no\n    got      because\n"},
        {"{ name = 'n', response = { status = 503 }, expect = { verdict = { 'retry', 5 } } }",
         "another verdict\n    expected { \"retry\", 5 }\n    got      "},
        {"{ name = 'n', options = { m = 1 }, expect = {} }",
         "  option m: there is no such option; did you mean \"n\"?\n"},
        {"{ name = 'n', options = { n = 'x' }, expect = {} }",
         "  option n: an integer expected, not a string\n"},
        // what is wrong with a test itself
        {"{ expect = {} }", "a test must have a name"},
        {"{ name = 'n' }", "expect is missing"},
        {"{ name = 'n', expects = {}, expect = {} }", "unknown field 'expects'"},
        {"{ name = 'n', event = { nme = 'x' }, expect = {} }", "event has an unknown field 'nme'"},
        {"{ name = 'n', event = '{\"event\":', expect = {} }", "event: the text ends"},
        {"{ name = 'n', expect = { bdy = 'x' } }", "expect has an unknown field 'bdy'"},
        {"{ name = 'n', expect = { verdict = 'later' } }", "expect.verdict is \"ok\", \"retry\""},
        {"{ name = 'n', request = { body = {} }, expect = {} }",
         "request.body must be a string, not a table"},
        {"{ name = 'n', request = { headers = { 'x' } }, expect = {} }",
         "headers must hold strings by name, as in { [\"X-Name\"] = \"text\" }"},
        {"{ name = 'n', request = { headers = 'x' }, expect = {} }",
         "headers must be a table, not a string"},
        {"{ name = 'n', expects = {}, expect = {} }",
         "the test has an unknown field 'expects'; did you mean \"expect\"?"},
        {"{ name = 'n', webhook = { tenat = 'x' }, expect = {} }",
         "webhook has an unknown field 'tenat'; did you mean \"tenant\"?"},
        {"{ name = 'n', webhook = { secrets = {} }, expect = {} }",
         "webhook has no field 'secrets' here: secrets stand beside webhook"},
        {"{ name = 'n', webhook = { extra_payload_into = 'x' }, expect = {} }",
         "webhook.extra_payload_into is \"body\" or \"data\""},
        {"{ name = 'n', event = 5, expect = {} }", "event must be a table, or a string: one event"},
        {"{ name = 'n', event = { event = 5 }, expect = {} }",
         "event.event must be a string, not an integer"},
        {"{ name = 'n', event = { data = {}, fields = {} }, expect = {} }",
         "event has more than one of data, fields and override"},
        {"{ name = 'n', event = { fields = 'x' }, expect = {} }", "event.fields must be an object"},
        {"{ name = 'n', event = { override = { 1 } }, expect = {} }",
         "event.override must be an object"},
        {"{ name = 'n', attempt = { number = 'x' }, expect = {} }",
         "attempt.number must be an integer, not a string"},
        {"{ name = 'n', attempt = { number = 0 }, expect = {} }", "attempt.number counts from 1"},
        {"{ name = 'n', attempt = { time = 1.5 }, expect = {} }",
         "attempt.time must be an integer, not a number"},
        {"{ name = 'n', attempt = { 1 }, expect = {} }",
         "attempt must have fields with names, such as number"},
        {"{ name = 'n', secrets = 'x', expect = {} }", "secrets must be a table, not a string"},
        {"{ name = 'n', secrets = { 5 }, expect = {} }",
         "each of secrets must be a string, not an integer"},
        {"{ name = 'n', env = { A = 5 }, expect = {} }", "env.A must be a string, not an integer"},
        {"{ name = 'n', response = { status = '200' }, expect = {} }",
         "response.status must be an integer, not a string"},
        {"{ name = 'n', response = { status = 20 }, expect = {} }",
         "response.status is a number from 100 to 999"},
        {"{ name = 'n', response = { headers = { A = 1 } }, expect = {} }",
         "response.headers.A must be a string, not an integer"},
        {"{ name = 'n', response = {}, expect = { body = 'x' } }",
         "with a response only response runs"},
        {"{ name = 'n', response = {}, expect = { filtered = false } }",
         "with a response only response runs"},
        {"{ name = 'n', expect = { verdict = 'ok' } }",
         "a verdict needs a response: add response = { status = 200 } to the test"},
        {"{ name = 'n', expect = { filtered = 'x', body = 'x' } }", "what is filtered is not sent"},
        {"{ name = 'n', expect = { filtered = 5 } }",
         "expect.filtered must be a string, not an integer"},
        {"{ name = 'n', expect = { body = 5 } }",
         "expect.body is a string (exact bytes) or a table"},
        {"{ name = 'n', expect = { headers = { A = true } } }",
         "expect.headers.A must be a string, not true"},
        {"{ name = 'n', response = {}, expect = { verdict = true } }",
         "expect.verdict is \"ok\", \"retry\""},
        {"{ name = 'n', response = {}, expect = { verdict = { 'fail', {} } } }",
         "expect.verdict is { \"retry\", seconds } or"},
        {"5", "the test must be a table"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char source[4096];
        struct golden_result result;
        snprintf(
            source, sizeof(source),
            "local n = 0 return { api = 1, options = { n = { type = 'integer' } }, filter = "
            "function(e) if e.event == 'fail' then error('failed') end n = n + 1 return e.event "
            "~= 'drop', 'dropped' end, transform = function(r, e) r.body.t = e.event == 'count' "
            "and n or 1 end, sign = function(r) r.headers['X-S'] = 'a' end, response = "
            "function(r) if r.status == 500 then return 'retry', 5 end if r.status == 503 then "
            "return 'fail', 'because' end end, tests = { %s } }",
            cases[i][0]);
        assert_int_equal(run("s", span_of(source), &result), OK);
        if (result.tests != 1 || result.failures != 1 || !strstr(report_text, cases[i][1]))
            fail_msg("%s\nexpected %s\ngot      %s", cases[i][0], cases[i][1], report_text);
    }
    struct golden_result result;
    assert_int_equal(run("s", SPAN("return {"), &result), ERR_SYNTAX);
    assert_non_null(strstr(report_text, "s.lua:1:"));
}

// A list of tests that is none, or too long, is refused, not skipped.
static void test_no_list(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"return { api = 1, tests = { name = 'n', expect = {} } }", "s: tests must be a list: { {"},
        {"return { api = 1, tests = { { name = 'n', expect = {} }, nil, { } , x = 1 } }",
         "s: tests must be a list: { {"},
        {"local t = {} for i = 1, 257 do t[i] = { name = 'n', expect = {} } end "
         "return { api = 1, tests = t }",
         "s: tests: more than 256"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct golden_result result;
        assert_int_equal(run("s", span_of(cases[i][0]), &result), ERR_SYNTAX);
        if (!strstr(report_text, cases[i][1]))
            fail_msg("%s\nexpected %s\ngot      %s", cases[i][0], cases[i][1], report_text);
    }
}

// The line of a test is that of its name, where it is a string.
static void test_line(void **state)
{
    (void)state;
    struct golden_result result;
    assert_int_equal(run("s",
                         SPAN("-- drops it\nreturn { api = 1,\n tests = {\n  {\n   name = \"drops "
                              "it\",\n   expect = { filtered = 'x' },\n  },\n } }\n"),
                         &result),
                     OK);
    assert_string_equal(report_text, "s.lua:5: test 1 (drops it)\n  it was not filtered\n");
}

// What the defaults are, and what a test may put in their place.
static void test_given(void **state)
{
    (void)state;
    static const char source[] =
        "local seen = function(r, e, c) r.body = table.concat({ e.id, e.event, e.tenant, e.time, "
        "tostring(e.key), e.form, c.attempt.number, c.attempt.time, c.webhook.uuid, "
        "c.webhook.target, "
        "tostring(c.webhook.name), tostring(c.env.A), r.url, r.headers['X-H'] or '-', "
        "r.headers['webhook-timestamp'] }, ' ') end "
        "return { api = 1, transform = seen, sign = function(r, e, c) r.headers.S = "
        "table.concat(c.secrets, ' ') end, tests = { "
        "{ name = 'defaults', expect = { headers = { S = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' "
        "}, "
        "body = '00000000-0000-7000-8000-000000000000 test default 2026-01-01T00:00:00Z nil data 1 "
        "1767225600 00000000-0000-4000-8000-000000000000 https://example.com/ nil nil "
        "https://example.com/ - 1767225600' } }, "
        "{ name = 'given', event = [[{\"event\":\"e\",\"id\":\"i\",\"tenant\":\"t\",\"key\":"
        "\"k\",\"time\":\"T\",\"fields\":{\"a\":1}}]], attempt = { number = 3, time = 7 }, "
        "webhook = { uuid = 'u', target = 'https://x/', name = 'n', extra_headers = { ['X-H'] = "
        "'<{{A}}{{ B }}{{9}}>' } }, env = { A = 'a' }, secrets = { 's1', 's2' }, request = { url = "
        "'https://y/' }, expect = { headers = { S = 's1 s2' }, url = 'https://y/', body = 'i e t T "
        "k "
        "fields 3 7 u https://x/ n a https://y/ <a{{9}}> 7' } } } }";
    struct golden_result result;
    enum err err = run("s", span_of(source), &result);
    if (err || result.failures || result.tests != 2)
        fail_msg("%s", report_text);
}

// What passes: each rule of the contract about events, requests, answers and expectations.
static void test_rules(void **state)
{
    (void)state;
    static const char *const passing[] = {
        // a string event: order and exact numbers, and all that a producer may write
        "{ name = 'n', event = [[{\"event\":\"e\",\"data\":{\"z\":1.50,\"a\":12345678901234567890},"
        "\"webhook\":\"u\",\"ref\":\"r\",\"deliver_at\":\"x\",\"expires_at\":\"y\","
        "\"traceparent\":\"00-t\"}]], expect = { headers = { traceparent = '00-t' }, body = "
        "'{\"hook\":{\"uuid\":\"00000000-0000-4000-8000-000000000000\",\"event\":\"e\",\"target\":"
        "\"https://example.com/\"},\"data\":{\"z\":1.50,\"a\":12345678901234567890}}' } }",
        "{ name = 'n', event = { fields = { b = 1, a = 2 } }, expect = { body = { hook = { uuid = "
        "'00000000-0000-4000-8000-000000000000', event = 'test', target = 'https://example.com/' "
        "}, "
        "a = 2, b = 1 } } }",
        "{ name = 'n', event = { override = { a = 1 } }, expect = { body = '{\"a\":1}' } }",
        // request replaces what the engine built, extra_payload comes after
        "{ name = 'n', request = { body = 'no json' }, expect = { body = 'no json' } }",
        "{ name = 'n', request = { body = '{ \"a\" : 1 }' }, webhook = { extra_payload = { b = 2 } "
        "}, expect = { body = { a = 1, b = 2 } } }",
        "{ name = 'n', event = { data = { a = 1 } }, webhook = { extra_payload = { b = 2 }, "
        "extra_payload_into = 'data', events = { '*' }, timeout_ms = 5 }, request = { body = "
        "'{\"data\":{}}' }, expect = { body = '{\"data\":{\"b\":2}}' } }",
        "{ name = 'n', request = { headers = { ['content-type'] = 'text/plain', ['X-A'] = 'a' } }, "
        "expect = { headers = { ['Content-Type'] = 'text/plain', ['x-a'] = 'a', ['X-B'] = false } "
        "} }",
        "{ name = 'n', expect = { method = 'POST', url = 'https://example.com/', filtered = false "
        "} "
        "}",
        // an answer: only response runs; its body is cut as the engine cuts it
        "{ name = 'n', event = { event = 'drop' }, response = { status = 200, body = "
        "('x'):rep(70000) }, expect = { verdict = { 'fail', '65536 true' } } }",
        "{ name = 'n', response = { status = 500, headers = { ['Retry-After'] = '7' } }, expect = "
        "{ "
        "verdict = { 'retry', 7 } } }",
        "{ name = 'n', response = { status = 418 }, expect = { verdict = false } }",
        "{ name = 'n', response = { status = 404 }, expect = { verdict = 'disable' } }",
        "{ name = 'n', response = { status = 400 }, expect = { error = 'no idea' } }",
        "{ name = 'n', response = { status = 418 }, expect = {} }",
        // errors and filters
        "{ name = 'n', event = { event = 'drop' }, expect = { filtered = 'dropped' } }",
        "{ name = 'n', event = { event = 'fail' }, expect = { error = 'boom' } }",
        "{ name = 'n', options = { n = 'x' }, expect = { invalid = { n = 'integer expected' } } }",
        "{ name = 'n', options = { m = 'x' }, expect = { invalid = { m = 'no such option' } } }",
    };
    for (size_t i = 0; i < COUNT_OF(passing); i++) {
        char source[4096];
        struct golden_result result;
        snprintf(
            source, sizeof(source),
            "return { api = 1, options = { n = { type = 'integer' } }, filter = function(e) "
            "if e.event == 'fail' then error('boom') end return e.event ~= 'drop', 'dropped' "
            "end, response = function(r) if r.status == 200 then return 'fail', #r.body .. ' ' "
            ".. tostring(r.truncated) elseif r.status == 500 then return 'retry', "
            "tonumber(r.headers['retry-after']) elseif r.status == 404 then return 'disable' "
            "elseif r.status == 400 then error('no idea') end end, tests = { %s } }",
            passing[i]);
        enum err err = run("s", span_of(source), &result);
        if (err || result.failures || result.tests != 1)
            fail_msg("%s\n%s", passing[i], report_text);
    }
    // A test of a response needs one.
    struct golden_result result;
    assert_int_equal(
        run("s",
            SPAN("return { api = 1, tests = { { name = 'n', response = {}, expect = {} "
                 "} } }"),
            &result),
        OK);
    assert_int_equal(result.failures, 1);
    assert_non_null(strstr(report_text, "the script has no response function"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ready_made_scripts),
        cmocka_unit_test(test_readme),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_no_list),
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_given),
        cmocka_unit_test(test_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
