// SPDX-License-Identifier: MIT
// /metrics: Prometheus text from what the rooms count (metrics.def); main only.
#include <inttypes.h>
#include <string.h>

#include "admin/api.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/usage.h"
#include "dispatch/figures.h"

// All that one scrape reads.
struct scrape {
    const struct admin *admin;
    struct buf *out;
    const char *name; // of the metric being written
    struct dispatch_stats dispatch;
    struct store_stats store;
    struct script_stats script;
    struct sender_stats sender;
    struct ingest_stats ingest;
    struct usage usage;
};

static void put(struct scrape *s, uint64_t value)
{
    (void)buf_append_format(s->out, "grapnel_%s %" PRIu64 "\n", s->name, value);
}

static void put_label(struct scrape *s, const char *label, const char *of, uint64_t value)
{
    (void)buf_append_format(s->out, "grapnel_%s{%s=\"%s\"} %" PRIu64 "\n", s->name, label, of,
                            value);
}

struct histogram {
    const uint64_t *buckets; // powers of two from `first`; the last: all above
    size_t count;
    double first; // upper bound of the first bucket
    uint64_t samples;
    double sum;
    const char *label; // "phase=\"dns\"," or ""
};

static void put_histogram(struct scrape *s, const struct histogram *h)
{
    uint64_t below = 0;
    double bound = h->first;
    for (size_t i = 0; i + 1 < h->count; i++) {
        below += h->buckets[i];
        (void)buf_append_format(s->out, "grapnel_%s_bucket{%sle=\"%g\"} %" PRIu64 "\n", s->name,
                                h->label, bound, below);
        bound *= 2;
    }
    int len = (int)strlen(h->label);
    const char *open = len > 0 ? "{" : "";
    const char *close = len > 0 ? "}" : "";
    len -= len > 0; // its comma
    (void)buf_append_format(s->out, "grapnel_%s_bucket{%sle=\"+Inf\"} %" PRIu64 "\n", s->name,
                            h->label, h->samples);
    (void)buf_append_format(s->out, "grapnel_%s_sum%s%.*s%s %g\n", s->name, open, len, h->label,
                            close, h->sum);
    (void)buf_append_format(s->out, "grapnel_%s_count%s%.*s%s %" PRIu64 "\n", s->name, open, len,
                            h->label, close, h->samples);
}

static void metric_EVENTS_ACCEPTED(struct scrape *s)
{
    put(s, s->dispatch.events);
}

static void metric_EVENTS_REJECTED(struct scrape *s)
{
    for (int code = WIRE_OK + 1; code < WIRE_CODE_COUNT; code++)
        put_label(s, "code", wire_code_name((enum wire_code)code), s->ingest.rejected[code]);
}

static void metric_DELIVERIES(struct scrape *s)
{
    for (int i = 1; i < OUTCOME_COUNT; i++)
        put_label(s, "outcome", outcome_name((enum outcome)i), s->dispatch.deliveries[i]);
}

static void metric_ATTEMPTS(struct scrape *s)
{
    for (int i = 1; i < OUTCOME_COUNT; i++)
        put_label(s, "outcome", outcome_name((enum outcome)i), s->dispatch.attempts[i]);
}

static void metric_DELIVERY_LATENCY(struct scrape *s)
{
    struct histogram h = {
        s->dispatch.latency_buckets, COUNT_OF(s->dispatch.latency_buckets),    256e-6,
        s->dispatch.latency_count,   (double)s->dispatch.latency_sum_us / 1e6, ""};
    put_histogram(s, &h);
}

static void metric_ATTEMPT_DURATION(struct scrape *s)
{
    static const char *const labels[] = {"phase=\"dns\",", "phase=\"connect\",", "phase=\"tls\",",
                                         "phase=\"first_byte\",", "phase=\"total\","};
    for (size_t i = 0; i < COUNT_OF(labels); i++) {
        struct histogram h = {
            s->dispatch.phase_buckets[i], COUNT_OF(s->dispatch.phase_buckets[i]),    256e-6,
            s->dispatch.phase_count[i],   (double)s->dispatch.phase_sum_us[i] / 1e6, labels[i]};
        put_histogram(s, &h);
    }
}

static void metric_PENDING(struct scrape *s)
{
    for (int i = DELIVERY_PENDING; i <= DELIVERY_RUNNING; i++)
        put_label(s, "state", delivery_state_name((enum delivery_state)i), s->dispatch.states[i]);
}

static void metric_OVERDUE(struct scrape *s)
{
    (void)buf_append_format(s->out, "grapnel_%s %.3f\n", s->name,
                            (double)s->dispatch.overdue_ms / 1e3);
}

static void metric_CLOCK_GAP(struct scrape *s)
{
    (void)buf_append_format(s->out, "grapnel_%s %.3f\n", s->name, (double)clock_gap_ms() / 1e3);
}

static void metric_UNSETTLED(struct scrape *s)
{
    put(s, s->dispatch.unsettled);
}

static void metric_MEMORY_DELIVERIES(struct scrape *s)
{
    put(s, s->dispatch.memory_deliveries);
}

static void metric_MEMORY_BYTES(struct scrape *s)
{
    put(s, s->dispatch.memory_bytes);
}

static void metric_WAL_BYTES(struct scrape *s)
{
    put(s, s->store.gauges.wal_bytes);
}

static void metric_LOW_WATER_LAG(struct scrape *s)
{
    put(s, s->store.gauges.low_water_lag);
}

static void metric_STORE_COMMIT(struct scrape *s)
{
    struct histogram h = {s->store.commit_us_buckets, COUNT_OF(s->store.commit_us_buckets), 128e-6,
                          s->store.commits,           (double)s->store.commit_us_sum / 1e6, ""};
    put_histogram(s, &h);
}

static void metric_STORE_BATCH(struct scrape *s)
{
    struct histogram h = {s->store.batch_buckets, COUNT_OF(s->store.batch_buckets), 1,
                          s->store.commits,       (double)s->store.batch_items,     ""};
    put_histogram(s, &h);
}

static void metric_STORE_ERRORS(struct scrape *s)
{
    put(s, s->store.errors);
}

// Series only for names that come with the engine or its scripts_dir, whose number is bounded, and
// one for all others; the sums of the room are kept so.
static void metric_SCRIPT_CALLS(struct scrape *s)
{
    size_t at = 0;
    struct span name;
    const struct account *sum;
    while ((sum = script_account_next(s->admin->env.script, &at, &name)) != NULL)
        (void)buf_append_format(s->out, "grapnel_%s{script=\"%.*s\"} %" PRIu64 "\n", s->name,
                                SPAN_ARGS(name), sum->calls);
}

static void metric_SCRIPT_CPU(struct scrape *s)
{
    size_t at = 0;
    struct span name;
    const struct account *sum;
    while ((sum = script_account_next(s->admin->env.script, &at, &name)) != NULL)
        (void)buf_append_format(s->out, "grapnel_%s{script=\"%.*s\"} %.6f\n", s->name,
                                SPAN_ARGS(name), (double)sum->cpu_us / 1e6);
}

static void metric_SCRIPT_MEMORY(struct scrape *s)
{
    size_t at = 0;
    struct span name;
    const struct account *sum;
    while ((sum = script_account_next(s->admin->env.script, &at, &name)) != NULL)
        (void)buf_append_format(s->out, "grapnel_%s{script=\"%.*s\"} %" PRIu64 "\n", s->name,
                                SPAN_ARGS(name), sum->memory_bytes);
}

static void metric_SCRIPT_FAILURES(struct scrape *s)
{
    size_t at = 0;
    struct span name;
    const struct account *sum;
    while ((sum = script_account_next(s->admin->env.script, &at, &name)) != NULL) {
        for (int i = 0; i < ACCOUNT_FAILURES; i++)
            (void)buf_append_format(
                s->out, "grapnel_%s{script=\"%.*s\",kind=\"%s\"} %" PRIu64 "\n", s->name,
                SPAN_ARGS(name), account_failure_name((enum account_failure)i), sum->failures[i]);
    }
}

static void metric_SCRIPT_KILLS(struct scrape *s)
{
    put(s, s->script.kills);
}

static void metric_QUARANTINED(struct scrape *s)
{
    put(s, s->dispatch.quarantined);
}

static void metric_QUARANTINES(struct scrape *s)
{
    put(s, s->dispatch.quarantines);
}

static void metric_SPILLED(struct scrape *s)
{
    put(s, s->dispatch.spilled);
}

static void metric_WEBHOOKS_DISABLED(struct scrape *s)
{
    put(s, s->dispatch.webhooks_disabled);
}

static void metric_WEBHOOKS_DISABLING(struct scrape *s)
{
    put(s, s->dispatch.disabling);
}

static void metric_BREAKER_OPEN(struct scrape *s)
{
    put(s, s->dispatch.breakers_open);
}

static void metric_BREAKER_OPENINGS(struct scrape *s)
{
    put(s, s->dispatch.breaker_openings);
}

static void metric_BLOCKED(struct scrape *s)
{
    put(s, s->sender.blocked);
}

static void metric_CONNECTIONS(struct scrape *s)
{
    put(s, s->ingest.connections);
}

static void metric_LOG_DROPPED(struct scrape *s)
{
    put(s, log_dropped());
}

static void metric_BUILD_INFO(struct scrape *s)
{
    put_label(s, "version", GRAPNEL_VERSION, 1);
}

static void metric_PROCESS_CPU(struct scrape *s)
{
    (void)buf_append_format(s->out, "grapnel_%s %.6f\n", s->name, s->usage.cpu_seconds);
}

static void metric_PROCESS_MEMORY(struct scrape *s)
{
    put(s, s->usage.resident_bytes);
}

static void metric_PROCESS_FILES(struct scrape *s)
{
    put(s, s->usage.open_files);
}

static void metric_PROCESS_MOST_FILES(struct scrape *s)
{
    put(s, s->usage.most_files);
}

static const struct {
    const char *name, *type, *help;
    void (*write)(struct scrape *s);
} table[] = {
#define X(id, name, type, help) {name, type, help, metric_##id},
#include "admin/metrics.def"
#undef X
};

void api_metrics(struct api_call *call)
{
    const struct admin_env *env = &call->admin->env;
    struct scrape s = {.admin = call->admin, .out = &call->request->answer};
    dispatch_stats(env->dispatch, &s.dispatch);
    store_stats(env->store, &s.store);
    script_stats(env->script, &s.script);
    sender_stats(env->sender, &s.sender);
    ingest_stats(env->ingest, &s.ingest);
    usage_read(&s.usage);
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        s.name = table[i].name;
        (void)buf_append_format(s.out, "# HELP grapnel_%s %s\n# TYPE grapnel_%s %s\n", s.name,
                                table[i].help, s.name, table[i].type);
        table[i].write(&s);
    }
    api_send_text(call, 200, "text/plain; version=0.0.4; charset=utf-8");
}
