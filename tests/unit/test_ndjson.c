// SPDX-License-Identifier: MIT
// Lines out of pieces of every size, too long ones, stops in between, and the cost; one thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka.h needs the four above.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ingest/ndjson.h"

#define MAX_LINE 10
#define MAX_FED  4096

// Everything that comes out, as text: lines in [], ! for one that is too large, ; at the end.
struct result {
    char text[8192];
    size_t len;
};

static void note(struct result *r, enum ndjson_found found, struct span line)
{
    if (found == NDJSON_TOO_LARGE)
        r->len += (size_t)snprintf(r->text + r->len, sizeof r->text - r->len, "!");
    else
        r->len +=
            (size_t)snprintf(r->text + r->len, sizeof r->text - r->len, "[%.*s]", SPAN_ARGS(line));
    assert_true(r->len < sizeof r->text);
}

static void take_all(struct ndjson *lines, struct result *r)
{
    struct span line = {0};
    enum ndjson_found found;
    while ((found = ndjson_next(lines, &line)) != NDJSON_MORE)
        note(r, found, line);
}

// In pieces of `size` bytes, each in memory of its own, so that reading over shows. With `stops`,
// one line at most is taken before the rest is held, as under back-pressure.
static const char *split(const char *input, size_t size, bool stops, struct result *r)
{
    struct ndjson lines;
    struct span rest = span_of(input);
    struct span line = {0};
    r->len = 0;
    r->text[0] = '\0';
    ndjson_init(&lines, MAX_LINE, MAX_FED);
    while (rest.len > 0) {
        size_t len = size < rest.len ? size : rest.len;
        char *piece = xmalloc(len);
        memcpy(piece, rest.at, len);
        ndjson_feed(&lines, span_make(piece, len));
        if (stops) {
            enum ndjson_found found = ndjson_next(&lines, &line);
            if (found != NDJSON_MORE)
                note(r, found, line);
            ndjson_hold(&lines);
            memset(piece, '#', len);
        }
        take_all(&lines, r);
        xfree(piece);
        rest = span_make(rest.at + len, rest.len - len);
    }
    if (ndjson_end(&lines, &line) == NDJSON_LINE)
        note(r, NDJSON_LINE, line);
    assert_int_equal(ndjson_end(&lines, &line), NDJSON_MORE);
    ndjson_deinit(&lines);
    return r->text;
}

static const struct {
    const char *input, *lines;
} streams[] = {
    {"", ""},
    {"\n", "[]"},
    {"\n\n", "[][]"},
    {"a", "[a]"},
    {"a\n", "[a]"},
    {"a\r\n\r\n", "[a\r][\r]"},
    {"a\nbc\n\ndef", "[a][bc][][def]"},
    {"0123456789\n0123456789", "[0123456789][0123456789]"},
    {"0123456789a\nb\n", "![b]"},
    {"0123456789a", "!"},
    {"0123456789abcdefghijklmnopqrstuvwxyz\nb\n0123456789a", "![b]!"},
    {"a\n0123456789abcdefghijklmnopqrstuvwxyz\n\n0123456789\nb", "[a]![][0123456789][b]"},
    {"0123456789abcdefghij\n0123456789abcdefghij\nx\n", "!![x]"},
};

static void test_pieces_of_every_size(void **state)
{
    (void)state;
    struct result r;
    for (size_t i = 0; i < COUNT_OF(streams); i++) {
        for (size_t size = 1; size <= strlen(streams[i].input) + 1; size++) {
            assert_string_equal(split(streams[i].input, size, false, &r), streams[i].lines);
            assert_string_equal(split(streams[i].input, size, true, &r), streams[i].lines);
        }
    }
}

static void test_whole_lines_are_not_copied(void **state)
{
    (void)state;
    static const char input[] = "ab\ncd\ne";
    struct ndjson lines;
    struct span line = {0};
    ndjson_init(&lines, MAX_LINE, MAX_FED);
    ndjson_feed(&lines, span_of(input));
    assert_int_equal(ndjson_next(&lines, &line), NDJSON_LINE);
    assert_ptr_equal(line.at, input);
    assert_int_equal(ndjson_next(&lines, &line), NDJSON_LINE);
    assert_ptr_equal(line.at, input + 3);
    assert_int_equal(ndjson_size(&lines), 0);
    assert_int_equal(ndjson_next(&lines, &line), NDJSON_MORE);
    assert_true(ndjson_size(&lines) > 0);
    // Memory goes back with the line.
    ndjson_feed(&lines, SPAN("\n"));
    assert_int_equal(ndjson_next(&lines, &line), NDJSON_LINE);
    assert_int_equal(ndjson_next(&lines, &line), NDJSON_MORE);
    assert_int_equal(ndjson_size(&lines), 0);
    ndjson_deinit(&lines);
}

static void test_skipping_holds_nothing(void **state)
{
    (void)state;
    char piece[MAX_FED];
    struct ndjson lines;
    struct span line = {0};
    size_t told = 0;
    memset(piece, 'x', sizeof piece);
    ndjson_init(&lines, (size_t)1 << 20, MAX_FED);
    for (int i = 0; i < 25600; i++) { // 100 MiB
        ndjson_feed(&lines, span_make(piece, sizeof piece));
        while (ndjson_next(&lines, &line) != NDJSON_MORE)
            told++;
        assert_true(ndjson_size(&lines) <= ((size_t)1 << 20) + MAX_FED);
    }
    assert_int_equal(told, 1);
    assert_int_equal(ndjson_size(&lines), 0);
    ndjson_feed(&lines, SPAN("\nok\n"));
    assert_int_equal(ndjson_next(&lines, &line), NDJSON_LINE);
    assert_true(span_is(line, "ok"));
    ndjson_deinit(&lines);
}

// A long line in single bytes, and many lines that are held and taken one by one: neither may cost
// more than in proportion.
static void test_no_byte_is_looked_at_twice(void **state)
{
    (void)state;
    struct ndjson lines;
    struct span line = {0};
    int64_t start = clock_thread_cpu_ns();
    ndjson_init(&lines, (size_t)1 << 20, (size_t)1 << 20);
    for (size_t i = 0; i < (size_t)1 << 20; i++) {
        ndjson_feed(&lines, SPAN("x"));
        assert_int_equal(ndjson_next(&lines, &line), NDJSON_MORE);
    }
    ndjson_feed(&lines, SPAN("\n"));
    assert_int_equal(ndjson_next(&lines, &line), NDJSON_LINE);
    assert_int_equal(line.len, 1 << 20);
    assert_int_equal(ndjson_next(&lines, &line), NDJSON_MORE);
    char *many = xmalloc((size_t)1 << 20);
    memset(many, '\n', (size_t)1 << 20);
    ndjson_feed(&lines, span_make(many, (size_t)1 << 20));
    ndjson_hold(&lines);
    xfree(many);
    size_t count = 0;
    while (ndjson_next(&lines, &line) == NDJSON_LINE)
        count++;
    assert_int_equal(count, 1 << 20);
    ndjson_deinit(&lines);
    // Quadratic would be 5e11 bytes, a minute and more; this is generous for any sanitizer.
    assert_true(clock_thread_cpu_ns() - start < INT64_C(5000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_of_every_size),
        cmocka_unit_test(test_whole_lines_are_not_copied),
        cmocka_unit_test(test_skipping_holds_nothing),
        cmocka_unit_test(test_no_byte_is_looked_at_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
