// SPDX-License-Identifier: MIT
// A running `script` for tests: started, waited for, stopped, with nothing left behind.
#include "support/script_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "sandbox/child.h"
#include "support/evil_host.h"

#define DEADLINE_S 60 // of a wait; reached only when a test fails
#define PULSE_MS   20

bool fixture_was_host(int argc, char **argv, int *status)
{
    if (argc < 2 || strcmp(argv[1], CHILD_MARKER) != 0)
        return false;
    const char *deed = evil_host_deed();
    *status = deed != NULL ? evil_host_main(deed) : child_main(argc, argv);
    return true;
}

// ---- waiting ----

// uv_run blocks after a timer has changed the condition, so that another has to wake it.
static void on_pulse(uv_timer_t *timer)
{
    struct fixture *f = CONTAINER_OF(timer, struct fixture, pulse);
    if (clock_mono_ns() > f->deadline_ns)
        fail_msg("waited %d s for a condition", DEADLINE_S);
}

void fixture_begin_wait(struct fixture *f)
{
    f->deadline_ns = clock_mono_ns() + (int64_t)DEADLINE_S * 1000000000;
    assert_int_equal(uv_timer_start(&f->pulse, on_pulse, PULSE_MS, PULSE_MS), 0);
}

void fixture_turn(struct fixture *f)
{
    (void)uv_run(&f->loop, UV_RUN_ONCE);
}

void fixture_end_wait(struct fixture *f)
{
    assert_int_equal(uv_timer_stop(&f->pulse), 0);
}

// ---- life ----

static void run_shell(const char *verb, const char *first, const char *second)
{
    char command[4400];
    (void)snprintf(command, sizeof command, "%s '%s' '%s'", verb, first, second);
    // NOLINTNEXTLINE(cert-env33-c,concurrency-mt-unsafe): paths of the test's own
    assert_int_equal(system(command), 0);
}

struct fixture *fixture_new(void)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    (void)snprintf(f->folder, sizeof f->folder, "/tmp/test_script.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->self, sizeof f->self, "/proc/self/exe");
    assert_int_equal(uv_loop_init(&f->loop), 0);
    assert_int_equal(uv_timer_init(&f->loop, &f->pulse), 0);
    return f;
}

void fixture_write(struct fixture *f, const char *name, const char *source)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", f->folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(source, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

void fixture_remove(struct fixture *f, const char *name)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", f->folder, name);
    assert_int_equal(unlink(path), 0);
}

void fixture_use_evil(struct fixture *f, const char *deed)
{
    (void)snprintf(f->self, sizeof f->self, "%s/evil-%s", f->folder, deed);
    char own[4096];
    ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);
    assert_true(len > 0);
    own[len] = '\0';
    run_shell("cp", own, f->self);
}

enum err fixture_try_start(struct fixture *f, uint32_t cpu_ms, struct errmsg *message)
{
    struct script_config config = {.hosts = 2,
                                   .scripts_dir = f->folder,
                                   .cpu_ms = cpu_ms,
                                   .wall_ms = 10 * cpu_ms,
                                   .memory_bytes = 16 << 20,
                                   .self = f->self};
    enum err err = script_start(&f->script, &f->loop, &config, message);
    return err == OK ? script_load(f->script, false, message) : err;
}

void fixture_start(struct fixture *f, uint32_t cpu_ms)
{
    struct errmsg message = {""};
    enum err err = fixture_try_start(f, cpu_ms, &message);
    if (err != OK)
        fail_msg("script_start: %s: %s", err_name(err), message.text);
}

static void on_stopped(void *context)
{
    *(bool *)context = true;
}

void fixture_free(struct fixture *f)
{
    if (f->script != NULL) {
        script_stop(f->script, on_stopped, &f->is_stopped);
        WAIT_FOR(f, f->is_stopped);
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    uv_close((uv_handle_t *)&f->pulse, NULL);
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    run_shell("rm -rf --", f->folder, "/tmp/test_script.none");
    xfree(f);
}

struct script_stats fixture_stats(struct fixture *f)
{
    struct script_stats stats;
    script_stats(f->script, &stats);
    return stats;
}

// ---- visits ----

struct webhook *fixture_webhook(const char *tenant, const char *scripts)
{
    static uint32_t next_number = 1;
    char json[1024];
    struct problems problems;
    struct webhook *webhook = NULL;
    struct webhook_rules rules = {.is_stored = false};
    (void)snprintf(json, sizeof json,
                   "{\"target\":\"https://example.com/in\",\"events\":[\"*\"],\"tenant\":\"%s\","
                   "\"scripts\":[%s],\"secrets\":[\"It is a secret to everybody\"],"
                   "\"extra_payload\":{\"x\":1}}",
                   tenant, scripts);
    problems_init(&problems);
    if (webhook_parse(&webhook, span_of(json), &rules, &problems) != OK)
        fail_msg("%.*s: %.*s", SPAN_ARGS(problems.list[0].field),
                 SPAN_ARGS(problems.list[0].message));
    problems_deinit(&problems);
    webhook->number = next_number++;
    webhook->revision = 1;
    return webhook;
}

struct webhook *fixture_webhook_with(const char *script_name)
{
    char script[128];
    (void)snprintf(script, sizeof script, "{\"name\":\"%s\"}", script_name);
    return fixture_webhook("default", script);
}

static void on_done(struct script_visit *visit)
{
    struct ask *ask = visit->context;
    assert_false(ask->is_done);
    ask->is_done = true;
    if (ask->done != NULL)
        ++*ask->done;
}

void ask_init(struct ask *ask, struct webhook *webhook)
{
    struct event_source source = {.form = EVENT_DATA,
                                  .tenant = webhook->tenant,
                                  .name = SPAN("request.added"),
                                  .payload = SPAN("{\"a\":1e14}")};
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

void ask_submit(struct fixture *f, struct ask *ask, struct webhook *webhook)
{
    ask_init(ask, webhook);
    script_visit(f->script, &ask->visit);
}

void ask_free(struct ask *ask)
{
    attempt_free(ask->attempt);
    event_unref(ask->event);
    webhook_unref(ask->webhook);
}

void ask_once(struct fixture *f, struct ask *ask, const char *script_name)
{
    struct webhook *webhook = fixture_webhook_with(script_name);
    ask_submit(f, ask, webhook);
    script_flush(f->script);
    WAIT_FOR(f, ask->is_done);
    webhook_unref(webhook);
}

void ask_expect_reason(const struct ask *ask, const char *part)
{
    char text[1200];
    (void)snprintf(text, sizeof text, "%.*s", SPAN_ARGS(ask->attempt->reason));
    if (strstr(text, part) == NULL)
        fail_msg("the reason \"%s\" does not say \"%s\"", text, part);
}

void ask_expect(struct fixture *f, const char *script_name, enum script_result result,
                const char *reason)
{
    struct ask ask;
    ask_once(f, &ask, script_name);
    if (ask.visit.result != result)
        fail_msg("%s: result %d, not %d: %.*s", script_name, (int)ask.visit.result, (int)result,
                 SPAN_ARGS(ask.attempt->reason));
    ask_expect_reason(&ask, reason);
    ask_free(&ask);
}
