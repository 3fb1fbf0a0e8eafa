// SPDX-License-Identifier: MIT
// Scripts run in real script host processes, which are this very program, started again: what comes
// of a visit and how it is called, who is blamed, who is not, and that nothing is left behind.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "crypto/mac.h"
#include "script/script.h"
#include "support/script_fixture.h"

#define SIGN(code) "return { api = 1, sign = function(request, event, ctx)\n" code "\nend }\n"

static const char *const scripts[][2] = {
    {"good", "return { api = 1, filter = function() return true end }\n"},
    {"no", "return { api = 1, filter = function() return false, 'not today' end }\n"},
    {"loop", SIGN("while true do end")},
    {"pcall-loop", SIGN("while true do pcall(function() while true do end end) end")},
    {"pattern", SIGN("string.find(('a'):rep(60), ('a*'):rep(40) .. 'b')")},
    {"memory", SIGN("local s = 'x' while true do s = s .. s end")},
    {"pcall-memory", SIGN("local t = {} while true do pcall(function() while true do "
                          "t[#t + 1] = ('x'):rep(100000) .. #t end end) end")},
    {"rep", SIGN("return #(('x'):rep(1 << 40))")},
    {"recursion", SIGN("local function f(n) return 1 + f(n + 1) end return f(1)")},
    {"broken-return", "return { api = 1, filter = function() end }\n"},
    {"raises", SIGN("error('it went wrong')")},
    {"raises-table", SIGN("error({})")},
    {"count", "local count = 0\n"
              "return { api = 1, filter = function()\n"
              "count = count + 1 return false, 'visit ' .. count end }\n"},
    {"judge", "return { api = 1, response = function(response)\n"
              "if response.status == 404 then return 'fail', 'gone for good' end\n"
              "if response.status == 500 then error('no idea') end\n"
              "if response.json().ok == false then return 'retry', 60 end end }\n"},
    {"busy", "return { api = 1, filter = function()\n"
             "local sum = 0 for i = 1, 300000 do sum = sum + i end return sum > 0 end }\n"},
    {"many", "return { api = 1, transform = function(request)\n"
             "local t, last = {}, '' for i = 1, 5000 do t['k' .. i] = i end\n"
             "for k in pairs(t) do if k <= last then error('not sorted') end last = k end\n"
             "request.body = t end }\n"},
    {"big", "return { api = 1, transform = function(request)\n"
            "request.body = ('x'):rep(5 << 20) end }\n"},
};

static int setup_with(void **state, uint32_t cpu_ms)
{
    struct fixture *f = fixture_new();
    for (size_t i = 0; i < COUNT_OF(scripts); i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%s.lua", scripts[i][0]);
        fixture_write(f, name, scripts[i][1]);
    }
    fixture_start(f, cpu_ms);
    *state = f;
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, 10);
}

// For what must not meet the limit of time on a busy machine.
static int setup_patient(void **state)
{
    return setup_with(state, 2000);
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

static void test_renders(void **state)
{
    struct fixture *f = *state;
    struct ask ask;
    ask_once(f, &ask, "good");
    assert_int_equal(ask.visit.result, SCRIPT_DONE);
    assert_true(span_is(ask.attempt->method, "POST"));
    assert_true(span_is(ask.attempt->url, "https://example.com/in"));
    assert_true(ask.attempt->header_count >= 4);
    assert_non_null(memmem(ask.attempt->body.at, ask.attempt->body.len, "{\"a\":1e14}", 10));
    assert_true(span_starts_with(ask.attempt->scripts, SPAN("good@")));
    assert_true(ask.attempt->script_cpu_us > 0);
    assert_true(ask.attempt->script_memory_bytes > 10000);
    ask_free(&ask);
}

static void test_filters(void **state)
{
    ask_expect(*state, "no", SCRIPT_FILTERED, "not today");
}

static void test_unknown_script(void **state)
{
    struct fixture *f = *state;
    struct webhook *webhook = fixture_webhook_with("nowhere");
    assert_true(script_has_render(f->script, webhook));
    assert_false(script_has_response(f->script, webhook));
    webhook_unref(webhook);
    ask_expect(f, "nowhere", SCRIPT_ERROR, "there is no script \"nowhere\"");
}

// ThreadSanitizer holds signals back until a system call, which an endless loop does not make.
#ifdef __SANITIZE_THREAD__
#    define NEEDS_SIGNALS() skip()
#else
#    define NEEDS_SIGNALS() ((void)0)
#endif

static void test_endless_loops_are_stopped(void **state)
{
    NEEDS_SIGNALS();
    ask_expect(*state, "loop", SCRIPT_TIMEOUT, "in sign of loop@");
    ask_expect(*state, "loop", SCRIPT_TIMEOUT, "line 2");
    ask_expect(*state, "pcall-loop", SCRIPT_TIMEOUT, "ms of CPU");
    ask_expect(*state, "pcall-memory", SCRIPT_TIMEOUT, "stopped after");
    assert_int_equal(fixture_stats(*state).kills, 0); // the host lived on
}

static void test_endless_pattern_is_killed(void **state)
{
    ask_expect(*state, "pattern", SCRIPT_KILLED, "in pattern@");
    assert_int_equal(fixture_stats(*state).kills, 1);
    ask_expect(*state, "no", SCRIPT_FILTERED, "not today");
}

static void test_memory_has_a_ceiling(void **state)
{
    ask_expect(*state, "memory", SCRIPT_MEMORY, "more than 16 MiB in sign of memory@");
    ask_expect(*state, "recursion", SCRIPT_ERROR, "stack overflow");
    assert_int_equal(fixture_stats(*state).kills, 0);
}

static void test_rep_bomb(void **state)
{
    struct ask ask;
    ask_once(*state, &ask, "rep");
    assert_true(ask.visit.result == SCRIPT_MEMORY || ask.visit.result == SCRIPT_ERROR);
    ask_free(&ask);
    assert_int_equal(fixture_stats(*state).kills, 0);
}

static void test_errors(void **state)
{
    ask_expect(*state, "raises", SCRIPT_ERROR, "raises.lua:2: it went wrong");
    ask_expect(*state, "raises-table", SCRIPT_ERROR, "table");
}

static void test_broken_return_values(void **state)
{
    ask_expect(*state, "broken-return", SCRIPT_ERROR, "filter");
}

static void test_two_tenants_share_no_state(void **state)
{
    struct fixture *f = *state;
    const char *const tenants[] = {"blue", "green", "blue", "green", "blue"};
    const char *const reasons[] = {"visit 1", "visit 1", "visit 2", "visit 2", "visit 3"};
    for (size_t i = 0; i < COUNT_OF(tenants); i++) {
        struct ask ask;
        struct webhook *webhook = fixture_webhook(tenants[i], "{\"name\":\"count\"}");
        ask_submit(f, &ask, webhook);
        script_flush(f->script);
        WAIT_FOR(f, ask.is_done);
        ask_expect_reason(&ask, reasons[i]);
        ask_free(&ask);
        webhook_unref(webhook);
    }
}

// The pattern is killed; everybody else's visits come out as if nothing had been.
static void test_only_the_running_visit_is_blamed(void **state)
{
    struct fixture *f = *state;
    struct webhook *good = fixture_webhook_with("good");
    struct webhook *bad = fixture_webhook_with("pattern");
    struct ask asks[101];
    uint32_t done = 0;
    for (size_t i = 0; i < COUNT_OF(asks); i++) {
        ask_submit(f, &asks[i], i == 30 ? bad : good);
        asks[i].done = &done;
    }
    script_flush(f->script);
    WAIT_FOR(f, done == COUNT_OF(asks));
    for (size_t i = 0; i < COUNT_OF(asks); i++) {
        assert_int_equal(asks[i].visit.result, i == 30 ? SCRIPT_KILLED : SCRIPT_DONE);
        ask_free(&asks[i]);
    }
    assert_int_equal(fixture_stats(f).kills, 1);
    webhook_unref(good);
    webhook_unref(bad);
}

// A webhook that only ever overruns takes turns with one that does not.
static void test_others_go_on_meanwhile(void **state)
{
    NEEDS_SIGNALS();
    struct fixture *f = *state;
    struct webhook *good = fixture_webhook_with("good");
    struct webhook *bad = fixture_webhook_with("loop");
    struct ask slow[100];
    struct ask quick[100];
    uint32_t slow_done = 0;
    uint32_t quick_done = 0;
    for (size_t i = 0; i < COUNT_OF(slow); i++) {
        ask_submit(f, &slow[i], bad);
        slow[i].done = &slow_done;
    }
    for (size_t i = 0; i < COUNT_OF(quick); i++) {
        ask_submit(f, &quick[i], good);
        quick[i].done = &quick_done;
    }
    script_flush(f->script);
    WAIT_FOR(f, quick_done == COUNT_OF(quick));
    // 100 of them would take more than a second; all quick ones were let in between.
    assert_in_range(slow_done, 0, 80);
    WAIT_FOR(f, slow_done == COUNT_OF(slow));
    for (size_t i = 0; i < COUNT_OF(slow); i++) {
        assert_int_equal(slow[i].visit.result, SCRIPT_TIMEOUT);
        assert_int_equal(quick[i].visit.result, SCRIPT_DONE);
        ask_free(&slow[i]);
        ask_free(&quick[i]);
    }
    webhook_unref(good);
    webhook_unref(bad);
}

// A script that is there already, signs what is sent; the secret is used as it is.
static void test_signs(void **state)
{
    struct fixture *f = *state;
    struct ask ask;
    uint8_t mac[MAC_MAX_LEN];
    char expected[80] = "sha256=";
    ask_once(f, &ask, "github");
    assert_int_equal(ask.visit.result, SCRIPT_DONE);
    struct mac_key *key = mac_key_new(MAC_SHA256, SPAN("It is a secret to everybody"));
    mac_hmac(key, ask.attempt->body, mac);
    mac_key_free(key);
    for (size_t i = 0; i < 32; i++)
        (void)snprintf(expected + 7 + 2 * i, 3, "%02x", mac[i]);
    bool is_signed = false;
    for (uint32_t i = 0; i < ask.attempt->header_count; i++)
        if (span_is(ask.attempt->headers[i].name, "X-Hub-Signature-256"))
            is_signed = span_is(ask.attempt->headers[i].value, expected);
    assert_true(is_signed);
    // extra_payload came before the signature, and what nobody touched is as it was.
    assert_non_null(
        memmem(ask.attempt->body.at, ask.attempt->body.len, "\"data\":{\"a\":1e14},\"x\":1}", 24));
    ask_free(&ask);
}

static void judge(struct fixture *f, struct ask *ask, const char *script_name, int status)
{
    struct webhook *webhook = fixture_webhook_with(script_name);
    ask_init(ask, webhook);
    ask->visit.is_response = true;
    ask->attempt->status = status;
    ask->attempt->response = SPAN("{\"ok\":false}");
    ask->attempt->response_len = 12;
    script_visit(f->script, &ask->visit);
    script_flush(f->script);
    WAIT_FOR(f, ask->is_done);
    webhook_unref(webhook);
}

static void test_judges_answers(void **state)
{
    struct fixture *f = *state;
    struct ask ask;
    judge(f, &ask, "judge", 200);
    assert_int_equal(ask.visit.result, SCRIPT_DONE);
    assert_int_equal(ask.attempt->verdict, VERDICT_RETRY);
    assert_int_equal(ask.attempt->verdict_after_ms, 60000);
    ask_free(&ask);
    judge(f, &ask, "judge", 404);
    assert_int_equal(ask.attempt->verdict, VERDICT_FAIL);
    ask_expect_reason(&ask, "gone for good");
    ask_free(&ask);
    judge(f, &ask, "judge", 500);
    assert_int_equal(ask.visit.result, SCRIPT_ERROR);
    assert_int_equal(ask.attempt->verdict, VERDICT_NONE);
    assert_non_null(
        memmem(ask.attempt->response_error.at, ask.attempt->response_error.len, "judge.lua:", 10));
    assert_int_equal(ask.attempt->reason.len, 0);
    ask_free(&ask);
}

// Of all the memory of the host, and of the event's share.
// glibc's qsort makes a system call of its own when much is sorted.
static void test_many_members_are_sorted(void **state)
{
    struct fixture *f = *state;
    struct ask ask;
    ask_once(f, &ask, "many");
    assert_int_equal(ask.visit.result, SCRIPT_DONE);
    assert_true(span_starts_with(ask.attempt->body, SPAN("{\"k1\":1,\"k10\":10,\"k100\":100,")));
    ask_free(&ask);
    assert_int_equal(fixture_stats(f).kills, 0);
}

static void test_output_has_a_ceiling(void **state)
{
    ask_expect(*state, "big", SCRIPT_ERROR, "");
    assert_int_equal(fixture_stats(*state).kills, 0);
}

// ---- accounts ----

static struct account used_by(struct fixture *f, const struct webhook *webhook, uint32_t index)
{
    struct script_use_info info;
    assert_true(script_use_info(f->script, webhook, index, &info));
    return info.account;
}

static void visit_once(struct fixture *f, struct webhook *webhook, enum script_result result)
{
    struct ask ask;
    ask_submit(f, &ask, webhook);
    script_flush(f->script);
    WAIT_FOR(f, ask.is_done);
    assert_int_equal(ask.visit.result, result);
    ask_free(&ask);
}

static void test_each_script_has_its_accounts(void **state)
{
    struct fixture *f = *state;
    struct webhook *both = fixture_webhook("default", "{\"name\":\"good\"},{\"name\":\"busy\"}");
    struct webhook *other = fixture_webhook("default", "{\"name\":\"good\"},{\"name\":\"raises\"}");
    both->number = 1; // as if it were stored
    other->number = 2;
    for (int i = 0; i < 3; i++)
        visit_once(f, both, SCRIPT_DONE);
    visit_once(f, other, SCRIPT_ERROR);
    struct account good = used_by(f, both, 0);
    struct account busy = used_by(f, both, 1);
    assert_int_equal(good.calls, 3);
    assert_int_equal(busy.calls, 3);
    assert_true(busy.cpu_us > good.cpu_us);
    assert_true(busy.memory_bytes > 10000);
    assert_int_equal(account_failures(&busy), 0);
    assert_int_equal(used_by(f, other, 0).calls, 1);
    assert_int_equal(used_by(f, other, 0).failures[ACCOUNT_ERROR], 0);
    assert_int_equal(used_by(f, other, 1).failures[ACCOUNT_ERROR], 1); // it alone is to blame
    webhook_unref(both);
    webhook_unref(other);
}

// A script that was not reached has no call.
static void test_what_did_not_run_is_not_counted(void **state)
{
    struct fixture *f = *state;
    struct webhook *webhook = fixture_webhook("default", "{\"name\":\"no\"},{\"name\":\"busy\"}");
    webhook->number = 1;
    visit_once(f, webhook, SCRIPT_FILTERED);
    assert_int_equal(used_by(f, webhook, 0).calls, 1);
    assert_int_equal(used_by(f, webhook, 1).calls, 0);
    assert_int_equal(used_by(f, webhook, 1).cpu_us, 0);
    webhook_unref(webhook);
}

static void test_kills_are_on_account(void **state)
{
    struct fixture *f = *state;
    struct webhook *webhook =
        fixture_webhook("default", "{\"name\":\"good\"},{\"name\":\"pattern\"}");
    webhook->number = 1;
    visit_once(f, webhook, SCRIPT_KILLED);
    struct account pattern = used_by(f, webhook, 1);
    assert_int_equal(pattern.calls, 1);
    assert_int_equal(pattern.failures[ACCOUNT_KILLED], 1);
    assert_true(pattern.cpu_us >= 10000); // it had used its time
    webhook_unref(webhook);
}

int main(int argc, char **argv)
{
    int status = 0;
    if (fixture_was_host(argc, argv, &status))
        return status;
#define CASE(name)    cmocka_unit_test_setup_teardown(name, setup, teardown)
#define PATIENT(name) cmocka_unit_test_setup_teardown(name, setup_patient, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_renders),
        CASE(test_filters),
        CASE(test_unknown_script),
        CASE(test_endless_loops_are_stopped),
        CASE(test_endless_pattern_is_killed),
        PATIENT(test_memory_has_a_ceiling),
        PATIENT(test_rep_bomb),
        CASE(test_errors),
        CASE(test_broken_return_values),
        CASE(test_signs),
        CASE(test_judges_answers),
        PATIENT(test_many_members_are_sorted),
        PATIENT(test_output_has_a_ceiling),
        PATIENT(test_each_script_has_its_accounts),
        PATIENT(test_what_did_not_run_is_not_counted),
        CASE(test_kills_are_on_account),
        CASE(test_two_tenants_share_no_state),
        CASE(test_only_the_running_visit_is_blamed),
        CASE(test_others_go_on_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
