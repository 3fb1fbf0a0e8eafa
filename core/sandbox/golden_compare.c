// SPDX-License-Identifier: MIT
// Compares what a visit gave with what a golden test expects, and says what differs. Script host only.
#include <stdio.h>

#include "base/mem.h"
#include "json/json.h"
#include "sandbox/golden_inside.h"

#define WINDOW 60 // bytes shown on each side of a difference
#define MAX_AT 256

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

struct difference {
    const struct json_doc *a, *b; // expected, got
    char at[MAX_AT];              // path to the first difference
    const char *what;
};

static bool is_same(struct difference *d, uint32_t a, uint32_t b, size_t path);

static bool differ(struct difference *d, size_t path, const char *what)
{
    d->at[path] = 0;
    d->what = what;
    return false;
}

// Appends a step to the path; the new length.
static size_t step(struct difference *d, size_t path, const char *name, int len)
{
    int written =
        snprintf(d->at + path, sizeof(d->at) - path, "%s%.*s", path ? "." : "", len, name);
    size_t end = path + (written > 0 ? (size_t)written : 0);
    return end < sizeof(d->at) ? end : sizeof(d->at) - 1;
}

static bool is_same_number(struct difference *d, uint32_t a, uint32_t b)
{
    int64_t left;
    int64_t right;
    double x;
    double y;
    if (json_to_int64(d->a, a, &left) && json_to_int64(d->b, b, &right))
        return left == right;
    return json_to_double(d->a, a, &x) && json_to_double(d->b, b, &y) && x == y;
}

static bool is_same_string(struct difference *d, uint32_t a, uint32_t b)
{
    struct span inside = json_inside(d->a, a);
    char *text = xmalloc(inside.len + 1);
    size_t len = json_decode_string(d->a, a, text);
    bool is_equal = json_string_is(d->b, b, span_make(text, len));
    xfree(text);
    return is_equal;
}

// NOLINTNEXTLINE(misc-no-recursion): bounded by the parser's depth
static bool is_same_list(struct difference *d, uint32_t a, uint32_t b, size_t path)
{
    uint32_t at_a = a + 1;
    uint32_t at_b = b + 1;
    uint32_t left;
    uint32_t right;
    for (int i = 1; json_next_element(d->a, a, &at_a, &left); i++) {
        char number[16];
        int len = snprintf(number, sizeof(number), "%d", i);
        size_t inner = step(d, path, number, len);
        if (!json_next_element(d->b, b, &at_b, &right))
            return differ(d, inner, "is missing");
        if (!is_same(d, left, right, inner))
            return false;
    }
    return !json_next_element(d->b, b, &at_b, &right) || differ(d, path, "has more elements");
}

// NOLINTNEXTLINE(misc-no-recursion): bounded by the parser's depth
static bool is_same_object(struct difference *d, uint32_t a, uint32_t b, size_t path)
{
    uint32_t at = a + 1;
    uint32_t name;
    uint32_t value;
    while (json_next_member(d->a, a, &at, &name, &value)) {
        struct span inside = json_inside(d->a, name);
        size_t inner = step(d, path, inside.at, (int)(inside.len < 80 ? inside.len : 80));
        char *text = xmalloc(inside.len + 1);
        size_t len = json_decode_string(d->a, name, text);
        uint32_t other = json_get(d->b, b, span_make(text, len));
        xfree(text);
        if (other == JSON_NONE)
            return differ(d, inner, "is missing");
        if (!is_same(d, value, other, inner))
            return false;
    }
    if (d->a->nodes[a].count == d->b->nodes[b].count)
        return true;
    at = b + 1;
    while (json_next_member(d->b, b, &at, &name, &value)) {
        struct span inside = json_inside(d->b, name);
        if (json_get(d->a, a, inside) == JSON_NONE)
            return differ(d, step(d, path, inside.at, (int)(inside.len < 80 ? inside.len : 80)),
                          "was not expected");
    }
    return differ(d, path, "has more members");
}

// NOLINTNEXTLINE(misc-no-recursion): bounded by the parser's depth
static bool is_same(struct difference *d, uint32_t a, uint32_t b, size_t path)
{
    enum json_type type = json_type(d->a, a);
    bool is_empty = d->a->nodes[a].count == 0 && d->b->nodes[b].count == 0;
    bool are_empty = type == JSON_OBJECT && json_type(d->b, b) == JSON_ARRAY && is_empty;
    if (are_empty) // a table {} in a test may mean either
        return true;
    if (type != json_type(d->b, b))
        return differ(d, path, "is of another type");
    switch (type) {
    case JSON_NUMBER: return is_same_number(d, a, b) || differ(d, path, "is another number");
    case JSON_STRING: return is_same_string(d, a, b) || differ(d, path, "is another string");
    case JSON_ARRAY: return is_same_list(d, a, b, path);
    case JSON_OBJECT: return is_same_object(d, a, b, path);
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE: break;
    }
    return true;
}

static void compare_json(struct buf *report, struct span expected, struct span got)
{
    struct json_doc a;
    struct json_doc b;
    struct json_error error;
    struct difference d = {.a = &a, .b = &b};
    json_init(&a);
    json_init(&b);
    if (json_parse(&a, expected, JSON_MAX_DEPTH * 2, &error)) {
        buf_append_text(report, "  expect.body cannot be read\n");
    } else if (json_parse(&b, got, JSON_MAX_DEPTH * 2, &error)) {
        buf_append_text(report, "  the body is not JSON\n");
        append_window(report, "got     ", got, error.offset);
    } else if (!is_same(&d, 0, 0, 0)) {
        buf_append_format(report, "  body%s%s %s\n", d.at[0] ? "." : "", d.at, d.what);
        append_window(report, "expected", expected, 0);
        append_window(report, "got     ", got, 0);
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

static void compare_verdict(const struct golden_expect *e, const struct visit_out *out,
                            struct buf *report)
{
    static const char *const names[] = {"none", "ok", "retry", "fail", "disable"};
    if (!e->has_verdict)
        return;
    if (e->verdict != out->verdict || e->seconds != out->verdict_seconds)
        buf_append_format(report, "  verdict %s %lld, where %s %lld was expected\n",
                          names[out->verdict], (long long)out->verdict_seconds, names[e->verdict],
                          (long long)e->seconds);
    else if (e->has_reason)
        compare_text(report, "the reason", e->reason, out->reason);
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
