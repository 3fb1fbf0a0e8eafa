// SPDX-License-Identifier: MIT
// Script hosts that are taken over, stalled, or killed: nothing that they say or try gets through, one visit is
// blamed, and the others come out as if nothing had been.
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "script/watchdog.h"
#include "support/script_fixture.h"

#define GOOD      "return { api = 1, filter = function() return true end }\n"
#define FORGED    "answered what no script host may"
#define FORBIDDEN "tried a forbidden system call"

// ---- evil hosts ----

static void try_deed(const char *deed, enum script_result result, const char *cause)
{
    struct fixture *f = fixture_new();
    struct ask ask;
    fixture_write(f, "good.lua", GOOD);
    fixture_use_evil(f, deed);
    fixture_start(f, 10);
    ask_once(f, &ask, "good");
    if (ask.visit.result != result)
        fail_msg("%s: result %d, not %d: %.*s", deed, (int)ask.visit.result, (int)result,
                 SPAN_ARGS(ask.attempt->reason));
    ask_expect_reason(&ask, cause);
    // Nothing of what it said is in the request.
    assert_true(span_is(ask.attempt->method, "POST"));
    assert_true(span_is(ask.attempt->url, "https://example.com/in"));
    ask_free(&ask);
    fixture_free(f);
}

static void test_forged_frames(void **state)
{
    (void)state;
    static const char *const deeds[] = {"kind",         "id",     "result",
                                        "other-answer", "length", "garbage"};
    for (size_t i = 0; i < COUNT_OF(deeds); i++)
        try_deed(deeds[i], SCRIPT_KILLED, FORGED);
}

static void test_forged_requests(void **state)
{
    (void)state;
    static const char *const deeds[] = {"header",   "host-header", "engine-header", "url",
                                        "url-line", "method",      "verdict"};
    for (size_t i = 0; i < COUNT_OF(deeds); i++)
        try_deed(deeds[i], SCRIPT_KILLED, FORGED);
}

// 10 ms of CPU, 100 ms of wall clock, and what a kill may take; 16 MiB and the event's share.
static void test_forged_accounts_are_clamped(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    struct ask ask;
    size_t at = 0;
    struct span name;
    fixture_write(f, "good.lua", GOOD);
    fixture_use_evil(f, "accounts");
    fixture_start(f, 10);
    ask_once(f, &ask, "good");
    assert_int_equal(ask.visit.result, SCRIPT_DONE);
    assert_in_range(ask.attempt->script_cpu_us, 10000, 2000000);
    assert_in_range(ask.attempt->script_memory_bytes, 16 << 20, 17 << 20);
    const struct account *sum = script_account_next(f->script, &at, &name);
    assert_non_null(sum);
    assert_int_equal(sum->calls, 1); // it has one script, whatever the host says
    assert_int_equal(sum->cpu_us, ask.attempt->script_cpu_us);
    assert_int_equal(sum->memory_bytes, ask.attempt->script_memory_bytes);
    assert_null(script_account_next(f->script, &at, &name));
    ask_free(&ask);
    fixture_free(f);
}

static void test_forbidden_calls(void **state)
{
    (void)state;
    static const char *const deeds[] = {"socket",    "open",      "exec",     "fork",
                                        "kill",      "ptrace",    "map-code", "map-file",
                                        "make-code", "read-other"};
    for (size_t i = 0; i < COUNT_OF(deeds); i++)
        try_deed(deeds[i], SCRIPT_KILLED, FORBIDDEN);
}

static void test_ends_by_itself(void **state)
{
    (void)state;
    try_deed("quit", SCRIPT_KILLED, "ended by itself");
    try_deed("crash", SCRIPT_KILLED, "crashed");
}

// Not the visit's fault; but not for ever.
static void test_unblamed_ends_are_counted(void **state)
{
    (void)state;
    try_deed("memory", SCRIPT_KILLED, "ran out of memory");
    try_deed("nothing", SCRIPT_TIMEOUT, "did not move");
}

static void test_a_host_that_does_not_start(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    struct errmsg message = {""};
    (void)snprintf(f->self, sizeof f->self, "/bin/false");
    assert_int_equal(fixture_try_start(f, 10, &message), ERR_IO);
    assert_non_null(strstr(message.text, "script hosts do not start"));
    (void)snprintf(f->self, sizeof f->self, "/nonexistent");
    assert_int_equal(fixture_try_start(f, 10, &message), ERR_NOT_FOUND);
    fixture_free(f);
}

// ---- killed from outside ----

// CPU time of a process, in ticks, if it is a child of ours.
static long child_ticks(const char *pid)
{
    char path[64];
    char text[512] = "";
    (void)snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -1;
    size_t len = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[len] = '\0';
    // Behind the name: state, parent, nine more, then user and system time.
    const char *rest = strrchr(text, ')');
    char *next = NULL;
    long fields[15] = {0};
    if (rest == NULL || strlen(rest) < 4)
        return -1;
    rest += 3;
    for (size_t i = 1; i < COUNT_OF(fields); i++, rest = next)
        fields[i] = strtol(rest, &next, 10);
    return fields[1] == getpid() ? fields[11] + fields[12] : -1;
}

// The one that has worked most.
static pid_t busiest_child(void)
{
    DIR *folder = opendir("/proc");
    assert_non_null(folder);
    long most = -1;
    pid_t busiest = 0;
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        long ticks = child_ticks(entry->d_name);
        if (ticks <= most)
            continue;
        most = ticks;
        busiest = (pid_t)strtol(entry->d_name, NULL, 10);
    }
    (void)closedir(folder);
    assert_true(busiest > 0);
    return busiest;
}

static void test_killed_with_100_queued(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    struct ask asks[101];
    uint32_t done = 0;
    uint32_t killed = 0;
    fixture_write(f, "slow.lua",
                  "return { api = 1, filter = function()\n"
                  "for _ = 1, 3000000 do end return true end }\n");
    fixture_start(f, 5000);
    struct webhook *webhook = fixture_webhook_with("slow");
    for (size_t i = 0; i < COUNT_OF(asks); i++) {
        ask_submit(f, &asks[i], webhook);
        asks[i].done = &done;
    }
    script_flush(f->script);
    WAIT_FOR(f, done > 5);
    assert_int_equal(kill(busiest_child(), SIGKILL), 0);
    WAIT_FOR(f, done == COUNT_OF(asks));
    for (size_t i = 0; i < COUNT_OF(asks); i++) {
        killed += asks[i].visit.result == SCRIPT_KILLED;
        if (asks[i].visit.result == SCRIPT_KILLED)
            ask_expect_reason(&asks[i], "was killed from outside");
        else
            assert_int_equal(asks[i].visit.result, SCRIPT_DONE);
        ask_free(&asks[i]);
    }
    assert_in_range(killed, 0, 1); // 0: it was between two visits
    assert_int_equal(fixture_stats(f).restarts, 1);
    webhook_unref(webhook);
    fixture_free(f);
}

// Whoever stops an engine in the middle gets every visit back.
static void test_stopped_in_the_middle(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    struct ask asks[20];
    uint32_t done = 0;
    fixture_write(f, "loop.lua", "return { api = 1, filter = function() while true do end end }\n");
    fixture_start(f, 60000);
    struct webhook *webhook = fixture_webhook_with("loop");
    for (size_t i = 0; i < COUNT_OF(asks); i++) {
        ask_submit(f, &asks[i], webhook);
        asks[i].done = &done;
    }
    script_flush(f->script);
    fixture_free(f);
    assert_int_equal(done, COUNT_OF(asks));
    for (size_t i = 0; i < COUNT_OF(asks); i++) {
        assert_int_equal(asks[i].visit.result, SCRIPT_KILLED);
        ask_free(&asks[i]);
    }
    webhook_unref(webhook);
}

// ---- the watchdog's rules ----

#define MS 1000000LL

static enum watch_action look(struct watch *watch, uint64_t turn, int64_t cpu_ms)
{
    struct watch_facts facts = {.turn = turn,
                                .visit = 7,
                                .since_ns = 5 * MS,
                                .cpu_ns = cpu_ms * MS,
                                .cpu_max = 10 * MS,
                                .wall_max = 100 * MS};
    return watchdog_look(watch, &facts);
}

static void test_asks_then_kills(void **state)
{
    (void)state;
    struct watch watch = {0};
    assert_int_equal(look(&watch, 2, 0), WATCH_WAIT);
    assert_int_equal(look(&watch, 2, 9), WATCH_WAIT);
    assert_int_equal(look(&watch, 2, 12), WATCH_STOP);
    assert_int_equal(look(&watch, 2, 17), WATCH_WAIT); // asked once
    assert_int_equal(look(&watch, 2, 22), WATCH_KILL);
}

static void test_a_new_visit_begins_anew(void **state)
{
    (void)state;
    struct watch watch = {0};
    assert_int_equal(look(&watch, 2, 12), WATCH_STOP);
    assert_int_equal(look(&watch, 4, 1), WATCH_WAIT);
    assert_int_equal(look(&watch, 4, 11), WATCH_STOP);
}

// Of the wall clock a stalled host gets its share, and then its time to react.
static void test_stalls_end(void **state)
{
    (void)state;
    struct watch watch = {0};
    int looks = 0;
    while (look(&watch, 2, 3) == WATCH_WAIT)
        looks++;
    assert_int_equal(looks, 20); // 100 ms in ticks of 5
    looks = 0;
    while (look(&watch, 2, 3) == WATCH_WAIT)
        looks++;
    assert_int_equal(looks, 199);
    assert_false(watchdog_is_blamed(3 * MS, 10 * MS));
    assert_true(watchdog_is_blamed(10 * MS, 10 * MS));
    assert_true(watchdog_is_blamed(-1, 10 * MS));
}

// The engine itself was stopped for an hour.
static void test_late_ticks_count_little(void **state)
{
    (void)state;
    struct watch watch = {.turn = 2, .visit = 7};
    struct watch_facts facts = {.turn = 2,
                                .visit = 7,
                                .since_ns = 3600 * 1000 * MS,
                                .cpu_ns = 1 * MS,
                                .cpu_max = 10 * MS,
                                .wall_max = 100 * MS};
    assert_int_equal(watchdog_look(&watch, &facts), WATCH_WAIT);
}

int main(int argc, char **argv)
{
    int status = 0;
    if (fixture_was_host(argc, argv, &status))
        return status;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_asks_then_kills),
        cmocka_unit_test(test_a_new_visit_begins_anew),
        cmocka_unit_test(test_stalls_end),
        cmocka_unit_test(test_late_ticks_count_little),
        cmocka_unit_test(test_a_host_that_does_not_start),
        cmocka_unit_test(test_forged_frames),
        cmocka_unit_test(test_forged_requests),
        cmocka_unit_test(test_forged_accounts_are_clamped),
        cmocka_unit_test(test_forbidden_calls),
        cmocka_unit_test(test_ends_by_itself),
        cmocka_unit_test(test_unblamed_ends_are_counted),
        cmocka_unit_test(test_killed_with_100_queued),
        cmocka_unit_test(test_stopped_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
