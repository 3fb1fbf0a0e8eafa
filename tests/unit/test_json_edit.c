// SPDX-License-Identifier: MIT
// Merging without re-encoding: extra_payload's cases, and RFC 7396 with its own table.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "json/json.h"
#include "json/json_edit.h"
#include "support/json_check.h"

struct merged {
    const char *target;
    const char *patch;
    const char *result;
};

static struct json_doc doc;
static struct json_doc patch;
static struct buf out;

static int setup(void **state)
{
    (void)state;
    json_init(&doc);
    json_init(&patch);
    buf_init(&out, 32 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    json_deinit(&doc);
    json_deinit(&patch);
    buf_deinit(&out);
    return 0;
}

static void parse(struct json_doc *into, struct span text)
{
    struct json_error error;
    if (json_parse(into, text, JSON_MAX_DEPTH, &error))
        fail_msg("%.*s: %s at %zu", SPAN_ARGS(text), error.message, error.offset);
}

static void check_result(const struct merged *row)
{
    if (strcmp(buf_text(&out), row->result) != 0)
        fail_msg("%s\n + %s\n = %s\nnot %s", row->target, row->patch, buf_text(&out), row->result);
    parse(&doc, buf_span(&out)); // whatever comes out is JSON
    assert_true(json_check(&doc));
}

// ---- the shallow merge of extra_payload ----

static const struct merged shallow[] = {
    // nothing to do: byte for byte
    {"{}", "{}", "{}"},
    {"{ }", "{}", "{ }"},
    {" {\"a\" : 1 } ", "{}", "{\"a\" : 1 }"},
    {"{\"a\":1e14,\"b\":[ ],\"c\":\"\\u00e9\"}", "{ }", "{\"a\":1e14,\"b\":[ ],\"c\":\"\\u00e9\"}"},
    // new members follow in their order
    {"{}", "{\"a\":1}", "{\"a\":1}"},
    {"{ }", "{\"b\":1,\"a\":2}", "{\"b\":1,\"a\":2 }"},
    {"{\"x\":0}", "{\"b\":1,\"a\":2}", "{\"x\":0,\"b\":1,\"a\":2}"},
    {"{\"x\":0}", "{ \"b\" : 1.0 ,\n\"a\":[ 1 ] }", "{\"x\":0,\"b\":1.0,\"a\":[ 1 ]}"},
    {"{\n  \"x\": 0\n}", "{\"b\":1}", "{\n  \"x\": 0,\"b\":1\n}"},
    // a member that exists keeps its place and takes the new value
    {"{\"a\":1,\"b\":2,\"c\":3}", "{\"b\":9}", "{\"a\":1,\"b\":9,\"c\":3}"},
    {"{\"a\":1,\"b\":2,\"c\":3}", "{\"c\":7,\"a\":8}", "{\"a\":8,\"b\":2,\"c\":7}"},
    {"{\"a\":1}", "{\"a\":{\"x\":[]}}", "{\"a\":{\"x\":[]}}"},
    {"{ \"a\" : 1 , \"b\" : 2 }", "{\"a\":9}", "{ \"a\" : 9 , \"b\" : 2 }"},
    {"{\"a\":1}", "{\"b\":2,\"a\":3,\"c\":4}", "{\"a\":3,\"b\":2,\"c\":4}"},
    {"{\"a\":1e14,\"b\":\"\\u00e9\"}", "{\"c\":12345678901234567890}",
     "{\"a\":1e14,\"b\":\"\\u00e9\",\"c\":12345678901234567890}"},
    // it is shallow: objects are replaced, null is a value
    {"{\"a\":{\"x\":1,\"y\":2}}", "{\"a\":{\"x\":9}}", "{\"a\":{\"x\":9}}"},
    {"{\"a\":1}", "{\"a\":null,\"b\":null}", "{\"a\":null,\"b\":null}"},
    {"{\"a\":{\"b\":1}}", "{\"b\":2}", "{\"a\":{\"b\":1},\"b\":2}"},
    // names are compared decoded and keep their spelling
    {"{\"\\u0061\":1}", "{\"a\":2}", "{\"\\u0061\":2}"},
    {"{\"a\":1}", "{\"\\u0061\":2}", "{\"a\":2}"},
    {"{\"x\":1}", "{\"\\u0061\":2}", "{\"x\":1,\"\\u0061\":2}"},
    {"{\"\xc3\xa9\":1}", "{\"\\u00e9\":2}", "{\"\xc3\xa9\":2}"},
    {"{\"\\ud83d\\ude00\":1}", "{\"\xf0\x9f\x98\x80\":2}", "{\"\\ud83d\\ude00\":2}"},
    {"{\"a\":1}", "{\"A\":2}", "{\"a\":1,\"A\":2}"},
    {"{\"\":1}", "{\"\":2}", "{\"\":2}"},
    // several of a name: the last one, which readers see, takes the value; the others go
    {"{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":9}", "{\"b\":2,\"a\":9}"},
    {"{\"a\":1,\"a\":2,\"a\":3}", "{\"a\":9}", "{\"a\":9}"},
    {"{\"x\":0, \"a\":1 , \"a\":2}", "{\"a\":9}", "{\"x\":0, \"a\":9}"},
    {"{\"x\":0,\"a\":1,\"y\":1,\"a\":2,\"z\":2}", "{\"a\":9,\"n\":1}",
     "{\"x\":0,\"y\":1,\"a\":9,\"z\":2,\"n\":1}"},
    {"{\"a\":1,\"a\":2}", "{\"b\":9}", "{\"a\":1,\"a\":2,\"b\":9}"},
    {"{\"x\":1}", "{\"a\":1,\"b\":2,\"a\":3}", "{\"x\":1,\"b\":2,\"a\":3}"},
    {"{\"a\":1}", "{\"a\":2,\"a\":3}", "{\"a\":3}"},
    // DejaCode's envelope
    {"{\"hook\":{\"uuid\":\"u\",\"event\":\"request.added\",\"target\":\"https://e/"
     "x\"},\"data\":{\"a\":1}}",
     "{\"channel\":\"#legal\",\"data\":null}",
     "{\"hook\":{\"uuid\":\"u\",\"event\":\"request.added\",\"target\":\"https://e/"
     "x\"},\"data\":null,"
     "\"channel\":\"#legal\"}"},
};

static void test_merge(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(shallow); i++) {
        parse(&doc, span_of(shallow[i].target));
        parse(&patch, span_of(shallow[i].patch));
        buf_clear(&out);
        assert_int_equal(json_edit_merge(&out, &doc, 0, &patch, 0), OK);
        check_result(&shallow[i]);
    }
}

static void test_merge_appends(void **state)
{
    (void)state;
    buf_append_text(&out, "before:");
    parse(&doc, SPAN("[{\"a\":1},2]"));
    parse(&patch, SPAN("[0,{\"b\":2}]"));
    assert_int_equal(json_edit_merge(&out, &doc, 1, &patch, 2), OK);
    assert_string_equal(buf_text(&out), "before:{\"a\":1,\"b\":2}");
}

static const struct merged into[] = {
    {"{\"data\":{}}", "{\"a\":1}", "{\"data\":{\"a\":1}}"},
    {"{\"hook\":{\"a\":0}, \"data\" : {\"a\":1 , \"b\":2} , \"z\":[ ] }", "{\"b\":3,\"c\":4}",
     "{\"hook\":{\"a\":0}, \"data\" : {\"a\":1 , \"b\":3,\"c\":4} , \"z\":[ ] }"},
    {"{\"data\":{\"a\":1}}", "{}", "{\"data\":{\"a\":1}}"},
};

static void test_merge_into(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(into); i++) {
        parse(&doc, span_of(into[i].target));
        parse(&patch, span_of(into[i].patch));
        buf_clear(&out);
        uint32_t data = json_get(&doc, 0, SPAN("data"));
        assert_int_equal(json_edit_merge_into(&out, &doc, 0, data, &patch, 0), OK);
        check_result(&into[i]);
    }
}

static void test_overflow(void **state)
{
    (void)state;
    parse(&doc, SPAN("{\"data\":{\"a\":1}}"));
    parse(&patch, SPAN("{\"b\":2}"));
    size_t needed = sizeof("{\"data\":{\"a\":1,\"b\":2}}") - 1;
    for (size_t max = 1; max <= needed; max++) {
        struct buf small;
        buf_init(&small, max);
        enum err expected = max < needed ? ERR_FULL : OK;
        assert_int_equal(json_edit_merge_into(&small, &doc, 0, 2, &patch, 0), expected);
        buf_clear(&small);
        assert_int_equal(json_edit_merge(&small, &doc, 0, &patch, 0), expected);
        buf_deinit(&small);
    }
}

// ---- RFC 7396 ----

static const struct merged deep[] = {
    // the table of its appendix A
    {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
    {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
    {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
    {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
    {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
    {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
    {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
    {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
    {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
    {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
    {"{\"a\":\"foo\"}", "null", "null"},
    {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
    {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
    {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
    {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
    // its example
    {"{\"title\":\"Goodbye!\",\"author\":{\"givenName\":\"John\",\"familyName\":\"Doe\"},"
     "\"tags\":[\"example\",\"sample\"],\"content\":\"This will be unchanged\"}",
     "{\"title\":\"Hello!\",\"phoneNumber\":\"+01-123-456-7890\",\"author\":{\"familyName\":null},"
     "\"tags\":[\"example\"]}",
     "{\"title\":\"Hello!\",\"author\":{\"givenName\":\"John\"},\"tags\":[\"example\"],"
     "\"content\":\"This will be unchanged\",\"phoneNumber\":\"+01-123-456-7890\"}"},
    // spelling of what is untouched stays
    {"{ \"a\" : 1e14 , \"b\":[ ] }", "{}", "{ \"a\" : 1e14 , \"b\":[ ] }"},
    {"{ \"a\" : 1 , \"b\" : 2 , \"c\" : 3 }", "{\"b\":null}", "{ \"a\" : 1, \"c\" : 3 }"},
    {"{\"x\":1 , \"a\":1 , \"b\" : 2 , \"c\":3}", "{\"x\":null}",
     "{ \"a\":1 , \"b\" : 2 , \"c\":3}"},
    {"{ \"a\" : 1 , \"b\" : 2 }", "{\"b\":null}", "{ \"a\" : 1 }"},
    {"{ \"a\" : 1 , \"b\" : 2 }", "{\"a\":null}", "{ \"b\" : 2 }"},
    {"{ \"a\" : 1 , \"b\" : 2 }", "{\"a\":null,\"b\":null}", "{ }"},
    {"{ \"a\" : { \"x\" : 1.50 , \"y\":2} , \"z\":0}", "{\"a\":{\"y\":3}}",
     "{ \"a\" : { \"x\" : 1.50 , \"y\":3} , \"z\":0}"},
    {"{\"a\":1,\"b\":2,\"c\":3}", "{\"a\":null,\"c\":null,\"d\":4}", "{\"b\":2,\"d\":4}"},
    {"{\"a\":1}", "{\"a\":null,\"d\":{\"x\":null,\"y\":[null]}}", "{\"d\":{\"y\":[null]}}"},
    // an object in place of something else starts empty
    {"{\"a\":[1]}", "{\"a\":{\"b\":null,\"c\":1}}", "{\"a\":{\"c\":1}}"},
    {"7", "{\"a\":{\"b\":{\"c\":1,\"d\":null}}}", "{\"a\":{\"b\":{\"c\":1}}}"},
    {"{\"a\":{\"b\":1}}", "{\"a\":{}}", "{\"a\":{\"b\":1}}"},
    {"{\"a\":1}", "{\"a\":{}}", "{\"a\":{}}"},
    // names decoded, several of a name
    {"{\"\\u0061\":{\"b\":1}}", "{\"a\":{\"\\u0062\":null}}", "{\"\\u0061\":{}}"},
    {"{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":null}", "{\"b\":2}"},
    {"{\"a\":{\"x\":1},\"b\":2,\"a\":{\"y\":1}}", "{\"a\":{\"z\":1}}",
     "{\"b\":2,\"a\":{\"y\":1,\"z\":1}}"},
    {"{\"a\":1}", "{\"a\":null,\"a\":2}", "{\"a\":2}"},
    {"{\"a\":1}", "{\"a\":2,\"a\":null}", "{}"},
    {"{}", "{\"a\":2,\"a\":null}", "{}"},
};

static void test_merge_patch(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(deep); i++) {
        parse(&doc, span_of(deep[i].target));
        parse(&patch, span_of(deep[i].patch));
        buf_clear(&out);
        assert_int_equal(json_edit_merge_patch(&out, &doc, 0, &patch, 0), OK);
        check_result(&deep[i]);
    }
}

static void test_merge_patch_as_deep_as_documents(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 16);
    for (int i = 0; i < 2 * JSON_MAX_DEPTH; i++)
        buf_append_text(&text, "{\"a\":");
    buf_append_text(&text, "1");
    for (int i = 0; i < 2 * JSON_MAX_DEPTH; i++)
        buf_append_text(&text, "}");
    struct json_error error;
    assert_int_equal(json_parse(&patch, buf_span(&text), 2 * JSON_MAX_DEPTH, &error), OK);
    assert_int_equal(json_edit_merge_patch(&out, &patch, 0, &patch, 0), OK);
    assert_true(span_eq(buf_span(&out), buf_span(&text)));
    parse(&doc, SPAN("{}"));
    buf_clear(&out);
    assert_int_equal(json_edit_merge_patch(&out, &doc, 0, &patch, 0), OK);
    assert_true(span_eq(buf_span(&out), buf_span(&text)));
    buf_deinit(&text);
}

// Many members on both sides: quadratic work would take minutes; and right, across the table's sizes.
static void test_merge_of_many(void **state)
{
    (void)state;
    struct buf a;
    struct buf b;
    struct buf expected;
    buf_init(&a, 16 << 20);
    buf_init(&b, 16 << 20);
    buf_init(&expected, 16 << 20);
    for (unsigned count = 1; count < 200000; count = count * 3 + 1) {
        buf_clear(&a);
        buf_clear(&b);
        buf_clear(&expected);
        for (unsigned i = 0; i < count; i++) {
            buf_append_format(&a, "%c\"k%u\":%u", i ? ',' : '{', i, i);
            buf_append_format(&b, "%c\"k%u\":-%u", i ? ',' : '{', 2 * i, i);
            buf_append_format(&expected, "%c\"k%u\":%s%u", i ? ',' : '{', i, i % 2 ? "" : "-",
                              i % 2 ? i : i / 2);
        }
        for (unsigned i = (count + 1) / 2; i < count; i++)
            buf_append_format(&expected, ",\"k%u\":-%u", 2 * i, i);
        buf_append_char(&a, '}');
        buf_append_char(&b, '}');
        buf_append_char(&expected, '}');
        parse(&doc, buf_span(&a));
        parse(&patch, buf_span(&b));
        buf_clear(&out);
        assert_int_equal(json_edit_merge(&out, &doc, 0, &patch, 0), OK);
        assert_true(span_eq(buf_span(&out), buf_span(&expected)));
    }
    buf_deinit(&a);
    buf_deinit(&b);
    buf_deinit(&expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_merge, setup, teardown),
        cmocka_unit_test_setup_teardown(test_merge_appends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_merge_into, setup, teardown),
        cmocka_unit_test_setup_teardown(test_overflow, setup, teardown),
        cmocka_unit_test_setup_teardown(test_merge_patch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_merge_patch_as_deep_as_documents, setup, teardown),
        cmocka_unit_test_setup_teardown(test_merge_of_many, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
