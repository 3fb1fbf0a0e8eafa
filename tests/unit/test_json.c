// SPDX-License-Identifier: MIT
// Reading a parsed document: walks, names, strings, numbers.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "json/json.h"
#include "json/json_names.h"
#include "json/json_scan.h"
#include "json/json_write.h"

static struct json_doc doc;

static void parse(struct span text)
{
    struct json_error error;
    if (json_parse(&doc, text, JSON_MAX_DEPTH, &error))
        fail_msg("%.*s: %s at %zu", SPAN_ARGS(text), error.message, error.offset);
}

static int setup(void **state)
{
    (void)state;
    json_init(&doc);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    json_deinit(&doc);
    return 0;
}

// ---- walking ----

static void test_members(void **state)
{
    (void)state;
    parse(SPAN("{\"a\":{\"x\":[1,2]},\"b\":[],\"a\":3}"));
    static const char *const names[] = {"\"a\"", "\"b\"", "\"a\""};
    static const char *const values[] = {"{\"x\":[1,2]}", "[]", "3"};
    uint32_t at = 1;
    uint32_t name;
    uint32_t value;
    size_t count = 0;
    while (count < 3 && json_next_member(&doc, 0, &at, &name, &value)) {
        assert_true(span_is(json_raw(&doc, name), names[count]));
        assert_true(span_is(json_raw(&doc, value), values[count]));
        count++;
    }
    assert_int_equal(count, 3);
    assert_false(json_next_member(&doc, 0, &at, &name, &value));
    parse(SPAN("{}"));
    at = 1;
    assert_false(json_next_member(&doc, 0, &at, &name, &value));
}

static void test_elements(void **state)
{
    (void)state;
    parse(SPAN("[[1,[2]],{\"a\":1},\"x\",4]"));
    static const char *const values[] = {"[1,[2]]", "{\"a\":1}", "\"x\"", "4"};
    uint32_t at = 1;
    uint32_t value;
    size_t count = 0;
    while (count < 4 && json_next_element(&doc, 0, &at, &value)) {
        assert_true(span_is(json_raw(&doc, value), values[count++]));
    }
    assert_int_equal(count, 4);
    assert_false(json_next_element(&doc, 0, &at, &value));
    parse(SPAN("[]"));
    at = 1;
    assert_false(json_next_element(&doc, 0, &at, &value));
}

static void test_get(void **state)
{
    (void)state;
    parse(SPAN("{\"a\":1,\"b\":{\"c\":[true]},\"a\":2,\"\\u0061b\":3,\"\":4,\"\\u0000\":5}"));
    assert_true(span_is(json_raw(&doc, json_get(&doc, 0, SPAN("a"))), "2"));
    assert_true(span_is(json_raw(&doc, json_get(&doc, 0, SPAN("ab"))), "3"));
    assert_true(span_is(json_raw(&doc, json_get(&doc, 0, SPAN(""))), "4"));
    assert_true(span_is(json_raw(&doc, json_get(&doc, 0, SPAN("\0"))), "5"));
    uint32_t b = json_get(&doc, 0, SPAN("b"));
    uint32_t c = json_get(&doc, b, SPAN("c"));
    assert_true(span_is(json_raw(&doc, c), "[true]"));
    assert_int_equal(json_get(&doc, 0, SPAN("c")), JSON_NONE);
    assert_int_equal(json_get(&doc, 0, SPAN("A")), JSON_NONE);
    assert_int_equal(json_get(&doc, 0, SPAN("\\u0061b")), JSON_NONE);
    assert_int_equal(json_get(&doc, c, SPAN("c")), JSON_NONE);
    assert_int_equal(json_get(&doc, json_get(&doc, 0, SPAN("none")), SPAN("c")), JSON_NONE);
    struct json_doc empty;
    json_init(&empty);
    assert_int_equal(json_get(&empty, 0, SPAN("a")), JSON_NONE);
}

// ---- duplicates ----

static const struct {
    const char *text;
    const char *duplicate; // raw, with its offset below; NULL: none
    uint32_t start;
} duplicates[] = {
    {"{}", NULL, 0},
    {"{\"a\":1}", NULL, 0},
    {"{\"a\":1,\"b\":2,\"A\":3}", NULL, 0},
    {"{\"a\":1,\"a\":1}", "\"a\"", 7},
    {"{\"a\":1,\"b\":2,\"b\":3,\"a\":4}", "\"b\"", 13},
    {"{\"a\":1,\"\\u0061\":2}", "\"\\u0061\"", 7},
    {"{\"\\u0061\":1,\"a\":2}", "\"a\"", 12},
    {"{\"\":1,\"\":2}", "\"\"", 6},
    {"{\"\xc3\xa9\":1,\"\\u00E9\":2}", "\"\\u00E9\"", 8},
    {"{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":2}", "\"\\ud83d\\ude00\"", 10},
    {"{\"a/b\":1,\"a\\/b\":2}", "\"a\\/b\"", 9},
    {"{\"a\\u0000\":1,\"a\":2}", NULL, 0},
    {"{\"a\":{\"b\":1,\"b\":2}}", NULL, 0}, // deeper ones are nobody's business
    {"{\"a\":[{\"a\":1}],\"b\":{\"a\":2}}", NULL, 0},
    {"{\"\\ud800\":1,\"\\udc00\":2}", "\"\\udc00\"", 12}, // both decode to U+FFFD
};

static void test_duplicate(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(duplicates); i++) {
        parse(span_of(duplicates[i].text));
        uint32_t name = json_duplicate(&doc, 0);
        if (!duplicates[i].duplicate) {
            assert_int_equal(name, JSON_NONE);
            continue;
        }
        assert_int_not_equal(name, JSON_NONE);
        assert_true(span_is(json_raw(&doc, name), duplicates[i].duplicate));
        assert_int_equal(doc.nodes[name].start, duplicates[i].start);
    }
}

// Across the size where scanning gives way to hashing; a twin of each member in turn.
static void test_duplicate_among_many(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 20);
    for (unsigned count = 1; count < 40; count++) {
        for (unsigned twin = 0; twin <= count; twin++) {
            buf_clear(&text);
            for (unsigned i = 0; i < count; i++)
                buf_append_format(&text, "%c\"n\\u%04x\":%u", i ? ',' : '{', '0' + i, i);
            if (twin < count)
                buf_append_format(&text, ",\"n%c\":0", (int)('0' + twin));
            buf_append_char(&text, '}');
            parse(buf_span(&text));
            assert_int_equal(json_duplicate(&doc, 0), twin < count ? count * 2 + 1 : JSON_NONE);
        }
    }
    buf_deinit(&text);
}

// Quadratic work would take minutes.
static void test_duplicate_is_fast(void **state)
{
    (void)state;
    enum { MEMBERS = 300000 };
    struct buf text;
    buf_init(&text, 16 << 20);
    for (unsigned i = 0; i < MEMBERS; i++)
        buf_append_format(&text, "%c\"k%u\":%u", i ? ',' : '{', i, i);
    buf_append_char(&text, '}');
    parse(buf_span(&text));
    assert_int_equal(json_duplicate(&doc, 0), JSON_NONE);
    struct json_names names;
    json_names_init(&names, &doc, 0);
    struct json_names_entry found = json_names_find(&names, &doc, 1 + 2 * 1234);
    assert_int_equal(found.name, 1 + 2 * 1234);
    assert_int_equal(found.ordinal, 1234);
    json_names_deinit(&names);
    buf_deinit(&text);
}

static void test_names_find_the_last(void **state)
{
    (void)state;
    for (unsigned more = 0; more < 40; more += 39) {
        struct buf text;
        buf_init(&text, 1 << 16);
        buf_append_text(&text, "{\"a\":1,\"b\":2,\"\\u0061\":3");
        for (unsigned i = 0; i < more; i++)
            buf_append_format(&text, ",\"x%u\":0", i);
        buf_append_text(&text, "}");
        parse(buf_span(&text));
        struct json_names names;
        json_names_init(&names, &doc, 0);
        assert_int_equal(names.duplicate, 5);
        assert_int_equal(json_names_find(&names, &doc, 1).name, 5);
        assert_int_equal(json_names_find(&names, &doc, 1).ordinal, 2);
        assert_int_equal(json_names_find(&names, &doc, 3).name, 3);
        struct json_doc other;
        json_init(&other);
        struct json_error error;
        assert_int_equal(json_parse(&other, SPAN("[\"\\u0062\",\"c\"]"), 2, &error), OK);
        assert_int_equal(json_names_find(&names, &other, 1).name, 3);
        assert_int_equal(json_names_find(&names, &other, 2).name, JSON_NONE);
        json_deinit(&other);
        json_names_deinit(&names);
        buf_deinit(&text);
    }
}

// ---- strings ----

static const struct {
    struct span text;
    struct span decoded;
} strings[] = {
    {SPAN("\"\""), SPAN("")},
    {SPAN("\"abc\""), SPAN("abc")},
    {SPAN("\"\xc3\xa9\xe2\x82\xac\""), SPAN("\xc3\xa9\xe2\x82\xac")},
    {SPAN("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), SPAN("\"\\/\b\f\n\r\t")},
    {SPAN("\"a\\nb\\nc\""), SPAN("a\nb\nc")},
    {SPAN("\"\\u0041\\u00e9\\u20AC\\uffff\""), SPAN("A\xc3\xa9\xe2\x82\xac\xef\xbf\xbf")},
    {SPAN("\"\\u007f\\u0080\\u07ff\\u0800\""), SPAN("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80")},
    {SPAN("\"a\\u0000b\""), SPAN("a\0b")},
    {SPAN("\"\\ud83d\\ude00\""), SPAN("\xf0\x9f\x98\x80")},
    {SPAN("\"\\uD800\\uDC00\""), SPAN("\xf0\x90\x80\x80")},
    {SPAN("\"\\udbff\\udfff\""), SPAN("\xf4\x8f\xbf\xbf")},
    {SPAN("\"\\ud83d\""), SPAN("\xef\xbf\xbd")},
    {SPAN("\"\\ude00\""), SPAN("\xef\xbf\xbd")},
    {SPAN("\"\\ude00\\ud83d\""), SPAN("\xef\xbf\xbd\xef\xbf\xbd")},
    {SPAN("\"\\ud83d\\ud83d\\ude00\""), SPAN("\xef\xbf\xbd\xf0\x9f\x98\x80")},
    {SPAN("\"\\ud83dx\""), SPAN("\xef\xbf\xbdx")},
    {SPAN("\"\\ud83d\\n\""), SPAN("\xef\xbf\xbd\n")},
    {SPAN("\"\\ud83d\\u0041\""), SPAN("\xef\xbf\xbd"
                                      "A")},
    {SPAN("\"\\ud83d\\ude0\\u0030\""), SPAN("")}, // refused: see below
    {SPAN("\"\\\\u0041\""), SPAN("\\u0041")},
    {SPAN("\"\\\\\\u0041\""), SPAN("\\A")},
};

static void check_string(size_t row)
{
    struct span expected = strings[row].decoded;
    char *out = xmalloc(json_inside(&doc, 0).len);
    struct span got = span_make(out, json_decode_string(&doc, 0, out));
    if (!span_eq(got, expected))
        fail_msg("%.*s decodes to %.*s", SPAN_ARGS(strings[row].text), SPAN_ARGS(got));
    assert_true(json_string_is(&doc, 0, expected));
    assert_int_equal(json_utf8_prefix(got), got.len);
    // Neither a part nor more nor something else is equal.
    for (size_t len = 0; len < expected.len; len++)
        assert_false(json_string_is(&doc, 0, span_make(expected.at, len)));
    struct buf other;
    buf_init(&other, 1000);
    buf_append_span(&other, expected);
    buf_append_char(&other, 'x');
    assert_false(json_string_is(&doc, 0, buf_span(&other)));
    for (size_t i = 0; i < expected.len; i++) {
        other.at[i] ^= 1;
        assert_false(json_string_is(&doc, 0, span_make(other.at, expected.len)));
        other.at[i] ^= 1;
    }
    buf_deinit(&other);
    xfree(out);
}

static void test_strings(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(strings); i++) {
        struct json_error error;
        if (json_parse(&doc, strings[i].text, 0, &error) == OK)
            check_string(i);
        else
            assert_int_equal(strings[i].decoded.len, 0);
    }
}

// Every code point, as an escape and raw.
static void test_all_code_points(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x110000; code += code < 0x3000 ? 1 : 7) {
        char text[16];
        if (code < 0x10000)
            snprintf(text, sizeof(text), "\"\\u%04x\"", code);
        else
            snprintf(text, sizeof(text), "\"\\u%04x\\u%04X\"", 0xd800 + ((code - 0x10000) >> 10),
                     0xdc00 + (code & 0x3ff));
        parse(span_of(text));
        uint8_t raw[12];
        size_t len = json_decode_string(&doc, 0, (char *)raw);
        uint32_t lead = len == 1 ? raw[0] : raw[0] & (0x7fU >> len);
        for (size_t i = 1; i < len; i++)
            lead = lead << 6 | (raw[i] & 0x3f);
        assert_int_equal(lead, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
        assert_true(len == 1 || json_scan_utf8(raw, raw + len) == len);
    }
}

static void test_utf8_prefix(void **state)
{
    (void)state;
    assert_int_equal(json_utf8_prefix(SPAN("")), 0);
    assert_int_equal(json_utf8_prefix((struct span){0}), 0);
    assert_int_equal(json_utf8_prefix(SPAN("abc\0\x1f")), 5);
    assert_int_equal(json_utf8_prefix(SPAN("ab\xff"
                                           "c")),
                     2);
    assert_int_equal(json_utf8_prefix(SPAN("\xe2\x82\xac\xe2\x82")), 3);
    assert_int_equal(json_utf8_prefix(SPAN("\xed\xa0\x80")), 0);
}

// The wide scans find exactly what a plain loop finds.
static void test_scans_agree(void **state)
{
    (void)state;
    // Plain, and often just beside what is looked for.
    static const uint8_t mostly[16] = "az !#[]\x7f"
                                      "09{},:_~";
    uint8_t bytes[64];
    uint32_t random = 12345;
    for (int round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof(bytes); i++) {
            random = random * 1664525 + 1013904223;
            uint32_t r = random >> 16;
            bytes[i] = r % 64 ? mostly[r & 15] : (uint8_t)(r >> 8);
        }
        const uint8_t *at = bytes + round % 17;
        const uint8_t *end = bytes + sizeof(bytes) - round % 19;
        const uint8_t *plain = at;
        while (plain < end && *plain >= 0x20 && *plain < 0x80 && *plain != '"' && *plain != '\\')
            plain++;
        const uint8_t *ascii = at;
        while (ascii < end && *ascii < 0x80)
            ascii++;
        const uint8_t *escape = at;
        while (escape < end && *escape >= 0x20 && *escape != '"' && *escape != '\\')
            escape++;
        assert_ptr_equal(json_scan_plain(at, end), plain);
        assert_ptr_equal(json_scan_plain_portable(at, end), plain);
        assert_ptr_equal(json_scan_ascii(at, end), ascii);
        assert_ptr_equal(json_scan_escape(at, end), escape);
        assert_ptr_equal(json_scan_escape_portable(at, end), escape);
    }
}

// ---- numbers ----

static const struct {
    const char *text;
    bool is_int64;
    int64_t value;
} integers[] = {
    {"0", true, 0},
    {"1", true, 1},
    {"-1", true, -1},
    {"1234567890123", true, 1234567890123},
    {"9223372036854775807", true, INT64_MAX},
    {"-9223372036854775808", true, INT64_MIN},
    {"9223372036854775808", false, 0},
    {"-9223372036854775809", false, 0},
    {"18446744073709551616", false, 0},
    {"18446744073709551617", false, 0},
    {"99999999999999999999999", false, 0},
    {"-0", false, 0},
    {"1.0", false, 0},
    {"1e1", false, 0},
    {"10E0", false, 0},
    {"null", false, 0},
    {"\"1\"", false, 0},
};

static void test_integers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(integers); i++) {
        parse(span_of(integers[i].text));
        int64_t value = 77;
        assert_int_equal(json_to_int64(&doc, 0, &value), integers[i].is_int64);
        assert_int_equal(value, integers[i].is_int64 ? integers[i].value : 77);
    }
}

static const char *const doubles[] = {
    "0",
    "-0",
    "0.0",
    "-0.0",
    "0e5",
    "1",
    "-1",
    "0.1",
    "0.2",
    "0.3",
    "1.5",
    "1e14",
    "1E+2",
    "1e-2",
    "1e22",
    "1e23",
    "1e-22",
    "1e-23",
    "123456789012345678",
    "12345678901234567890",
    "9007199254740991",
    "9007199254740992",
    "9007199254740993",
    "9007199254740993.0000000000000000000000000000000000001",
    "9007199254740993e0",
    "0.000001",
    "123.456e-10",
    "1.7976931348623157e308",
    "4.9e-324",
    "5e-324",
    "2.2250738585072011e-308",
    "2.2250738585072014e-308",
    "2.4703282292062327e-324",
    "1e-400",
    "1e-99999999999999999999",
    "0e99999999999999999999",
    "3.141592653589793238462643383279502884197",
    "0.30000000000000004",
    "1000000000000000000000000000000000000000000000000000000000000000e-60",
    "0.00000000000000000000000000000000000000000000000000000000001e58",
    "6.02214076e23",
    "17976931348623157e292",
    "99999999999999999999999999999999999999999999999999999999999999",
    "7.2057594037927933e16",
    "1.00000000000000011102230246251565404236316680908203125",
    "1.00000000000000011102230246251565404236316680908203124",
    "8.5e0",
    "19.99",
    "-7.25",
};

static void test_doubles(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(doubles); i++) {
        parse(span_of(doubles[i]));
        double value = 77;
        double expected = strtod(doubles[i], NULL);
        bool is_same = json_to_double(&doc, 0, &value) && value == expected &&
                       signbit(value) == signbit(expected);
        if (!is_same)
            fail_msg("%s reads as %.17g, not %.17g", doubles[i], value, expected);
    }
    static const char *const infinite[] = {"1e309", "-1e309", "1e99999999999999999999", "true"};
    for (size_t i = 0; i < COUNT_OF(infinite); i++) {
        parse(span_of(infinite[i]));
        double value = 77;
        assert_false(json_to_double(&doc, 0, &value));
        assert_true(value == 77);
    }
}

// A number longer than the buffer on the stack, with exponent and fraction that cancel out.
static void test_long_numbers(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_append_text(&text, "-0.");
    for (int i = 0; i < 100000; i++)
        buf_append_char(&text, '0');
    buf_append_text(&text, "125e100001");
    parse(buf_span(&text));
    double value = 0;
    assert_true(json_to_double(&doc, 0, &value));
    assert_true(value == -1.25);
    buf_deinit(&text);
}

static void test_random_doubles(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252;
    for (int round = 0; round < 200000; round++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        double number;
        memcpy(&number, &random, sizeof(number));
        if (round % 2)
            number = (double)(int64_t)(random >> 44) / 1000;
        if (!isfinite(number))
            continue;
        char text[JSON_DOUBLE_TEXT];
        size_t len = json_write_double_text(number, text);
        double back;
        assert_true(json_lexeme_to_double(span_make(text, len), &back));
        assert_memory_equal(&number, &back, sizeof(back));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_elements),
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_duplicate),
        cmocka_unit_test(test_duplicate_among_many),
        cmocka_unit_test(test_duplicate_is_fast),
        cmocka_unit_test(test_names_find_the_last),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_all_code_points),
        cmocka_unit_test(test_utf8_prefix),
        cmocka_unit_test(test_scans_agree),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_long_numbers),
        cmocka_unit_test(test_random_doubles),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
