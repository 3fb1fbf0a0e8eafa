// SPDX-License-Identifier: MIT
// Compares what a visit gave with what a golden test expects, and says what differs. Script host only.
#include <stdio.h>

#include "json/json_diff.h"
#include "sandbox/golden_inside.h"

#define WINDOW    60 // bytes shown on each side of a difference
#define MAX_SHOWN 10 // differences of a body

// ---- text ----

static void append_window(struct buf *report, const char *label, struct span text, size_t at)
{
    size_t from = at > WINDOW ? at - WINDOW : 0;
    size_t to = text.len - from > 2 * WINDOW ? from + 2 * WINDOW : text.len;
    while (from > 0 && ((unsigned char)text.at[from] & 0xc0) == 0x80)
        from--;
    while (to < text.len && ((unsigned char)text.at[to] & 0xc0) == 0x80)
        to++;
    buf_append_format(report, "    %s %s", label, from ? "..." : "");
    for (size_t i = from; i < to; i++) {
        if ((unsigned char)text.at[i] < ' ')
            buf_append_format(report, "\\x%02x", (unsigned char)text.at[i]);
        else
            buf_append_char(report, text.at[i]);
    }
    buf_append_text(report, to < text.len ? "...\n" : "\n");
}

static void compare_text(struct buf *report, const char *what, struct span expected,
                         struct span got)
{
    if (span_eq(expected, got))
        return;
    size_t at = 0;
    while (at < expected.len && at < got.len && expected.at[at] == got.at[at])
        at++;
    buf_append_format(report, "  %s differs at byte %zu\n", what, at + 1);
    append_window(report, "expected", expected, at);
    append_window(report, "got     ", got, at);
}

// ---- JSON ----

struct comparison {
    const struct json_doc *expected, *got;
    struct buf *report; // borrowed
    int left;           // differences that are still shown
};

static void append_value(struct buf *report, const char *label, const struct json_doc *doc,
                         uint32_t node)
{
    append_window(report, label, json_raw(doc, node), 0);
}

static const char *kind_of_difference(const struct comparison *c, const struct json_difference *d)
{
    if (d->b == JSON_NONE)
        return "is missing";
    if (d->a == JSON_NONE)
        return "was not expected";
    if (json_type(c->expected, d->a) == JSON_NUMBER && json_type(c->got, d->b) == JSON_NUMBER)
        return "is another number";
    if (json_type(c->expected, d->a) == JSON_STRING && json_type(c->got, d->b) == JSON_STRING)
        return "is another string";
    return "is of another type";
}

static bool on_difference(void *context, const struct json_difference *d)
{
    struct comparison *c = context;
    if (c->left-- == 0) {
        buf_append_text(c->report, "  ... and more\n");
        return false;
    }
    buf_append_format(c->report, "  body%s%s %s\n", d->path[0] ? "." : "", d->path,
                      kind_of_difference(c, d));
    if (d->a != JSON_NONE)
        append_value(c->report, "expected", c->expected, d->a);
    if (d->b != JSON_NONE)
        append_value(c->report, "got     ", c->got, d->b);
    return true;
}

static void compare_json(struct buf *report, struct span expected, struct span got)
{
    struct json_doc a;
    struct json_doc b;
    struct json_error error;
    struct comparison c = {.expected = &a, .got = &b, .report = report, .left = MAX_SHOWN};
    size_t before = report->len;
    json_init(&a);
    json_init(&b);
    if (json_parse(&a, expected, JSON_MAX_DEPTH * 2, &error)) {
        buf_append_text(report, "  expect.body cannot be read\n");
    } else if (json_parse(&b, got, JSON_MAX_DEPTH * 2, &error)) {
        buf_append_text(report, "  the body is not JSON\n");
        append_window(report, "got     ", got, error.offset);
    } else if (!json_diff(&a, &b, JSON_DIFF_EMPTY_ALIKE, on_difference, &c) &&
               report->len == before) {
        buf_append_text(report, "  body is too large to be compared\n");
    }
    json_deinit(&a);
    json_deinit(&b);
}

// ---- the whole ----

static void compare_headers(const struct golden_expect *e, const struct visit_out *out,
                            struct buf *report)
{
    for (size_t i = 0; i < e->header_count; i++) {
        const struct visit_header *expected = &e->headers[i];
        const struct visit_header *got = NULL;
        char what[128];
        snprintf(what, sizeof(what), "header %.100s", expected->name.at);
        for (size_t j = 0; j < out->header_count && !got; j++) {
            if (span_eq_nocase(out->headers[j].name, expected->name))
                got = &out->headers[j];
        }
        if (expected->is_set_by_sign && got)
            buf_append_format(report, "  %s was not expected\n", what);
        else if (!expected->is_set_by_sign && !got)
            buf_append_format(report, "  %s is missing\n", what);
        else if (got)
            compare_text(report, what, expected->value, got->value);
    }
}

static void compare_request(const struct golden_expect *e, const struct visit_out *out,
                            struct buf *report)
{
    if (e->has_body && e->is_body_json)
        compare_json(report, e->body, out->body);
    else if (e->has_body)
        compare_text(report, "body", e->body, out->body);
    if (e->has_url)
        compare_text(report, "url", e->url, out->url);
    if (e->has_method)
        compare_text(report, "method", e->method, out->method);
    compare_headers(e, out, report);
}

static void compare_error(const struct golden_expect *e, const struct visit_out *out,
                          struct buf *report)
{
    bool is_error = out->result != VISIT_DONE && out->result != VISIT_FILTERED;
    if (is_error && !e->has_error) {
        buf_append_format(report, "  it failed: %.*s\n", SPAN_ARGS(out->reason));
    } else if (e->has_error && !is_error) {
        buf_append_format(report, "  an error with \"%.*s\" was expected\n", SPAN_ARGS(e->error));
    } else if (e->has_error && e->error.len &&
               !memmem(out->reason.at, out->reason.len, e->error.at, e->error.len)) {
        buf_append_text(report, "  another error\n");
        append_window(report, "expected", e->error, 0);
        append_window(report, "got     ", out->reason, 0);
    }
}

// The expectation as a test spells it, so that it can be copied from the report.
static void append_verdict(struct buf *report, const char *label, enum visit_verdict verdict,
                           int64_t seconds, struct span reason)
{
    static const char *const names[] = {"false", "\"ok\"", "\"retry\"", "\"fail\"", "\"disable\""};
    if (reason.len)
        buf_append_format(report, "    %s { %s, \"%.*s\" }\n", label, names[verdict],
                          SPAN_ARGS(reason));
    else if (seconds)
        buf_append_format(report, "    %s { %s, %lld }\n", label, names[verdict],
                          (long long)seconds);
    else
        buf_append_format(report, "    %s %s\n", label, names[verdict]);
}

static void compare_verdict(const struct golden_expect *e, const struct visit_out *out,
                            struct buf *report)
{
    if (!e->has_verdict)
        return;
    if (e->verdict != out->verdict || e->seconds != out->verdict_seconds) {
        buf_append_text(report, "  another verdict\n");
        append_verdict(report, "expected", e->verdict, e->seconds, e->reason);
        append_verdict(report, "got     ", out->verdict, out->verdict_seconds, out->reason);
    } else if (e->has_reason) {
        compare_text(report, "the reason", e->reason, out->reason);
    }
}

void golden_compare(const struct golden_test *test, const struct visit_out *out, struct buf *report)
{
    const struct golden_expect *e = &test->expect;
    compare_error(e, out, report);
    if (out->result == VISIT_FILTERED) {
        if (e->is_filtered)
            compare_text(report, "the reason", e->filtered, out->reason);
        else
            buf_append_format(report, "  it was filtered: %.*s\n", SPAN_ARGS(out->reason));
    } else if (e->is_filtered && out->result == VISIT_DONE) {
        buf_append_text(report, "  it was not filtered\n");
    }
    if (out->result != VISIT_DONE)
        return;
    if (test->in.is_response)
        compare_verdict(e, out, report);
    else
        compare_request(e, out, report);
}
