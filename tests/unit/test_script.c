// SPDX-License-Identifier: MIT
// Scripts run in real script host processes, which are this very program, started again: what ends
// a visit and how it is called, who is blamed, who is not, and that nothing is left behind.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "sandbox/child.h"
#include "script/script.h"

#define DEADLINE_S 60 // of a wait for a condition; reached only when a test fails
#define PULSE_MS   20

struct fixture {
    uv_loop_t loop;
    uv_timer_t pulse;
    int64_t deadline_ns; // of the wait under way
    struct script *script;
    char folder[64];
    bool is_stopped;
};

// uv_run blocks after a timer has changed the condition, so that another has to wake it.
static void on_pulse(uv_timer_t *timer)
{
    struct fixture *f = CONTAINER_OF(timer, struct fixture, pulse);
    if (clock_mono_ns() > f->deadline_ns)
        fail_msg("waited %d s for a condition", DEADLINE_S);
}

#define WAIT_FOR(f, condition)                                                          \
    do {                                                                                \
        (f)->deadline_ns = clock_mono_ns() + (int64_t)DEADLINE_S * 1000000000;          \
        assert_int_equal(uv_timer_start(&(f)->pulse, on_pulse, PULSE_MS, PULSE_MS), 0); \
        while (!(condition))                                                            \
            (void)uv_run(&(f)->loop, UV_RUN_ONCE);                                      \
        assert_int_equal(uv_timer_stop(&(f)->pulse), 0);                                \
    } while (0)

// ---- scripts ----

static void write_script(struct fixture *f, const char *name, const char *source)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s.lua", f->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(source, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

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
};

// ---- fixture ----

static void start(struct fixture *f, uint32_t cpu_ms)
{
    struct errmsg message = {""};
    struct script_config config = {.hosts = 2,
                                   .scripts_dir = f->folder,
                                   .cpu_ms = cpu_ms,
                                   .wall_ms = 10 * cpu_ms,
                                   .memory_bytes = 16 << 20,
                                   .self = "/proc/self/exe"};
    enum err err = script_start(&f->script, &f->loop, &config, &message);
    if (err != OK)
        fail_msg("script_start: %s: %s", err_name(err), message.text);
}

static int setup_with(void **state, uint32_t cpu_ms)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    (void)snprintf(f->folder, sizeof f->folder, "/tmp/test_script.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    for (size_t i = 0; i < COUNT_OF(scripts); i++)
        write_script(f, scripts[i][0], scripts[i][1]);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    assert_int_equal(uv_timer_init(&f->loop, &f->pulse), 0);
    start(f, cpu_ms);
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

static void on_stopped(void *context)
{
    *(bool *)context = true;
}

// No process is left, no handle, no file.
static int teardown(void **state)
{
    struct fixture *f = *state;
    script_stop(f->script, on_stopped, &f->is_stopped);
    WAIT_FOR(f, f->is_stopped);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    uv_close((uv_handle_t *)&f->pulse, NULL);
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -r %s", f->folder);
    assert_int_equal(system(command), 0);
    xfree(f);
    return 0;
}

// ---- visits ----

static uint32_t next_webhook = 1;

static struct webhook *make_webhook(const char *tenant, const char *script_names)
{
    char json[1024];
    struct problems problems;
    struct webhook *webhook = NULL;
    struct webhook_rules rules = {.is_stored = false};
    (void)snprintf(json, sizeof json,
                   "{\"target\":\"https://example.com/in\",\"events\":[\"*\"],\"tenant\":\"%s\","
                   "\"scripts\":[%s],\"extra_payload\":{\"x\":1}}",
                   tenant, script_names);
    problems_init(&problems);
    enum err err = webhook_parse(&webhook, span_of(json), &rules, &problems);
    if (err != OK)
        fail_msg("%.*s: %.*s", SPAN_ARGS(problems.list[0].field),
                 SPAN_ARGS(problems.list[0].message));
    problems_deinit(&problems);
    webhook->number = next_webhook++;
    webhook->revision = 1;
    return webhook;
}

static struct webhook *webhook_with(const char *name)
{
    char script[128];
    (void)snprintf(script, sizeof script, "{\"name\":\"%s\"}", name);
    return make_webhook("default", script);
}

struct ask {
    struct script_visit visit;
    struct event *event;
    struct webhook *webhook;
    struct attempt *attempt;
    int64_t done_ns; // 0: not yet
    uint32_t *done;  // counted here too
};

static void on_done(struct script_visit *visit)
{
    struct ask *ask = visit->context;
    assert_int_equal(ask->done_ns, 0);
    ask->done_ns = clock_mono_ns();
    if (ask->done != NULL)
        ++*ask->done;
}

static void ask_about(struct ask *ask, struct webhook *webhook, struct span data)
{
    struct event_source source = {.form = EVENT_DATA,
                                  .tenant = webhook->tenant,
                                  .name = SPAN("request.added"),
                                  .payload = data};
    *ask = (struct ask){.event = event_new(&source), .webhook = webhook_ref(webhook)};
    ask->event->id = uid_random();
    ask->attempt = attempt_new(1, request_bound(ask->event, webhook));
    ask->attempt->number = 1;
    ask->attempt->started_ms = 1767225600000;
    size_t data_at = 0;
    assert_int_equal(request_build(ask->attempt, ask->event, webhook, NULL, true, &data_at), OK);
    ask->visit = (struct script_visit){.magic = SCRIPT_VISIT_MAGIC,
                                       .attempt = ask->attempt,
                                       .event = ask->event,
                                       .webhook = ask->webhook,
                                       .data_at = data_at,
                                       .on_done = on_done,
                                       .context = ask};
}

static void submit(struct fixture *f, struct ask *ask, struct webhook *webhook)
{
    ask_about(ask, webhook, SPAN("{\"a\":1e14}"));
    script_visit(f->script, &ask->visit);
}

static void ask_free(struct ask *ask)
{
    attempt_free(ask->attempt);
    event_unref(ask->event);
    webhook_unref(ask->webhook);
}

static void visit_once(struct fixture *f, struct ask *ask, const char *name)
{
    struct webhook *webhook = webhook_with(name);
    submit(f, ask, webhook);
    script_flush(f->script);
    WAIT_FOR(f, ask->done_ns != 0);
    webhook_unref(webhook);
}

static void expect_reason(const struct ask *ask, const char *part)
{
    char text[1200];
    (void)snprintf(text, sizeof text, "%.*s", SPAN_ARGS(ask->attempt->reason));
    if (strstr(text, part) == NULL)
        fail_msg("the reason \"%s\" does not say \"%s\"", text, part);
}

static void expect_result(struct fixture *f, const char *name, enum script_result result,
                          const char *reason)
{
    struct ask ask;
    visit_once(f, &ask, name);
    if (ask.visit.result != result)
        fail_msg("%s: result %d, not %d: %.*s", name, (int)ask.visit.result, (int)result,
                 SPAN_ARGS(ask.attempt->reason));
    expect_reason(&ask, reason);
    ask_free(&ask);
}

static uint64_t kills(struct fixture *f)
{
    struct script_stats stats;
    script_stats(f->script, &stats);
    return stats.kills;
}

// ---- tests ----

static void test_renders(void **state)
{
    struct fixture *f = *state;
    struct ask ask;
    visit_once(f, &ask, "good");
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
    expect_result(*state, "no", SCRIPT_FILTERED, "not today");
}

static void test_unknown_script(void **state)
{
    struct fixture *f = *state;
    struct webhook *webhook = webhook_with("nowhere");
    assert_true(script_has_render(f->script, webhook));
    assert_false(script_has_response(f->script, webhook));
    webhook_unref(webhook);
    expect_result(f, "nowhere", SCRIPT_ERROR, "there is no script \"nowhere\"");
}

static void test_endless_loops_are_stopped(void **state)
{
    expect_result(*state, "loop", SCRIPT_TIMEOUT, "in sign of loop@");
    expect_result(*state, "loop", SCRIPT_TIMEOUT, "line 2");
    expect_result(*state, "pcall-loop", SCRIPT_TIMEOUT, "ms of CPU");
    expect_result(*state, "pcall-memory", SCRIPT_TIMEOUT, "stopped after");
    assert_int_equal(kills(*state), 0); // the host lived on
}

static void test_endless_pattern_is_killed(void **state)
{
    expect_result(*state, "pattern", SCRIPT_KILLED, "in pattern@");
    assert_int_equal(kills(*state), 1);
    expect_result(*state, "no", SCRIPT_FILTERED, "not today");
}

static void test_memory_has_a_ceiling(void **state)
{
    expect_result(*state, "memory", SCRIPT_MEMORY, "more than 16 MiB in sign of memory@");
    expect_result(*state, "recursion", SCRIPT_ERROR, "stack overflow");
    assert_int_equal(kills(*state), 0);
}

static void test_rep_bomb(void **state)
{
    struct ask ask;
    visit_once(*state, &ask, "rep");
    assert_true(ask.visit.result == SCRIPT_MEMORY || ask.visit.result == SCRIPT_ERROR);
    ask_free(&ask);
    assert_int_equal(kills(*state), 0);
}

static void test_errors(void **state)
{
    expect_result(*state, "raises", SCRIPT_ERROR, "raises.lua:2: it went wrong");
    expect_result(*state, "raises-table", SCRIPT_ERROR, "table");
}

static void test_broken_return_values(void **state)
{
    expect_result(*state, "broken-return", SCRIPT_ERROR, "filter");
}

static void test_two_tenants_share_no_state(void **state)
{
    struct fixture *f = *state;
    const char *const tenants[] = {"blue", "green", "blue", "green", "blue"};
    const char *const reasons[] = {"visit 1", "visit 1", "visit 2", "visit 2", "visit 3"};
    for (size_t i = 0; i < COUNT_OF(tenants); i++) {
        struct ask ask;
        struct webhook *webhook = make_webhook(tenants[i], "{\"name\":\"count\"}");
        submit(f, &ask, webhook);
        script_flush(f->script);
        WAIT_FOR(f, ask.done_ns != 0);
        expect_reason(&ask, reasons[i]);
        ask_free(&ask);
        webhook_unref(webhook);
    }
}

// The pattern is killed; everybody else's visits come out as if nothing had been.
static void test_only_the_running_visit_is_blamed(void **state)
{
    struct fixture *f = *state;
    struct webhook *good = webhook_with("good");
    struct webhook *bad = webhook_with("pattern");
    struct ask asks[101];
    uint32_t done = 0;
    for (size_t i = 0; i < COUNT_OF(asks); i++) {
        submit(f, &asks[i], i == 30 ? bad : good);
        asks[i].done = &done;
    }
    script_flush(f->script);
    WAIT_FOR(f, done == COUNT_OF(asks));
    for (size_t i = 0; i < COUNT_OF(asks); i++) {
        assert_int_equal(asks[i].visit.result, i == 30 ? SCRIPT_KILLED : SCRIPT_DONE);
        ask_free(&asks[i]);
    }
    assert_int_equal(kills(f), 1);
    webhook_unref(good);
    webhook_unref(bad);
}

// A webhook that only ever overruns takes turns with one that does not.
static void test_others_go_on_meanwhile(void **state)
{
    struct fixture *f = *state;
    struct webhook *good = webhook_with("good");
    struct webhook *bad = webhook_with("loop");
    struct ask slow[100];
    struct ask quick[100];
    uint32_t slow_done = 0;
    uint32_t quick_done = 0;
    for (size_t i = 0; i < COUNT_OF(slow); i++) {
        submit(f, &slow[i], bad);
        slow[i].done = &slow_done;
    }
    for (size_t i = 0; i < COUNT_OF(quick); i++) {
        submit(f, &quick[i], good);
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

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], CHILD_MARKER) == 0)
        return child_main(argc, argv);
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
        CASE(test_two_tenants_share_no_state),
        CASE(test_only_the_running_visit_is_blamed),
        CASE(test_others_go_on_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
