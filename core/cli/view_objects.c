// SPDX-License-Identifier: MIT
// How webhooks, deliveries and attempts look to people; the main thread.
#include <inttypes.h>
#include <stdio.h>

#include "cli/view.h"

#define SHORT_VERSION 8 // hex digits
#define DOT           " \xc2\xb7 "

// ---- webhooks ----------------------------------------------------------------------------------

// "{}" is nothing worth a line.
static struct span raw_object(const struct view *view, uint32_t object, const char *name)
{
    uint32_t node = view_member(view, object, name);
    if (node == JSON_NONE || view->doc->nodes[node].count == 0)
        return (struct span){0};
    return json_raw(view->doc, node);
}

static void put_scripts(struct view *view, uint32_t webhook)
{
    uint32_t scripts = view_member(view, webhook, "scripts");
    uint32_t script = JSON_NONE;
    if (scripts == JSON_NONE || json_type(view->doc, scripts) != JSON_ARRAY)
        return;
    for (uint32_t at = scripts + 1; json_next_element(view->doc, scripts, &at, &script);) {
        struct span options = raw_object(view, script, "options");
        struct span pin = view_member(view, script, "version") != JSON_NONE
                              ? view_text(view, script, "version")
                              : SPAN("");
        const char *line = arena_format(
            &view->arena, "%.*s%s%.*s%s%.*s", SPAN_ARGS(view_text(view, script, "name")),
            pin.len > 0 ? "@" : "", SPAN_ARGS(pin), options.len > 0 ? " " : "", SPAN_ARGS(options));
        view_put_field(view, "script", span_of(line));
    }
}

// "12 calls · 1.2 ms of CPU · 41 KiB · 3 errors": what each script used, and why they are held.
static void put_script_use(struct view *view, uint32_t webhook)
{
    uint32_t list = view_member(view, webhook, "script_use");
    uint32_t row = JSON_NONE;
    if (list == JSON_NONE || json_type(view->doc, list) != JSON_ARRAY)
        return;
    for (uint32_t at = list + 1; json_next_element(view->doc, list, &at, &row);) {
        if (view_int(view, row, "calls") == 0)
            continue;
        struct span version = view_text(view, row, "version");
        version.len = version.len > SHORT_VERSION ? SHORT_VERSION : version.len;
        const char *line = arena_format(&view->arena,
                                        "%.*s@%.*s" DOT "%.*s calls" DOT "%.1f ms of CPU" DOT
                                        "%" PRId64 " KiB" DOT "%.*s failures, %.*s kills",
                                        SPAN_ARGS(view_text(view, row, "name")), SPAN_ARGS(version),
                                        SPAN_ARGS(view_count(view, view_int(view, row, "calls"))),
                                        (double)view_int(view, row, "cpu_us") / 1000,
                                        view_int(view, row, "memory_peak_bytes") / 1024,
                                        SPAN_ARGS(view_count(view, view_int(view, row, "errors"))),
                                        SPAN_ARGS(view_count(view, view_int(view, row, "kills"))));
        view_put_field(view, "used", span_of(line));
    }
}

static void put_quarantine(struct view *view, uint32_t webhook)
{
    uint32_t quarantine = view_member(view, webhook, "quarantine");
    if (quarantine == JSON_NONE)
        return;
    const char *line =
        arena_format(&view->arena, "%.*s failures in a row with %.*s, %.*s",
                     SPAN_ARGS(view_text(view, quarantine, "failures")),
                     SPAN_ARGS(view_text(view, quarantine, "scripts")),
                     SPAN_ARGS(view_ago(view, view_text(view, quarantine, "since"))));
    view_put_field(view, "quarantine", span_of(line));
    line =
        arena_format(&view->arena, "%.*s: %.*s", SPAN_ARGS(view_text(view, quarantine, "outcome")),
                     SPAN_ARGS(view_text(view, quarantine, "reason")));
    view_put_field(view, "last failure", span_of(line));
    view_put_field(view, "goes on",
                   SPAN("with another version of the script, or by: grapnel "
                        "scripts release NAME"));
}

static void put_failing(struct view *view, uint32_t webhook)
{
    uint32_t failing = view_member(view, webhook, "failing");
    if (failing == JSON_NONE || json_type(view->doc, failing) != JSON_OBJECT)
        return;
    struct span from = view_text(view, failing, "disabled_from");
    const char *line =
        arena_format(&view->arena, "%.*s times on %.*s days, first %.*s%s%.*s",
                     SPAN_ARGS(view_text(view, failing, "failures")),
                     SPAN_ARGS(view_text(view, failing, "days")),
                     SPAN_ARGS(view_ago(view, view_text(view, failing, "since"))),
                     from.len > 0 ? "; will be disabled from " : "", SPAN_ARGS(from));
    view_put_field(view, "failing", span_of(line));
}

static void put_headers(struct view *view, uint32_t webhook)
{
    uint32_t headers = view_member(view, webhook, "extra_headers");
    uint32_t name = JSON_NONE;
    uint32_t value = JSON_NONE;
    if (headers == JSON_NONE || json_type(view->doc, headers) != JSON_OBJECT)
        return;
    for (uint32_t at = headers + 1; json_next_member(view->doc, headers, &at, &name, &value);) {
        const char *line =
            arena_format(&view->arena, "%.*s: %.*s", SPAN_ARGS(view_node_text(view, name)),
                         SPAN_ARGS(view_node_text(view, value)));
        view_put_field(view, "extra header", span_of(line));
    }
}

static void put_traffic(struct view *view, uint32_t webhook)
{
    uint32_t traffic = view_member(view, webhook, "traffic");
    if (traffic == JSON_NONE)
        return;
    const char *line = arena_format(
        &view->arena,
        "%.*s delivered" DOT "%.*s failed attempts" DOT "%.*s filtered" DOT "%.*s dead (since the "
        "engine's start)",
        SPAN_ARGS(view_count(view, view_int(view, traffic, "delivered"))),
        SPAN_ARGS(view_count(view, view_int(view, traffic, "failed_attempts"))),
        SPAN_ARGS(view_count(view, view_int(view, traffic, "filtered"))),
        SPAN_ARGS(view_count(view, view_int(view, traffic, "dead"))));
    view_put_field(view, "traffic", span_of(line));
    if (view_int(view, traffic, "waiting") > 0)
        view_put_field(view, "waiting", view_count(view, view_int(view, traffic, "waiting")));
    struct span last = view_text(view, traffic, "last_attempt_at");
    if (last.len == 0)
        return;
    line = arena_format(&view->arena, "%.*s, %.*s",
                        SPAN_ARGS(view_text(view, traffic, "last_outcome")),
                        SPAN_ARGS(view_ago(view, last)));
    view_put_field(view, "last attempt", span_of(line));
}

static void put_retry(struct view *view, uint32_t webhook)
{
    uint32_t retry = view_member(view, webhook, "retry");
    if (retry == JSON_NONE || json_type(view->doc, retry) != JSON_ARRAY)
        return;
    struct span waits = view_joined(view, retry, " s, ");
    const char *line =
        waits.len > 0 ? arena_format(&view->arena, "after %.*s s", SPAN_ARGS(waits)) : "never";
    view_put_field(view, "retry", span_of(line));
}

static void put_rate(struct view *view, uint32_t webhook)
{
    uint32_t rate = view_member(view, webhook, "rate_limit");
    if (rate == JSON_NONE || json_type(view->doc, rate) != JSON_OBJECT)
        return;
    struct span burst = view_text(view, rate, "burst");
    const char *line =
        arena_format(&view->arena, "%.*s requests a second%s%.*s%s",
                     SPAN_ARGS(view_text(view, rate, "per_second")), burst.len > 0 ? ", " : "",
                     SPAN_ARGS(burst), burst.len > 0 ? " at once after a pause" : "");
    view_put_field(view, "rate limit", span_of(line));
}

static void put_limits(struct view *view, uint32_t webhook)
{
    const char *line = arena_format(&view->arena, "%.*s in flight" DOT "%.*s ms an attempt",
                                    SPAN_ARGS(view_text(view, webhook, "max_in_flight")),
                                    SPAN_ARGS(view_text(view, webhook, "timeout_ms")));
    view_put_field(view, "limits", span_of(line));
    put_rate(view, webhook);
    put_retry(view, webhook);
}

static void put_breaker(struct view *view, uint32_t webhook)
{
    uint32_t breaker = view_member(view, webhook, "breaker");
    if (breaker == JSON_NONE || json_type(view->doc, breaker) != JSON_OBJECT)
        return;
    const char *line = arena_format(&view->arena, "open after %.*s failures in a row, since %.*s",
                                    SPAN_ARGS(view_text(view, breaker, "failures")),
                                    SPAN_ARGS(view_text(view, breaker, "since")));
    view_put_field(view, "circuit breaker", span_of(line));
}

struct span view_holds(struct view *view, uint32_t webhook, struct span except)
{
    uint32_t holds = view_member(view, webhook, "holds");
    uint32_t hold = JSON_NONE;
    const char *line = "";
    if (holds == JSON_NONE || json_type(view->doc, holds) != JSON_ARRAY)
        return (struct span){0};
    for (uint32_t at = holds + 1; json_next_element(view->doc, holds, &at, &hold);) {
        struct span reason = view_text(view, hold, "reason");
        struct span until = view_ago(view, view_text(view, hold, "until"));
        if (!span_eq(reason, except))
            line = arena_format(&view->arena, "%s%s%.*s%s%.*s", line, line[0] != 0 ? DOT : "",
                                SPAN_ARGS(reason), until.len > 0 ? ", goes on " : "",
                                SPAN_ARGS(until));
    }
    return span_of(line);
}

void view_webhook(struct view *view, uint32_t webhook)
{
    struct span state = view_text(view, webhook, "state");
    struct span name = view_text(view, webhook, "name");
    view_put_styled(view, TERM_BOLD, view_text(view, webhook, "uuid"));
    view_format(view, "  ");
    view_put_styled(view, view_style(state), state);
    view_format(view, name.len > 0 ? "  " : "");
    view_put(view, name);
    view_format(view, "\n");
    view_put_field(view, "target", view_text(view, webhook, "target"));
    view_put_field(view, "events", view_joined(view, view_member(view, webhook, "events"), ", "));
    view_put_field(view, "tenant", view_text(view, webhook, "tenant"));
    view_put_field(view, "disabled", view_text(view, webhook, "disabled_reason"));
    view_put_field(view, "held", view_holds(view, webhook, SPAN("")));
    put_breaker(view, webhook);
    put_quarantine(view, webhook);
    put_failing(view, webhook);
    put_scripts(view, webhook);
    put_script_use(view, webhook);
    view_put_field(view, "extra payload", raw_object(view, webhook, "extra_payload"));
    if (span_is(view_text(view, webhook, "extra_payload_into"), "data"))
        view_put_field(view, "merged into", SPAN("data"));
    put_headers(view, webhook);
    view_put_field(view, "metadata", raw_object(view, webhook, "metadata"));
    put_limits(view, webhook);
    put_traffic(view, webhook);
    view_put_field(view, "revision", view_text(view, webhook, "revision"));
}

// ---- attempts ----------------------------------------------------------------------------------

// "connect 3 ms · " unless it took no time.
static void put_phase(struct view *view, uint32_t phases, const char *member, const char *name)
{
    int64_t us = view_int(view, phases, member);
    if (us >= 50 && us < 10000)
        view_format(view, "%s %.1f ms" DOT, name, (double)us / 1000);
    else if (us >= 50)
        view_format(view, "%s %" PRId64 " ms" DOT, name, us / 1000);
}

void view_attempt_line(struct view *view, uint32_t attempt)
{
    uint32_t phases = view_member(view, attempt, "phases_us");
    struct span outcome = view_text(view, attempt, "outcome");
    struct span status = view_text(view, attempt, "status");
    struct span reason = view_text(view, attempt, "reason");
    view_format(view, "%4" PRId64 "  ", view_int(view, attempt, "number"));
    view_put(view, view_text(view, attempt, "started_at"));
    view_format(view, "   ");
    put_phase(view, view_member(view, attempt, "scripts"), "cpu_us", "render");
    put_phase(view, phases, "dns", "dns");
    put_phase(view, phases, "connect", "connect");
    put_phase(view, phases, "tls", "tls");
    put_phase(view, phases, "first_byte", "first byte");
    put_phase(view, phases, "total", "total");
    view_put_styled(view, span_is(outcome, "delivered") ? TERM_GOOD : TERM_BAD, outcome);
    if (status.len > 0)
        view_format(view, " (%.*s)", SPAN_ARGS(status));
    if (reason.len > 0) {
        view_format(view, " \"");
        view_put(view, reason);
        view_format(view, "\"");
    }
    view_format(view, "\n");
}

static void put_message(struct view *view, uint32_t message)
{
    uint32_t headers = view_member(view, message, "headers");
    uint32_t name = JSON_NONE;
    uint32_t value = JSON_NONE;
    struct span body = view_text(view, message, "body");
    for (uint32_t at = headers == JSON_NONE ? 0 : headers + 1;
         headers != JSON_NONE && json_next_member(view->doc, headers, &at, &name, &value);) {
        view_format(view, "  ");
        view_put(view, view_node_text(view, name));
        view_format(view, ": ");
        view_put(view, view_node_text(view, value));
        view_format(view, "\n");
    }
    if (body.len > 0) {
        view_format(view, "\n");
        term_append_safe(&view->out, body, true);
        view_format(view, "\n");
    }
}

void view_attempt(struct view *view, uint32_t attempt)
{
    uint32_t request = view_member(view, attempt, "request");
    uint32_t response = view_member(view, attempt, "response");
    uint32_t scripts = view_member(view, attempt, "scripts");
    struct span method = view_text(view, request, "method");
    view_attempt_line(view, attempt);
    if (scripts != JSON_NONE) {
        view_put_field(view, "scripts", view_text(view, scripts, "versions"));
        view_put_field(view, "script log", view_text(view, scripts, "logs"));
        view_put_field(view, "response error", view_text(view, scripts, "response_error"));
    }
    if (method.len > 0) {
        view_format(view, "\n");
        view_put_styled(view, TERM_BOLD, method);
        view_format(view, " ");
        view_put_styled(view, TERM_BOLD, view_text(view, request, "url"));
        view_format(view, "\n");
        put_message(view, request);
    }
    if (response != JSON_NONE) {
        view_format(view, "\n");
        view_put_styled(view, TERM_BOLD, SPAN("answer "));
        view_put_styled(view, TERM_BOLD, view_text(view, response, "status"));
        view_format(view, "\n");
        put_message(view, response);
    }
}

// ---- deliveries --------------------------------------------------------------------------------

void view_delivery(struct view *view, uint32_t delivery)
{
    struct span state = view_text(view, delivery, "state");
    struct span outcome = view_text(view, delivery, "outcome");
    uint32_t attempts = view_member(view, delivery, "attempts");
    uint32_t attempt = JSON_NONE;
    view_put_styled(view, TERM_BOLD, view_text(view, delivery, "id"));
    view_format(view, "  ");
    view_put_styled(view, view_style(state), state);
    if (outcome.len > 0 && !span_eq(outcome, state))
        view_format(view, "  %.*s", SPAN_ARGS(outcome));
    view_format(view, "\n");
    view_put_field(view, "reason", view_text(view, delivery, "reason"));
    view_put_field(view, "event", view_text(view, delivery, "event"));
    view_put_field(view, "event name", view_text(view, delivery, "event_name"));
    view_put_field(view, "webhook", view_text(view, delivery, "webhook"));
    view_put_field(view, "tenant", view_text(view, delivery, "tenant"));
    view_put_field(view, "accepted", view_text(view, delivery, "accepted_at"));
    view_put_field(view, "due", view_text(view, delivery, "due_at"));
    view_put_field(view, "settled", view_text(view, delivery, "settled_at"));
    if (attempts == JSON_NONE || json_type(view->doc, attempts) != JSON_ARRAY)
        return;
    view_format(view, "attempts\n");
    for (uint32_t at = attempts + 1; json_next_element(view->doc, attempts, &at, &attempt);)
        view_attempt_line(view, attempt);
    if (view->doc->nodes[attempts].count == 0)
        view_format(view, "  none yet\n");
}
