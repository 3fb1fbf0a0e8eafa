// SPDX-License-Identifier: MIT
// Starting, feeding and stopping a sender for tests; the test's thread.
#include "support/send_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void on_done(void *context, struct list *attempts)
{
    struct world *w = context;
    struct list_node *node = NULL;
    while ((node = list_pop(attempts)) != NULL) {
        assert_true(w->ended_count < WORLD_MANY);
        w->ended[w->ended_count++] = CONTAINER_OF(node, struct attempt, node);
    }
}

static void on_stopped(void *context)
{
    ((struct world *)context)->is_stopped = true;
}

void world_start(struct world *w, const struct hostile_reply *replies,
                 const struct world_config *config)
{
    static const struct hostile_reply none[] = {{NULL, NULL, HOSTILE_KEEP}};
    struct errmsg message = {""};
    struct span entry = span_of(config->allow);
    *w = (struct world){.is_stopped = false};
    assert_int_equal(uv_loop_init(&w->loop), 0);
    w->server = hostile_start(replies != NULL ? replies : none);
    assert_int_equal(guard_new(&w->guard, &entry, config->allow != NULL, &message), OK);
    snprintf(w->proxy, sizeof w->proxy, "http://127.0.0.1:%u", hostile_port(w->server));
    struct sender_config sender_config = {
        .threads = config->threads,
        .multis_per_thread = config->multis,
        .guard = w->guard,
        .ca_file = config->ca_file,
        .source_address = config->source_address,
        .proxy = config->is_proxy ? w->proxy : NULL,
    };
    assert_int_equal(sender_start(&w->sender, &w->loop, &sender_config, on_done, w, &message), OK);
}

void world_stop_sender(struct world *w, int64_t grace_ms)
{
    sender_stop(w->sender, grace_ms, on_stopped, w);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_true(w->is_stopped);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    assert_true(hostile_is_quiet(w->server)); // no connection was forgotten
}

void world_free(struct world *w)
{
    for (unsigned i = 0; i < w->ended_count; i++)
        attempt_free(w->ended[i]);
    w->ended_count = 0;
    guard_free(w->guard);
    hostile_stop(w->server);
}

void world_stop(struct world *w)
{
    struct sender_stats stats;
    sender_stats(w->sender, &stats);
    assert_int_equal(stats.under_way, 0);
    world_stop_sender(w, 0);
    world_free(w);
}

struct attempt *world_make(const char *url, uint32_t timeout_ms)
{
    struct attempt *a = attempt_new(1, 1 << 16);
    a->method = SPAN("POST");
    a->url = arena_copy(&a->arena, span_of(url));
    a->body = SPAN("{\"a\":1}");
    a->headers = arena_zalloc(&a->arena, 3 * sizeof *a->headers);
    a->headers[0] = (struct header){SPAN("Content-Type"), SPAN("application/json")};
    a->headers[1] = (struct header){SPAN("X-Empty"), SPAN("")};
    a->headers[2] = (struct header){SPAN("User-Agent"), SPAN("grapnel/test")};
    a->header_count = 3;
    a->timeout_ms = timeout_ms;
    return a;
}

void world_send(struct world *w, struct attempt *a)
{
    sender_send(w->sender, &a);
    assert_null(a);
    sender_flush(w->sender);
}

struct attempt *world_wait(struct world *w, unsigned count)
{
    while (w->ended_count < count)
        uv_run(&w->loop, UV_RUN_ONCE);
    return w->ended[count - 1];
}

struct attempt *world_post_to(struct world *w, const char *url, uint32_t timeout_ms)
{
    world_send(w, world_make(url, timeout_ms));
    return world_wait(w, w->ended_count + 1);
}

struct attempt *world_post(struct world *w, const char *path, uint32_t timeout_ms)
{
    char url[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", hostile_port(w->server), path);
    return world_post_to(w, url, timeout_ms);
}

void assert_outcome(const struct attempt *a, enum outcome outcome)
{
    if (a->outcome != outcome)
        fail_msg("outcome %s (%.*s), expected %s", outcome_name(a->outcome), SPAN_ARGS(a->reason),
                 outcome_name(outcome));
}

void assert_reason(const struct attempt *a, const char *part)
{
    if (memmem(a->reason.at, a->reason.len, part, strlen(part)) == NULL)
        fail_msg("reason \"%.*s\" does not hold \"%s\"", SPAN_ARGS(a->reason), part);
}

void assert_span(struct span s, const char *text)
{
    if (!span_is(s, text))
        fail_msg("\"%.*s\" is not \"%s\"", SPAN_ARGS(s), text);
}
