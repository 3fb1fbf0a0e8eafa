// SPDX-License-Identifier: MIT
// Tests drafts: sources that are loaded and tried without being a version, and hosts that lie about them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "script/script_draft.h"
#include "support/script_fixture.h"

struct answer {
    bool is_done;
    struct script_draft *draft;
    char reason[1024], results[4096];
    uint32_t tests, killed_in;
};

static void on_done(void *context, const struct script_draft_outcome *outcome)
{
    struct answer *answer = context;
    answer->draft = outcome->draft;
    answer->tests = outcome->tests;
    answer->killed_in = outcome->killed_in;
    snprintf(answer->reason, sizeof(answer->reason), "%.*s", SPAN_ARGS(outcome->reason));
    snprintf(answer->results, sizeof(answer->results), "%.*s", SPAN_ARGS(outcome->results));
    answer->is_done = true;
}

static struct answer check(struct fixture *f, const char *source)
{
    struct answer answer = {false};
    script_draft_check(f->script, SPAN("mine"), span_of(source), on_done, &answer);
    WAIT_FOR(f, answer.is_done);
    return answer;
}

static void test_what_it_is(void **state)
{
    struct fixture *f = *state;
    struct answer answer = check(
        f, "return { api = 1, options = { n = { type = 'integer' } }, sign = function() end,\n"
           "tests = {\n{ name = 'good', expect = {} },\n{ name = 'bad', expect = { body = "
           "'x' } } } }");
    assert_non_null(answer.draft);
    assert_int_equal(script_draft_functions(answer.draft), 1u << FRAME_SIGN);
    assert_true(span_is(script_draft_name(answer.draft), "mine"));
    assert_non_null(strstr(script_draft_options(answer.draft).at, "\"integer\""));
    assert_int_equal(answer.tests, 2);
    assert_non_null(strstr(answer.reason, "mine.lua:4: test 2 (bad)\n  body differs at byte 1"));
    assert_non_null(strstr(answer.results, "{\"number\":1,\"name\":\"good\",\"line\":3,\"is_ok\":"
                                           "true,\"report\":\"\"}"));
    assert_non_null(strstr(answer.results, "\"name\":\"bad\",\"line\":4,\"is_ok\":false"));
    script_draft_free(answer.draft);
}

static void test_what_does_not_load(void **state)
{
    struct fixture *f = *state;
    struct answer answer = check(f, "return {\n");
    assert_null(answer.draft);
    assert_non_null(strstr(answer.reason, "mine.lua:2:"));
    assert_string_equal(answer.results, "");
#ifndef __SANITIZE_THREAD__ // which holds signals back until a system call: this has none
    answer = check(f, "while true do end");
    assert_null(answer.draft);
    assert_non_null(strstr(answer.reason, "mine.lua:1: loading it does not end"));
#endif
}

// The test in which a host had to be killed is known.
static void test_killed_in_a_test(void **state)
{
    struct fixture *f = *state;
    struct answer answer =
        check(f, "return { api = 1, transform = function(r, e) if e.data.hang then\n"
                 "string.find(string.rep('a', 90000), string.rep('a?', 40) .. 'b') end end,\n"
                 "tests = { { name = 'a', expect = {} }, { name = 'b', event = { data = { hang = "
                 "true } }, expect = {} } } }");
    assert_null(answer.draft);
    assert_int_equal(answer.killed_in, 2);
    assert_non_null(strstr(answer.reason, "mine.lua: test 2: the script host "));
}

static void no_problem(void *context, struct problems *problems)
{
    (void)problems;
    *(bool *)context = true;
}

// It stands in for a name, also one that there is; a version that is pinned stays.
static void test_in_the_place_of_a_script(void **state)
{
    struct fixture *f = *state;
    struct answer answer =
        check(f, "return { api = 1, options = { n = { type = 'integer' } }, sign = function(r) "
                 "r.headers['X-Mine'] = 'draft' end }");
    assert_non_null(answer.draft);
    struct webhook *webhook = fixture_webhook("default", "{\"name\":\"mine\"}");
    struct ask ask;
    ask_init(&ask, webhook);
    ask.visit.is_trial = true;
    ask.visit.draft = answer.draft;
    script_visit(f->script, &ask.visit);
    script_flush(f->script);
    WAIT_FOR(f, ask.is_done);
    assert_int_equal(ask.visit.result, SCRIPT_DONE);
    bool is_there = false;
    for (uint32_t i = 0; i < ask.attempt->header_count; i++) {
        if (!span_is(ask.attempt->headers[i].name, "X-Mine"))
            continue;
        is_there = true;
        assert_true(span_is(ask.attempt->headers[i].value, "draft"));
        assert_true(span_is(attempt_shown_header(ask.attempt, i), ATTEMPT_SET_BY_SIGN));
    }
    assert_true(is_there);
    ask_free(&ask);
    webhook_unref(webhook);

    struct problems problems;
    bool is_done = false;
    problems_init(&problems);
    webhook = fixture_webhook("default", "{\"name\":\"mine\",\"options\":{\"n\":\"x\"}},"
                                         "{\"name\":\"mine\",\"version\":\"12345678\"}");
    script_draft_check_webhook(f->script, answer.draft, webhook, &problems, no_problem, &is_done);
    WAIT_FOR(f, is_done);
    assert_int_equal(problems.count, 2);
    webhook_unref(webhook);
    problems_deinit(&problems);
    script_draft_free(answer.draft);
}

static int start(void **state)
{
    struct fixture *f = fixture_new();
    fixture_start(f, 50);
    *state = f;
    return 0;
}

static int stop(void **state)
{
    fixture_free(*state);
    return 0;
}

int main(int argc, char **argv)
{
    int status = 0;
    if (fixture_was_host(argc, argv, &status))
        return status;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_it_is, start, stop),
        cmocka_unit_test_setup_teardown(test_what_does_not_load, start, stop),
        cmocka_unit_test_setup_teardown(test_killed_in_a_test, start, stop),
        cmocka_unit_test_setup_teardown(test_in_the_place_of_a_script, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
