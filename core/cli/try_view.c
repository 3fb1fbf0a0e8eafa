// SPDX-License-Identifier: MIT
// Prints a trial for people; the main thread.
#include "cli/try_view.h"

#include <stdio.h>
#include <string.h>

// ---- one request -------------------------------------------------------------------------------

// Each line of `text` behind `before`; a last line without its feed as well.
static void put_lines(struct view *view, const char *before, struct span text)
{
    struct span line;
    while (text.len > 0 && span_split(&text, '\n', &line)) {
        view_format(view, "%s", before);
        view_put(view, line);
        view_format(view, "\n");
    }
}

static void put_blocked(struct view *view, struct span why)
{
    if (why.len == 0)
        return;
    view_format(view, "    ");
    view_put_styled(view, TERM_BAD, SPAN("blocked: "));
    view_put(view, why);
    view_format(view, "\n");
}

static void put_request(struct view *view, uint32_t request)
{
    uint32_t headers = view_member(view, request, "headers");
    uint32_t name = JSON_NONE;
    uint32_t value = JSON_NONE;
    view_format(view, "    ");
    view_put(view, view_text(view, request, "method"));
    view_format(view, " ");
    view_put(view, view_text(view, request, "url"));
    view_format(view, "\n");
    put_blocked(view, view_text(view, request, "blocked"));
    for (uint32_t at = headers + 1;
         headers != JSON_NONE && json_next_member(view->doc, headers, &at, &name, &value);) {
        view_format(view, "    ");
        view_put(view, view_node_text(view, name));
        view_format(view, ": ");
        view_put(view, view_node_text(view, value));
        view_format(view, "\n");
    }
    view_format(view, "\n");
    put_lines(view, "    ", view_text(view, request, "body"));
    view_format(view, "\n");
}

// ---- changes -----------------------------------------------------------------------------------

static void put_side(struct view *view, uint32_t change, const char *member, enum term_style style)
{
    struct span what = view_text(view, change, "what");
    struct span name = view_text(view, change, "name");
    const char *line = NULL;
    if (view_member(view, change, member) == JSON_NONE)
        return;
    struct span value = view_text(view, change, member);
    const char *sign = strcmp(member, "was") == 0 ? "-" : "+";
    if (span_is(what, "body"))
        line = arena_format(&view->arena, "    %s %.*s%s%.*s", sign, SPAN_ARGS(name),
                            name.len > 0 ? ": " : "", SPAN_ARGS(value));
    else if (span_is(what, "header"))
        line = arena_format(&view->arena, "    %s header %.*s: %.*s", sign, SPAN_ARGS(name),
                            SPAN_ARGS(value));
    else if (span_is(what, "bytes"))
        line = arena_format(&view->arena, "    %s at %.*s: %.*s", sign, SPAN_ARGS(name),
                            SPAN_ARGS(value));
    else
        line = arena_format(&view->arena, "    %s %.*s: %.*s", sign, SPAN_ARGS(what),
                            SPAN_ARGS(value));
    view_put_styled(view, style, span_of(line));
    view_format(view, "\n");
}

static void put_changes(struct view *view, uint32_t row)
{
    uint32_t changes = view_member(view, row, "changes");
    uint32_t change = JSON_NONE;
    for (uint32_t at = changes + 1;
         changes != JSON_NONE && json_next_element(view->doc, changes, &at, &change);) {
        put_side(view, change, "was", TERM_BAD);
        put_side(view, change, "now", TERM_GOOD);
    }
    if (view_is_true(view, row, "has_more_changes"))
        view_format(view, "    and more\n");
}

static void put_sent(struct view *view, uint32_t row)
{
    uint32_t sent = view_member(view, row, "sent");
    struct span note = view_text(view, sent, "note");
    if (sent == JSON_NONE)
        return;
    struct span outcome = view_text(view, sent, "outcome");
    struct span reason = view_text(view, sent, "reason");
    bool was_sent = !span_is(outcome, "filtered") && !span_starts_with(outcome, SPAN("script_"));
    if (was_sent != span_is(view_text(view, row, "outcome"), "request") || !was_sent) {
        view_format(view, "    then: ");
        view_put(view, was_sent ? SPAN("sent") : outcome);
        view_format(view, "%s", reason.len > 0 ? ": " : "");
        view_put(view, reason);
        view_format(view, "\n");
    }
    if (note.len > 0) {
        view_format(view, "    what was sent cannot be shown, only its hash compared: ");
        view_put(view, note);
        view_format(view, "\n");
    }
}

// ---- one event ---------------------------------------------------------------------------------

static void put_verdict(struct view *view, uint32_t row)
{
    uint32_t verdict = view_member(view, row, "verdict");
    if (verdict == JSON_NONE)
        return;
    bool is_news = !span_is(view_text(view, verdict, "answer"), "recorded") ||
                   !span_is(view_text(view, verdict, "verdict"), "none") ||
                   view_member(view, verdict, "error") != JSON_NONE;
    if (!is_news)
        return;
    struct span word = view_text(view, verdict, "verdict");
    struct span reason = view_text(view, verdict, "reason");
    struct span error = view_text(view, verdict, "error");
    int64_t after_ms = view_int(view, verdict, "after_ms");
    view_format(view, "    verdict%s: ",
                span_is(view_text(view, verdict, "answer"), "recorded") ? " on the answer of then"
                                                                        : "");
    view_put(view, span_is(word, "none") ? SPAN("none, the status decides") : word);
    if (after_ms > 0)
        view_format(view, ", not before %lld s", (long long)(after_ms / 1000));
    view_format(view, "%s", reason.len > 0 ? ": " : "");
    view_put(view, reason);
    view_format(view, "\n");
    if (error.len > 0) {
        view_format(view, "    response failed: ");
        view_put(view, error);
        view_format(view, "\n");
    }
}

static const char *word_of(struct view *view, uint32_t row, enum term_style *style)
{
    struct span outcome = view_text(view, row, "outcome");
    struct span difference = view_text(view, row, "difference");
    *style = TERM_PLAIN;
    if (!span_is(outcome, "request") && !span_is(outcome, "filtered")) {
        *style = TERM_BAD;
        return arena_format(&view->arena, "%.*s", SPAN_ARGS(outcome));
    }
    if (span_is(outcome, "filtered"))
        return "filtered";
    if (difference.len == 0)
        return "request";
    *style = span_is(difference, "changed") ? TERM_WAIT : TERM_DIM;
    return arena_format(&view->arena, "%.*s", SPAN_ARGS(difference));
}

// "body 412 B (was 388 B)", or the reason.
static void put_what(struct view *view, uint32_t row)
{
    uint32_t request = view_member(view, row, "request");
    uint32_t sent = view_member(view, row, "sent");
    if (request == JSON_NONE) {
        view_put(view, view_text(view, row, "reason"));
        return;
    }
    view_format(view, "body %lld B", (long long)view_int(view, request, "body_bytes"));
    if (sent != JSON_NONE &&
        view_int(view, sent, "body_bytes") != view_int(view, request, "body_bytes"))
        view_format(view, " (was %lld B)", (long long)view_int(view, sent, "body_bytes"));
}

static void put_row(struct view *view, uint32_t row, bool is_full)
{
    enum term_style style = TERM_PLAIN;
    uint32_t event = view_member(view, row, "event");
    uint32_t request = view_member(view, row, "request");
    struct span at = view_text(view, event, "accepted_at");
    const char *word = word_of(view, row, &style);
    view_put_styled(view, TERM_BOLD, view_text(view, event, "event"));
    view_format(view, "   ");
    view_put(view, at.len > 19 ? span_make(at.at + 11, 8) : at); // the time of day, UTC
    view_format(view, "   ");
    view_put_styled(view, style, span_of(word));
    view_format(view, "   ");
    put_what(view, row);
    view_format(view, "   %.1f ms   %lld KiB\n", (double)view_int(view, row, "cpu_us") / 1000,
                (long long)((view_int(view, row, "memory_bytes") + 1023) / 1024));
    if (is_full && request != JSON_NONE)
        put_request(view, request);
    put_changes(view, row);
    put_sent(view, row);
    put_verdict(view, row);
    put_lines(view, "    log: ", view_text(view, row, "logs"));
}

// ---- the whole ---------------------------------------------------------------------------------

static void put_tests(struct view *view)
{
    uint32_t tests = view_member(view, 0, "tests");
    uint32_t test = JSON_NONE;
    int failures = 0;
    int all = 0;
    for (uint32_t at = tests + 1;
         tests != JSON_NONE && json_next_element(view->doc, tests, &at, &test); all++)
        failures += !view_is_true(view, test, "is_ok");
    if (failures > 0)
        view_format(view, "%d of its %d golden tests %s: grapnel test shows how.\n", failures, all,
                    failures == 1 ? "fails" : "fail");
}

int64_t try_view_errors(struct view *view)
{
    return view_int(view, view_member(view, 0, "summary"), "errors");
}

static void put_sum(struct view *view)
{
    uint32_t sums = view_member(view, 0, "summary");
    int64_t events = view_int(view, sums, "events");
    int64_t fresh = view_int(view, sums, "not_sent_before");
    int64_t left_out = view_int(view, sums, "left_out");
    view_format(view, "%lld %s: ", (long long)events, events == 1 ? "event" : "events");
    if (fresh > 0)
        view_format(view, "%lld not sent before, ", (long long)fresh);
    view_format(view, "%lld changed, %lld same, %lld filtered, %lld errors. Nothing was sent.\n",
                (long long)view_int(view, sums, "changed"), (long long)view_int(view, sums, "same"),
                (long long)view_int(view, sums, "filtered"), (long long)try_view_errors(view));
    if (left_out > 0)
        view_format(view, "%lld were left out: it took too long.\n", (long long)left_out);
}

void try_view_print(struct view *view, bool is_full)
{
    uint32_t rows = view_member(view, 0, "data");
    uint32_t row = JSON_NONE;
    if (rows == JSON_NONE || json_type(view->doc, rows) != JSON_ARRAY)
        return;
    bool is_single = view->doc->nodes[rows].count == 1;
    for (uint32_t at = rows + 1; json_next_element(view->doc, rows, &at, &row);)
        put_row(view, row, is_full || (is_single && view_member(view, row, "sent") == JSON_NONE));
    put_tests(view);
    put_sum(view);
}
