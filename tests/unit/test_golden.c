// SPDX-License-Identifier: MIT
// Tests the golden tests: those of the ready-made scripts, and that broken ones are found out.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/embed.h"
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

// The example of lua/README.md is a script that loads, and its tests pass.
static void test_readme(void **state)
{
    (void)state;
    static char text[65536];
    FILE *file = fopen(SOURCE_DIR "/lua/README.md", "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = 0;
    fclose(file);
    const char *begin = strstr(text, "```lua\n");
    assert_non_null(begin);
    const char *end = strstr(begin + 7, "```");
    assert_non_null(end);
    struct golden_result result;
    enum err err = run("readme", span_make(begin + 7, (size_t)(end - begin - 7)), &result);
    if (err || result.failures || result.tests != 1)
        fail_msg("%s", report_text);
}

// Each must fail, and the report must say this.
static void test_failures(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        // what differs
        {"{ name = 'n', expect = { body = 'x' } }", "s: test 1 (n)\n  body differs at byte 1\n"},
        {"{ name = 'n', expect = { body = { a = 1 } } }", "body.a is missing"},
        {"{ name = 'n', event = { data = { a = 1 } }, expect = { body = { hook = { uuid = "
         "'00000000-0000-4000-8000-000000000000', event = 'test', target = 'https://example.com/' "
         "}, "
         "data = { a = 2 }, t = 1 } } }",
         "body.data.a is another number"},
        {"{ name = 'n', expect = { body = { t = 1 } } }", "body.hook was not expected"},
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
         "verdict retry 5, where none 0 was expected"},
        {"{ name = 'n', response = {}, expect = { verdict = { 'retry', 5 } } }",
         "verdict none 0, where retry 5"},
        {"{ name = 'n', options = { n = 1 }, expect = { invalid = { n = 'x' } } }",
         "option n: a complaint with \"x\" was expected"},
        {"{ name = 'n', options = { m = 1 }, expect = { invalid = {} } }",
         "option m: there is no such option"},
        {"{ name = 'n', event = { event = 'count' }, expect = {} }",
         "a used state gives something else than a fresh one"},
        // what is wrong with a test itself
        {"{ expect = {} }", "a test must have a name"},
        {"{ name = 'n' }", "expect is missing"},
        {"{ name = 'n', expects = {}, expect = {} }", "unknown field 'expects'"},
        {"{ name = 'n', event = { nme = 'x' }, expect = {} }", "event has an unknown field 'nme'"},
        {"{ name = 'n', event = '{\"event\":', expect = {} }", "event: the text ends"},
        {"{ name = 'n', expect = { bdy = 'x' } }", "expect has an unknown field 'bdy'"},
        {"{ name = 'n', expect = { verdict = 'later' } }", "expect.verdict is one of"},
        {"{ name = 'n', request = { body = {} }, expect = {} }", "request.body must be a string"},
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
            "function(r) if r.status == 500 then return 'retry', 5 end end, tests = { %s } }",
            cases[i][0]);
        assert_int_equal(run("s", span_of(source), &result), OK);
        if (result.tests != 1 || result.failures != 1 || !strstr(report_text, cases[i][1]))
            fail_msg("%s\nexpected %s\ngot      %s", cases[i][0], cases[i][1], report_text);
    }
    struct golden_result result;
    assert_int_equal(run("s", SPAN("return {"), &result), ERR_SYNTAX);
    assert_non_null(strstr(report_text, "s.lua:1:"));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ready_made_scripts),
        cmocka_unit_test(test_readme),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
