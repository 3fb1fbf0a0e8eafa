// SPDX-License-Identifier: MIT
// Tests where two JSON documents are said to differ.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "json/json_diff.h"

struct seen {
    const struct json_doc *a, *b;
    struct buf text;
    int most; // differences, then stop
};

static struct span raw(const struct json_doc *doc, uint32_t node)
{
    return node == JSON_NONE ? SPAN("-") : json_raw(doc, node);
}

static bool on_difference(void *context, const struct json_difference *d)
{
    struct seen *seen = context;
    buf_append_format(&seen->text, "%s:%.*s/%.*s;", d->path, SPAN_ARGS(raw(seen->a, d->a)),
                      SPAN_ARGS(raw(seen->b, d->b)));
    return --seen->most > 0;
}

// What was said, and whether it was all.
static bool diff(struct span left, struct span right, unsigned how, int most, struct buf *out)
{
    struct json_doc a;
    struct json_doc b;
    struct json_error error;
    struct seen seen = {.a = &a, .b = &b, .most = most};
    json_init(&a);
    json_init(&b);
    assert_int_equal(json_parse(&a, left, JSON_MAX_DEPTH, &error), OK);
    assert_int_equal(json_parse(&b, right, JSON_MAX_DEPTH, &error), OK);
    buf_init(&seen.text, 65536);
    bool is_whole = json_diff(&a, &b, how, on_difference, &seen);
    *out = seen.text;
    json_deinit(&a);
    json_deinit(&b);
    return is_whole;
}

static void test_cases(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        unsigned how;
        const char *expected;
    } cases[] = {
        {"1", "1", 0, ""},
        {"1", "1.0", 0, ""},
        {"1", "1.0", JSON_DIFF_SPELLING, ":1/1.0;"},
        {"12345678901234567890", "12345678901234567891", JSON_DIFF_SPELLING,
         ":12345678901234567890/12345678901234567891;"},
        {"9007199254740993", "9007199254740992", 0, ":9007199254740993/9007199254740992;"},
        {"\"A\"", "\"\\u0041\"", 0, ""},
        {"\"\\u0041\"", "\"A\"", 0, ""},
        {"\"A\"", "\"\\u0041\"", JSON_DIFF_SPELLING, ":\"A\"/\"\\u0041\";"},
        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", 0, ""},
        {"{\"a\":{\"b\":[1,2,3]}}", "{\"a\":{\"b\":[1,5,3]}}", 0, "a.b.2:2/5;"},
        {"[1,2]", "[1]", 0, "2:2/-;"},
        {"[1]", "[1,2,3]", 0, "2:-/2;3:-/3;"},
        {"{\"a\":1,\"c\":3}", "{\"b\":2,\"c\":3}", 0, "a:1/-;b:-/2;"},
        {"{\"a.b\":1}", "{\"a.b\":2}", 0, "a\\.b:1/2;"},
        {"{\"a\":null}", "{}", 0, "a:null/-;"},
        {"{\"a\":null}", "{\"a\":false}", 0, "a:null/false;"},
        {"true", "true", JSON_DIFF_SPELLING, ""},
        {"{\"x\":{}}", "{\"x\":[]}", 0, "x:{}/[];"},
        {"{\"x\":{}}", "{\"x\":[]}", JSON_DIFF_EMPTY_ALIKE, ""},
        {"{\"x\":[]}", "{\"x\":{}}", JSON_DIFF_EMPTY_ALIKE, "x:[]/{};"},
        {"{\"\\u0061\":1}", "{\"a\":1}", 0, ""},
        {"{\"b\":0,\"\\u0061\":1}", "{\"a\":1,\"b\":0}", 0, ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf said;
        assert_true(diff(span_of(cases[i].a), span_of(cases[i].b), cases[i].how, 100, &said));
        assert_string_equal(buf_text(&said), cases[i].expected);
        buf_deinit(&said);
    }
}

static void test_stops_when_told(void **state)
{
    (void)state;
    struct buf said;
    assert_false(diff(SPAN("[1,2,3]"), SPAN("[4,5,6]"), 0, 2, &said));
    assert_string_equal(buf_text(&said), "1:1/4;2:2/5;");
    buf_deinit(&said);
}

// Objects in the opposite order cost a search each: that is given up, not waited for.
static void test_gives_up(void **state)
{
    (void)state;
    const int members = 20000;
    struct buf left;
    struct buf right;
    struct buf said;
    buf_init(&left, 1 << 20);
    buf_init(&right, 1 << 20);
    for (int i = 0; i < members; i++) {
        buf_append_format(&left, "%c\"%d\":0", i == 0 ? '{' : ',', i);
        buf_append_format(&right, "%c\"%d\":0", i == 0 ? '{' : ',', members - 1 - i);
    }
    buf_append_char(&left, '}');
    buf_append_char(&right, '}');
    assert_false(diff(buf_span(&left), buf_span(&right), 0, 100, &said));
    assert_true(diff(buf_span(&left), buf_span(&left), 0, 100, (buf_deinit(&said), &said)));
    assert_int_equal(said.len, 0);
    buf_deinit(&said);
    buf_deinit(&left);
    buf_deinit(&right);
}

// A path that is too long is cut, and nothing is written behind its room.
static void test_long_paths(void **state)
{
    (void)state;
    struct buf left;
    struct buf right;
    struct buf said;
    buf_init(&left, 1 << 20);
    buf_init(&right, 1 << 20);
    for (int i = 0; i < 40; i++) {
        buf_append_text(&left, "{\"a.long.name.with.dots.in.it\":");
        buf_append_text(&right, "{\"a.long.name.with.dots.in.it\":");
    }
    buf_append_char(&left, '1');
    buf_append_char(&right, '2');
    for (int i = 0; i < 40; i++) {
        buf_append_char(&left, '}');
        buf_append_char(&right, '}');
    }
    assert_true(diff(buf_span(&left), buf_span(&right), 0, 100, &said));
    assert_int_equal(said.len, JSON_DIFF_PATH - 1 + strlen(":1/2;"));
    buf_deinit(&said);
    buf_deinit(&left);
    buf_deinit(&right);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_stops_when_told),
        cmocka_unit_test(test_gives_up),
        cmocka_unit_test(test_long_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
