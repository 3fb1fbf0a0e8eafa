// SPDX-License-Identifier: MIT
// What the parser accepts and refuses, where it says the fault is, and that the tape is the source.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "json/json.h"
#include "support/json_check.h"

#define REPEAT8(s)  s s s s s s s s
#define REPEAT64(s) REPEAT8(REPEAT8(s))

struct refused {
    struct span text;
    size_t offset;
    const char *message; // a part of it; NULL: any
};

#define TEXT(literal) SPAN(literal)

static const struct span accepted[] = {
    // every type at the top
    TEXT("null"),
    TEXT("true"),
    TEXT("false"),
    TEXT("0"),
    TEXT("\"\""),
    TEXT("[]"),
    TEXT("{}"),
    // structure
    TEXT("[null,true,false]"),
    TEXT("[[],{},[{}],{\"a\":[]}]"),
    TEXT("{\"a\":{\"b\":{\"c\":[1]}}}"),
    TEXT("{\"a\":1,\"a\":2}"),
    TEXT("{\"\":0}"),
    TEXT("{\"a\":[],\"b\":{}}"),
    TEXT("[1,[2,[3,[4,[5]]]],6]"),
    TEXT("[\"a\",\"b\"]"),
    TEXT("{\"a b\":\"c:d,e}f]\"}"),
    TEXT("[{},{},[],[]]"),
    TEXT("{\"a\":{},\"b\":[],\"c\":null}"),
    // white space
    TEXT(" 1"),
    TEXT("1 "),
    TEXT("\t\r\n 1 \n\r\t"),
    TEXT(" [ ] "),
    TEXT(" { } "),
    TEXT("[ 1 , 2 ]"),
    TEXT("{ \"a\" : 1 , \"b\" : 2 }"),
    TEXT("{\n\t\"a\":\r\n1\n}"),
    TEXT("[[ ] , { } ]"),
    TEXT("1\r\n"),
    TEXT("{}\r"),
    TEXT("                                                                 {}"),
    // numbers
    TEXT("-0"),
    TEXT("-1"),
    TEXT("10"),
    TEXT("1234567890"),
    TEXT("0.0"),
    TEXT("-0.0"),
    TEXT("1.0"),
    TEXT("1.25"),
    TEXT("0.1e1"),
    TEXT("1e1"),
    TEXT("1E1"),
    TEXT("1e+1"),
    TEXT("1e-1"),
    TEXT("1E+01"),
    TEXT("0e0"),
    TEXT("-0e-0"),
    TEXT("1e00"),
    TEXT("1e14"),
    TEXT("1e999999999999999999999"),
    TEXT("1e-999999999999999999999"),
    TEXT("12345678901234567890"),
    TEXT("-9223372036854775809"),
    TEXT("0.00000000000000000000000000000000000000000000000000000000000001"),
    TEXT("100000000000000000000000000000000000000000000000000000000000000000000"),
    TEXT("[0,-0,1.50,2e3]"),
    TEXT("{\"a\":0}"),
    TEXT("[123 ]"),
    TEXT("[1.5\n]"),
    // strings
    TEXT("\"a\""),
    TEXT("\" \""),
    TEXT("\"\\\"\""),
    TEXT("\"\\\\\""),
    TEXT("\"\\/\""),
    TEXT("\"/\""),
    TEXT("\"\\b\\f\\n\\r\\t\""),
    TEXT("\"\\u0000\""),
    TEXT("\"\\u00e9\""),
    TEXT("\"\\uABCD\\uabcd\\uAbCd\""),
    TEXT("\"\\ud83d\\ude00\""),
    TEXT("\"\\ud83d\""),
    TEXT("\"\\ude00\""),
    TEXT("\"\\ude00\\ud83d\""),
    TEXT("\"\\ud83d\\ud83d\\ude00\""),
    TEXT("\"\\uFFFF\""),
    TEXT("\"\\ufeff\""),
    TEXT("\"\\u2028\\u2029\""),
    TEXT("\"\x7f\""),
    TEXT("\"{}[],:\""),
    TEXT("\"'\""),
    TEXT("\"// no comment\""),
    TEXT("\"\\\\\\\"\""),
    TEXT("\"0123456789abcde\""),
    TEXT("\"0123456789abcdef\""),
    TEXT("\"0123456789abcdefg\""),
    TEXT("\"0123456789abcdef0123456789abcde\\\"\""),
    TEXT("\"0123456789abcdef0123456789abcdef0123456789abcdef\\n0123456789abcdef\""),
    // UTF-8: the ends of every range
    TEXT("\"\xc2\x80\""),
    TEXT("\"\xdf\xbf\""),
    TEXT("\"\xe0\xa0\x80\""),
    TEXT("\"\xec\xbf\xbf\""),
    TEXT("\"\xed\x80\x80\""),
    TEXT("\"\xed\x9f\xbf\""),
    TEXT("\"\xee\x80\x80\""),
    TEXT("\"\xef\xbb\xbf\""),
    TEXT("\"\xef\xbf\xbe\""),
    TEXT("\"\xef\xbf\xbf\""),
    TEXT("\"\xf0\x90\x80\x80\""),
    TEXT("\"\xf0\x9f\x98\x80\""),
    TEXT("\"\xf3\xbf\xbf\xbf\""),
    TEXT("\"\xf4\x8f\xbf\xbf\""),
    TEXT("{\"\xc3\xa9\":\"\xc3\xa9\"}"),
    TEXT("\"\xe2\x80\xa8\xe2\x80\xa9\""),
    TEXT("\"a\xc3\xa9\\n\xe2\x82\xac\xf0\x9f\x98\x80z\""),
    TEXT("\"\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82, \xd0\xbc\xd0\xb8\xd1\x80 and more\""),
    // depth: exactly what is allowed
    TEXT(REPEAT64("[") REPEAT64("]")),
    TEXT(REPEAT64("{\"a\":") "1" REPEAT64("}")),
    TEXT(REPEAT64("[ ") REPEAT64("] ")),
};

static const struct refused refused[] = {
    // nothing there
    {TEXT(""), 0, "empty"},
    {TEXT(" "), 1, "ends where a value"},
    {TEXT("\n\t"), 2, NULL},
    // structure: cut off
    {TEXT("["), 1, "ends where a value"},
    {TEXT("{"), 1, "ends inside an object"},
    {TEXT("[1"), 2, "ends inside an array"},
    {TEXT("[1,"), 3, "ends where a value"},
    {TEXT("{\"a\""), 4, "ends inside an object"},
    {TEXT("{\"a\":"), 5, "ends where a value"},
    {TEXT("{\"a\":1"), 6, "ends inside an object"},
    {TEXT("{\"a\":1,"), 7, "ends inside an object"},
    {TEXT("[[]"), 3, "ends inside an array"},
    {TEXT("{\"a\":{}"), 7, "ends inside an object"},
    {TEXT("[ "), 2, NULL},
    {TEXT("{ "), 2, NULL},
    {TEXT("{\"a\":1 "), 7, NULL},
    // structure: commas and colons
    {TEXT("[1,]"), 2, "a comma with nothing behind it"},
    {TEXT("[,1]"), 1, "before the comma"},
    {TEXT("[,]"), 1, NULL},
    {TEXT("[1,,2]"), 3, "before the comma"},
    {TEXT("{\"a\":1,}"), 6, "a comma"},
    {TEXT("{,}"), 1, "a name in double quotes"},
    {TEXT("{\"a\":1,,\"b\":2}"), 7, "a name"},
    {TEXT("[1 2]"), 3, "a comma or ] expected"},
    {TEXT("{\"a\":1 \"b\":2}"), 7, "a comma or } expected"},
    {TEXT("{\"a\" 1}"), 5, "a colon expected"},
    {TEXT("{\"a\"::1}"), 5, "a value expected"},
    {TEXT("{\"a\",1}"), 4, "a colon expected"},
    {TEXT("{\"a\"}"), 4, "a colon expected"},
    {TEXT("{\"a\":}"), 5, "before the bracket"},
    {TEXT("[\"a\":1]"), 4, "a comma or ]"},
    {TEXT("{:1}"), 1, NULL},
    {TEXT("[1:2]"), 2, NULL},
    {TEXT("{\"a\":1 , }"), 7, "a comma with"},
    {TEXT("[1;2]"), 2, NULL},
    // structure: brackets
    {TEXT("]"), 0, "before the bracket"},
    {TEXT("}"), 0, NULL},
    {TEXT("[}"), 1, NULL},
    {TEXT("{]"), 1, NULL},
    {TEXT("[1}"), 2, "a comma or ]"},
    {TEXT("{\"a\":1]"), 6, "a comma or }"},
    {TEXT("[[1}]"), 3, NULL},
    {TEXT("(1)"), 0, NULL},
    {TEXT("[1,}"), 2, NULL},
    // names
    {TEXT("{1:2}"), 1, "a name in double quotes"},
    {TEXT("{a:1}"), 1, "a name in double quotes"},
    {TEXT("{'a':1}"), 1, "names are written with double"},
    {TEXT("{null:1}"), 1, NULL},
    {TEXT("{[]:1}"), 1, NULL},
    {TEXT("{\"a\":1,b:2}"), 7, NULL},
    {TEXT("{\"a:1}"), 1, "closing quote"},
    // behind the value
    {TEXT("1 2"), 2, "something stands behind"},
    {TEXT("{}{}"), 2, "behind"},
    {TEXT("[]]"), 2, "behind"},
    {TEXT("{}}"), 2, "behind"},
    {TEXT("null,"), 4, "behind"},
    {TEXT("\"a\"b"), 3, "behind"},
    {TEXT("1\0"), 1, "behind"},
    {TEXT("{}\0"), 2, "behind"},
    {TEXT("[] // x"), 3, "behind"},
    {TEXT("nullnull"), 4, "behind"},
    {TEXT("0 0"), 2, NULL},
    {TEXT("{} #"), 3, NULL},
    // white space that is none
    {TEXT("\f1"), 0, NULL},
    {TEXT("\v1"), 0, NULL},
    {TEXT("1\f"), 1, NULL},
    {TEXT("[\v]"), 1, NULL},
    {TEXT("\xc2\xa0"
          "1"),
     0, "a value expected"},
    {TEXT("\xe2\x80\xa8"
          "1"),
     0, NULL},
    {TEXT("[1\xc2\xa0]"), 2, NULL},
    {TEXT("\0"), 0, NULL},
    {TEXT("[\0]"), 1, NULL},
    {TEXT("\xe3\x80\x80[]"), 0, NULL},
    {TEXT("{\"a\"\xc2\x85:1}"), 4, NULL},
    // byte order marks
    {TEXT("\xef\xbb\xbf{}"), 0, "byte order mark"},
    {TEXT("\xef\xbb\xbf"), 0, "byte order mark"},
    {TEXT("\xff\xfe{\0}\0"), 0, "not UTF-8"},
    {TEXT("\xfe\xff\0{\0}"), 0, "not UTF-8"},
    {TEXT("{\0}\0"), 1, NULL},
    {TEXT("{}\xef\xbb\xbf"), 2, NULL},
    // words
    {TEXT("nul"), 0, "true, false and null"},
    {TEXT("nulL"), 0, NULL},
    {TEXT("truee"), 4, NULL},
    {TEXT("tru"), 0, NULL},
    {TEXT("fals"), 0, NULL},
    {TEXT("True"), 0, "lower case"},
    {TEXT("FALSE"), 0, "lower case"},
    {TEXT("None"), 0, "not JSON"},
    {TEXT("NaN"), 0, "NaN"},
    {TEXT("Infinity"), 0, "Infinity"},
    {TEXT("-Infinity"), 1, "behind the minus"},
    {TEXT("-NaN"), 1, NULL},
    {TEXT("undefined"), 0, NULL},
    {TEXT("nan"), 0, NULL},
    {TEXT("inf"), 0, NULL},
    {TEXT("[nan]"), 1, NULL},
    {TEXT("[truefalse]"), 5, NULL},
    {TEXT("t"), 0, NULL},
    {TEXT("a"), 0, NULL},
    {TEXT("[nu]"), 1, NULL},
    // numbers
    {TEXT("-"), 1, "behind the minus"},
    {TEXT("--1"), 1, NULL},
    {TEXT("+1"), 0, "begin with +"},
    {TEXT("-+1"), 1, NULL},
    {TEXT("01"), 0, "begin with 0"},
    {TEXT("-01"), 1, "begin with 0"},
    {TEXT("00"), 0, "begin with 0"},
    {TEXT("-00"), 1, NULL},
    {TEXT("[012]"), 1, NULL},
    {TEXT("01.5"), 0, NULL},
    {TEXT("1."), 2, "behind the point"},
    {TEXT("1.e1"), 2, "behind the point"},
    {TEXT("."), 0, NULL},
    {TEXT(".5"), 0, "before the point"},
    {TEXT("-.5"), 1, NULL},
    {TEXT("1..2"), 2, NULL},
    {TEXT("1.2.3"), 3, "behind"},
    {TEXT("1e"), 2, "exponent"},
    {TEXT("1e+"), 3, "exponent"},
    {TEXT("1e-"), 3, "exponent"},
    {TEXT("1E"), 2, NULL},
    {TEXT("1e1.5"), 3, NULL},
    {TEXT("1ee1"), 2, NULL},
    {TEXT("1e+-1"), 3, NULL},
    {TEXT("e1"), 0, NULL},
    {TEXT("0x10"), 1, NULL},
    {TEXT("[0x10]"), 2, NULL},
    {TEXT("1_000"), 1, NULL},
    {TEXT("1,000"), 1, NULL},
    {TEXT("1 000"), 2, NULL},
    {TEXT("1a"), 1, NULL},
    {TEXT("1f"), 1, NULL},
    {TEXT("0b1"), 1, NULL},
    {TEXT("\xef\xbc\x91"), 0, NULL},
    {TEXT("- 1"), 1, NULL},
    {TEXT("[-]"), 2, NULL},
    {TEXT("[1.]"), 3, NULL},
    {TEXT("[1e]"), 3, NULL},
    {TEXT("1\xc3\xa9"), 1, NULL},
    {TEXT("2.e3"), 2, NULL},
    {TEXT("0e"), 2, NULL},
    {TEXT("0.3e"), 4, NULL},
    {TEXT("9.3e+"), 5, NULL},
    // strings
    {TEXT("\""), 0, "no closing quote"},
    {TEXT("\"abc"), 0, "no closing quote"},
    {TEXT("[\"a"), 1, "closing"},
    {TEXT("\"\\"), 2, "ends inside a string"},
    {TEXT("\"\\\""), 0, "closing"},
    {TEXT("\"\\u"), 3, "ends inside"},
    {TEXT("\"\\u00"), 5, "ends inside"},
    {TEXT("\"\\u00\""), 1, "four hexadecimal"},
    {TEXT("\"\\u00g0\""), 1, "four hexadecimal"},
    {TEXT("\"\\u 123\""), 1, NULL},
    {TEXT("\"\\u+123\""), 1, NULL},
    {TEXT("\"\\uD8\\u\""), 1, NULL},
    {TEXT("\"\\ud800\\u1\""), 7, NULL},
    {TEXT("\"\\U0041\""), 1, "an escape is"},
    {TEXT("\"\\x41\""), 1, "an escape is"},
    {TEXT("\"\\a\""), 1, NULL},
    {TEXT("\"\\'\""), 1, NULL},
    {TEXT("\"\\0\""), 1, NULL},
    {TEXT("\"\\v\""), 1, NULL},
    {TEXT("\"\\\n\""), 1, NULL},
    {TEXT("\"\\N\""), 1, NULL},
    {TEXT("\"\\\xc3\xa9\""), 1, NULL},
    {TEXT("'a'"), 0, "double quotes"},
    {TEXT("\"a'"), 0, NULL},
    {TEXT("\"\n\""), 1, "line break"},
    {TEXT("\"\r\""), 1, "line break"},
    {TEXT("\"\t\""), 1, "a tab"},
    {TEXT("\"\0\""), 1, "control"},
    {TEXT("\"\x1f\""), 1, "control"},
    {TEXT("\"abc\x01\""), 4, "control"},
    {TEXT("\"0123456789abcdef\x08\""), 17, "control"},
    {TEXT("{\"a\nb\":1}"), 3, "line break"},
    {TEXT("`a`"), 0, NULL},
    {TEXT("\xe2\x80\x9c"
          "a\xe2\x80\x9d"),
     0, NULL},
    {TEXT("\\u0022a\""), 0, NULL},
    // UTF-8: just outside of every range
    {TEXT("\"\x80\""), 1, "not UTF-8"},
    {TEXT("\"\xbf\""), 1, "not UTF-8"},
    {TEXT("\"\xc0\x80\""), 1, NULL},
    {TEXT("\"\xc1\xbf\""), 1, NULL},
    {TEXT("\"\xc2\""), 1, NULL},
    {TEXT("\"\xc2\x7f\""), 1, NULL},
    {TEXT("\"\xc2\xc0\""), 1, NULL},
    {TEXT("\"\xdf\xc0\""), 1, NULL},
    {TEXT("\"\xe0\x80\x80\""), 1, NULL},
    {TEXT("\"\xe0\x9f\xbf\""), 1, NULL},
    {TEXT("\"\xe1\x80\""), 1, NULL},
    {TEXT("\"\xe1\x80\x7f\""), 1, NULL},
    {TEXT("\"\xe1\x80\xc0\""), 1, NULL},
    {TEXT("\"\xe1\x7f\x80\""), 1, NULL},
    {TEXT("\"\xe1\xc0\x80\""), 1, NULL},
    {TEXT("\"\xed\xa0\x80\""), 1, "half a surrogate pair"},
    {TEXT("\"\xed\xaf\xbf\""), 1, "half"},
    {TEXT("\"\xed\xb0\x80\""), 1, "half"},
    {TEXT("\"\xed\xbf\xbf\""), 1, "half"},
    {TEXT("\"\xed\xa0\xbd\xed\xb8\x80\""), 1, "half"},
    {TEXT("\"\xf0\x80\x80\x80\""), 1, NULL},
    {TEXT("\"\xf0\x8f\xbf\xbf\""), 1, NULL},
    {TEXT("\"\xf0\x90\x80\""), 1, NULL},
    {TEXT("\"\xf0\x90\x80\x7f\""), 1, NULL},
    {TEXT("\"\xf0\x90\x7f\x80\""), 1, NULL},
    {TEXT("\"\xf0\x7f\x80\x80\""), 1, NULL},
    {TEXT("\"\xf4\x90\x80\x80\""), 1, NULL},
    {TEXT("\"\xf5\x80\x80\x80\""), 1, NULL},
    {TEXT("\"\xf8\x88\x80\x80\x80\""), 1, NULL},
    {TEXT("\"\xfc\x84\x80\x80\x80\x80\""), 1, NULL},
    {TEXT("\"\xfe\""), 1, NULL},
    {TEXT("\"\xff\""), 1, NULL},
    {TEXT("\"\xc3"), 1, "not UTF-8"},
    {TEXT("\"\xe2\x82"), 1, NULL},
    {TEXT("\"\xf0\x9f\x98"), 1, NULL},
    {TEXT("\"caf\xe9\""), 4, "not UTF-8"},
    {TEXT("{\"\xe9\":1}"), 2, NULL},
    {TEXT("\xc3"), 0, "not UTF-8"},
    {TEXT("\"0123456789abcdef0123456789\xc3\xa9\xa9\""), 29, NULL},
    {TEXT("[\"a\",\"\xc3\xa9\xff\"]"), 8, NULL},
    // other languages
    {TEXT("[1/*x*/]"), 2, NULL},
    {TEXT("/* x */ 1"), 0, "no comments"},
    {TEXT("// x\n1"), 0, "no comments"},
    {TEXT("# x\n1"), 0, NULL},
    {TEXT("<a/>"), 0, NULL},
    {TEXT("a=1"), 0, NULL},
    {TEXT("*"), 0, NULL},
    {TEXT("{\"a\"=1}"), 4, NULL},
    {TEXT("[1,...]"), 3, NULL},
    {TEXT("&x"), 0, NULL},
    {TEXT("@"), 0, NULL},
    // depth: one more than allowed
    {TEXT(REPEAT64("[") "["
                        "]" REPEAT64("]")),
     64, "nested too deeply"},
    {TEXT(REPEAT64("{\"a\":") "{}" REPEAT64("}")), 320, "nested too deeply"},
    {TEXT(REPEAT64("[") "{"), 64, "nested too deeply"},
    {TEXT(REPEAT64("[") REPEAT64("[")), 64, "nested too deeply"},
};

// A copy on the heap, so that the sanitizer sees a read behind its end.
static enum err parse(struct json_doc *doc, struct span text, unsigned depth,
                      struct json_error *error)
{
    static char *copy;
    xfree(copy);
    copy = xmalloc(text.len);
    if (text.len)
        memcpy(copy, text.at, text.len);
    return json_parse(doc, span_make(copy, text.len), depth, error);
}

static void test_accepts(void **state)
{
    (void)state;
    struct json_doc doc;
    json_init(&doc);
    for (size_t i = 0; i < COUNT_OF(accepted); i++) {
        struct json_error error;
        if (parse(&doc, accepted[i], JSON_MAX_DEPTH, &error))
            fail_msg("%.*s: %s at %zu", SPAN_ARGS(accepted[i]), error.message, error.offset);
        if (!json_check(&doc))
            fail_msg("%.*s: the tape is not the source", SPAN_ARGS(accepted[i]));
    }
    json_deinit(&doc);
}

static void test_refuses(void **state)
{
    (void)state;
    struct json_doc doc;
    json_init(&doc);
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        const struct refused *r = &refused[i];
        struct json_error error = {.offset = SIZE_MAX};
        if (parse(&doc, r->text, JSON_MAX_DEPTH, &error) != ERR_SYNTAX)
            fail_msg("%.*s (row %zu) was accepted", SPAN_ARGS(r->text), i);
        assert_int_equal(doc.count, 0);
        assert_int_equal(doc.source.len, 0);
        if (error.offset != r->offset || (r->message && !strstr(error.message, r->message)))
            fail_msg("%.*s (row %zu): \"%s\" at %zu, expected \"%s\" at %zu", SPAN_ARGS(r->text), i,
                     error.message, error.offset, r->message ? r->message : "", r->offset);
    }
    json_deinit(&doc);
}

// A document cut off anywhere is refused, and so is one with anything behind it.
static void test_refuses_parts(void **state)
{
    (void)state;
    struct json_doc doc;
    json_init(&doc);
    for (size_t i = 0; i < COUNT_OF(accepted); i++) {
        struct span whole = span_trim(accepted[i]);
        struct json_error error;
        bool is_container = whole.at[0] == '[' || whole.at[0] == '{' || whole.at[0] == '"';
        for (size_t len = 0; is_container && len < whole.len; len++) {
            if (!parse(&doc, span_make(whole.at, len), JSON_MAX_DEPTH, &error))
                fail_msg("%.*s was accepted", (int)len, whole.at);
            assert_true(error.offset <= len);
        }
    }
    json_deinit(&doc);
}

static void test_depth_is_the_callers(void **state)
{
    (void)state;
    struct json_doc doc;
    json_init(&doc);
    struct json_error error;
    assert_int_equal(parse(&doc, SPAN("1"), 0, &error), OK);
    assert_int_equal(parse(&doc, SPAN("[]"), 0, &error), ERR_SYNTAX);
    assert_int_equal(parse(&doc, SPAN("[]"), 1, &error), OK);
    assert_int_equal(parse(&doc, SPAN("[[]]"), 1, &error), ERR_SYNTAX);
    assert_int_equal(error.offset, 1);
    // Depth is how many are open at once, not how many there are.
    assert_int_equal(parse(&doc, SPAN("[[],[],[{}],{}]"), 3, &error), OK);
    assert_int_equal(parse(&doc, SPAN(REPEAT64("[[") REPEAT64("]]")), JSON_MAX_DEPTH * 2, &error),
                     OK);
    assert_true(json_check(&doc));
    assert_int_equal(doc.count, 128);
    json_deinit(&doc);
}

static void test_deep_input_costs_nothing(void **state)
{
    (void)state;
    size_t len = 4 << 20;
    char *text = xmalloc(len);
    struct json_doc doc;
    json_init(&doc);
    struct json_error error;
    memset(text, '[', len);
    assert_int_equal(json_parse(&doc, span_make(text, len), 64, &error), ERR_SYNTAX);
    assert_int_equal(error.offset, 64);
    json_deinit(&doc);
    xfree(text);
}

static void test_tape(void **state)
{
    (void)state;
    struct json_doc doc;
    json_init(&doc);
    struct json_error error;
    struct span text = SPAN(" {\"a\" : [1, \"x\\ny\"], \"b\":{ } }\n");
    assert_int_equal(json_parse(&doc, text, 8, &error), OK);
    static const struct json_node expected[] = {
        {.start = 1, .end = 32, .next = 7, .count = 2, .type = JSON_OBJECT},
        {.start = 2, .end = 5, .next = 2, .type = JSON_STRING},
        {.start = 8, .end = 19, .next = 5, .count = 2, .type = JSON_ARRAY},
        {.start = 9, .end = 10, .next = 4, .type = JSON_NUMBER},
        {.start = 12, .end = 18, .next = 5, .type = JSON_STRING, .has_escape = true},
        {.start = 21, .end = 24, .next = 6, .type = JSON_STRING},
        {.start = 25, .end = 28, .next = 7, .type = JSON_OBJECT},
    };
    assert_int_equal(doc.count, COUNT_OF(expected));
    for (uint32_t i = 0; i < doc.count; i++) {
        assert_int_equal(doc.nodes[i].start, expected[i].start);
        assert_int_equal(doc.nodes[i].next, expected[i].next);
        assert_int_equal(doc.nodes[i].count, expected[i].count);
        assert_int_equal(doc.nodes[i].type, expected[i].type);
        assert_int_equal(doc.nodes[i].has_escape, expected[i].has_escape);
    }
    assert_true(span_is(json_raw(&doc, 2), "[1, \"x\\ny\"]"));
    assert_true(span_is(json_inside(&doc, 4), "x\\ny"));
    assert_true(json_check(&doc));
    json_deinit(&doc);
}

// As many nodes per byte as there can be, growing from nothing.
static void test_many_nodes(void **state)
{
    (void)state;
    static const char *const items[] = {"1,", "[],", "\"\",", "{\"\":1},", "[[[1]]],"};
    struct json_doc doc;
    json_init(&doc);
    for (size_t i = 0; i < COUNT_OF(items); i++) {
        struct buf text;
        buf_init(&text, 1 << 20);
        buf_append_char(&text, '[');
        for (int k = 0; k < 30000; k++)
            buf_append_text(&text, items[i]);
        text.at[text.len - 1] = ']';
        struct json_error error;
        assert_int_equal(json_parse(&doc, buf_span(&text), 8, &error), OK);
        assert_int_equal(doc.nodes[0].count, 30000);
        assert_true(json_check(&doc));
        assert_true(doc.capacity <= text.len / 2 + 2 * JSON_MAX_DEPTH + 2);
        json_trim(&doc, 1000);
        assert_int_equal(doc.capacity, 0);
        buf_deinit(&text);
    }
    json_deinit(&doc);
}

static void test_memory_is_kept(void **state)
{
    (void)state;
    struct json_doc doc;
    json_init(&doc);
    struct json_error error;
    assert_int_equal(json_parse(&doc, SPAN("[1,2,3]"), 8, &error), OK);
    uint32_t capacity = doc.capacity;
    json_trim(&doc, capacity);
    assert_int_equal(doc.count, 4);
    assert_int_equal(json_parse(&doc, SPAN("[1,"), 8, &error), ERR_SYNTAX);
    assert_int_equal(doc.capacity, capacity);
    assert_int_equal(doc.count, 0);
    json_deinit(&doc);
    assert_null(doc.nodes);
}

// The first quote, control character or bad byte at every place of a block is found.
static void test_every_alignment(void **state)
{
    (void)state;
    struct json_doc doc;
    json_init(&doc);
    for (size_t len = 0; len < 70; len++) {
        char text[80];
        struct json_error error;
        memset(text, 'a', sizeof(text));
        text[0] = text[len + 1] = '"';
        assert_int_equal(parse(&doc, span_make(text, len + 2), 0, &error), OK);
        assert_int_equal(json_inside(&doc, 0).len, len);
        for (size_t bad = 1; bad <= len; bad++) {
            for (int c = 0; c < 256; c++) {
                text[bad] = (char)c;
                bool is_good = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
                enum err err = parse(&doc, span_make(text, len + 2), 0, &error);
                if (is_good == (err != OK))
                    fail_msg("byte %d at %zu of %zu", c, bad, len);
            }
            text[bad] = 'a';
        }
    }
    json_deinit(&doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_refuses_parts),
        cmocka_unit_test(test_depth_is_the_callers),
        cmocka_unit_test(test_deep_input_costs_nothing),
        cmocka_unit_test(test_tape),
        cmocka_unit_test(test_many_nodes),
        cmocka_unit_test(test_memory_is_kept),
        cmocka_unit_test(test_every_alignment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
