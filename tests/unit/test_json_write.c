// SPDX-License-Identifier: MIT
// The writer: commas, escapes, numbers, and that mistakes of nesting end the process.
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "json/json.h"
#include "json/json_write.h"

static struct buf out;
static struct json_writer w;

static int setup(void **state)
{
    (void)state;
    buf_init(&out, 1 << 16);
    json_write_init(&w, &out);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_deinit(&out);
    return 0;
}

static void restart(void)
{
    buf_clear(&out);
    json_write_init(&w, &out);
}

#define assert_written(text) assert_string_equal(buf_text(&out), text)

static void test_object(void **state)
{
    (void)state;
    json_write_object(&w);
    json_write_member_text(&w, "text", "a\"b");
    json_write_member_text(&w, "none", NULL);
    json_write_member_string(&w, "string", SPAN("x\0y"));
    json_write_member_int(&w, "int", -5);
    json_write_member_bool(&w, "yes", true);
    json_write_member_bool(&w, "no", false);
    json_write_member_raw(&w, "raw", SPAN("[1e14 ]"));
    json_write_member_raw(&w, "empty", SPAN(""));
    json_write_name(&w, "in");
    json_write_object(&w);
    json_write_end_object(&w);
    json_write_name_span(&w, SPAN("a\nb"));
    json_write_array(&w);
    json_write_end_array(&w);
    json_write_end_object(&w);
    assert_written("{\"text\":\"a\\\"b\",\"none\":null,\"string\":\"x\\u0000y\",\"int\":-5,"
                   "\"yes\":true,\"no\":false,\"raw\":[1e14 ],\"empty\":null,\"in\":{},"
                   "\"a\\nb\":[]}");
    struct json_doc doc;
    struct json_error error;
    json_init(&doc);
    assert_int_equal(json_parse(&doc, buf_span(&out), 64, &error), OK);
    json_deinit(&doc);
}

static void test_array(void **state)
{
    (void)state;
    json_write_array(&w);
    json_write_int(&w, 1);
    json_write_array(&w);
    json_write_null(&w);
    json_write_end_array(&w);
    json_write_object(&w);
    json_write_member_int(&w, "a", 1);
    json_write_end_object(&w);
    json_write_bool(&w, true);
    json_write_end_array(&w);
    assert_written("[1,[null],{\"a\":1},true]");
}

static void test_scalar_at_the_top(void **state)
{
    (void)state;
    json_write_text(&w, "x");
    assert_written("\"x\"");
}

static void test_depth(void **state)
{
    (void)state;
    for (unsigned i = 0; i < JSON_WRITE_MAX_DEPTH; i++) {
        json_write_array(&w);
        json_write_int(&w, i);
    }
    for (unsigned i = 0; i < JSON_WRITE_MAX_DEPTH; i++) {
        json_write_null(&w);
        json_write_end_array(&w);
    }
    struct json_doc doc;
    struct json_error error;
    json_init(&doc);
    assert_int_equal(json_parse(&doc, buf_span(&out), JSON_WRITE_MAX_DEPTH, &error), OK);
    assert_int_equal(doc.nodes[0].count, 3);
    json_deinit(&doc);
}

static const struct {
    int64_t number;
    const char *text;
} integers[] = {
    {0, "0"},
    {-1, "-1"},
    {INT64_MAX, "9223372036854775807"},
    {INT64_MIN, "-9223372036854775808"},
};

static const struct {
    double number;
    const char *text;
} doubles[] = {
    {0, "0"},
    {-0.0, "-0"},
    {1, "1"},
    {-1.5, "-1.5"},
    {0.1, "0.1"},
    {0.1 + 0.2, "0.30000000000000004"},
    {1e14, "100000000000000"},
    {1e15, "1e+15"},
    {1e300, "1e+300"},
    {5e-324, "4.94065645841247e-324"},
    {1.0 / 3, "0.3333333333333333"},
    {2.0 / 3, "0.6666666666666666"},
    {19.99, "19.99"},
    {1.7976931348623157e308, "1.7976931348623157e+308"},
    {NAN, "null"},
    {INFINITY, "null"},
    {-INFINITY, "null"},
};

static void test_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(integers); i++) {
        restart();
        json_write_int(&w, integers[i].number);
        assert_written(integers[i].text);
    }
    for (size_t i = 0; i < COUNT_OF(doubles); i++) {
        restart();
        json_write_double(&w, doubles[i].number);
        assert_written(doubles[i].text);
    }
}

static void test_dates_and_uids(void **state)
{
    (void)state;
    struct uid uid = {{0xfb, 0xc7, 0x79, 0x86, 0x06, 0xff, 0x4d, 0xbb, 0x81, 0xc3, 0x95, 0xcd, 0x36,
                       0xdb, 0xed, 0x66}};
    json_write_array(&w);
    json_write_uid(&w, &uid);
    json_write_date_ms(&w, 0);
    json_write_date_ms(&w, 1763906602118);
    json_write_end_array(&w);
    assert_written("[\"fbc77986-06ff-4dbb-81c3-95cd36dbed66\",null,\"2025-11-23T14:03:22.118Z\"]");
}

static void test_escapes(void **state)
{
    (void)state;
    json_write_string(&w, SPAN("\"\\/\b\f\n\r\t\x01\x1f\x7f\xc3\xa9<>&'"));
    assert_written("\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa9<>&'\"");
}

// What is written reads back as it was, for every byte at every place.
static void test_escapes_survive(void **state)
{
    (void)state;
    struct json_doc doc;
    json_init(&doc);
    for (size_t len = 1; len < 40; len++) {
        for (int c = 0; c < 0x80; c++) {
            char text[40];
            memset(text, 'a', sizeof(text));
            text[len * 7 % len] = (char)c;
            text[len - 1] = (char)c;
            restart();
            json_write_string(&w, span_make(text, len));
            struct json_error error;
            assert_int_equal(json_parse(&doc, buf_span(&out), 0, &error), OK);
            assert_true(json_string_is(&doc, 0, span_make(text, len)));
        }
    }
    json_deinit(&doc);
}

static const struct {
    struct span text;
    const char *quoted;
} quoted[] = {
    {SPAN(""), "\"\""},
    {SPAN("plain"), "\"plain\""},
    {SPAN("a\nb"), "\"a\\nb\""},
    {SPAN("\xc3\xa9"), "\"\xc3\xa9\""},
    {SPAN("\xff"), "\"\xef\xbf\xbd\""},
    {SPAN("a\xc3"), "\"a\xef\xbf\xbd\""},
    {SPAN("\xe9t\xe9"), "\"\xef\xbf\xbdt\xef\xbf\xbd\""},
    {SPAN("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    {SPAN("x\"\xc0\x80\"\xf0\x9f\x98\x80"),
     "\"x\\\"\xef\xbf\xbd\xef\xbf\xbd\\\"\xf0\x9f\x98\x80\""},
};

static void test_quoted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(quoted); i++) {
        buf_clear(&out);
        json_write_quoted(&out, quoted[i].text);
        assert_written(quoted[i].quoted);
    }
    buf_clear(&out);
    json_write_quoted(&out, (struct span){0});
    assert_written("\"\"");
}

static void test_overflow_shows(void **state)
{
    (void)state;
    buf_deinit(&out);
    buf_init(&out, 20);
    json_write_init(&w, &out);
    json_write_array(&w);
    json_write_text(&w, "0123456789");
    assert_false(out.is_full);
    json_write_text(&w, "0123456789");
    json_write_int(&w, 1);
    json_write_end_array(&w);
    assert_true(out.is_full);
    assert_true(out.len <= 20);
}

// ---- mistakes ----

static void value_without_name(void)
{
    json_write_object(&w);
    json_write_int(&w, 1);
}

static void name_in_array(void)
{
    json_write_array(&w);
    json_write_name(&w, "a");
}

static void name_at_the_top(void)
{
    json_write_name(&w, "a");
}

static void two_names(void)
{
    json_write_object(&w);
    json_write_name(&w, "a");
    json_write_name(&w, "b");
}

static void name_without_value(void)
{
    json_write_object(&w);
    json_write_name(&w, "a");
    json_write_end_object(&w);
}

static void wrong_end(void)
{
    json_write_object(&w);
    json_write_end_array(&w);
}

static void other_wrong_end(void)
{
    json_write_array(&w);
    json_write_end_object(&w);
}

static void end_of_nothing(void)
{
    json_write_end_object(&w);
}

static void second_root(void)
{
    json_write_int(&w, 1);
    json_write_int(&w, 2);
}

static void too_deep(void)
{
    for (unsigned i = 0; i <= JSON_WRITE_MAX_DEPTH; i++)
        json_write_array(&w);
}

static void test_mistakes_abort(void **state)
{
    (void)state;
    static void (*const mistakes[])(void) = {
        value_without_name, name_in_array,   name_at_the_top, two_names,   name_without_value,
        wrong_end,          other_wrong_end, end_of_nothing,  second_root, too_deep,
    };
    for (size_t i = 0; i < COUNT_OF(mistakes); i++) {
        restart();
        pid_t child = fork();
        if (child == 0) {
            setrlimit(RLIMIT_CORE, &(struct rlimit){0});
            signal(SIGABRT, SIG_DFL);
            if (!freopen("/dev/null", "w", stderr))
                _exit(2);
            mistakes[i]();
            _exit(0);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
            fail_msg("mistake %zu passed", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_object, setup, teardown),
        cmocka_unit_test_setup_teardown(test_array, setup, teardown),
        cmocka_unit_test_setup_teardown(test_scalar_at_the_top, setup, teardown),
        cmocka_unit_test_setup_teardown(test_depth, setup, teardown),
        cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dates_and_uids, setup, teardown),
        cmocka_unit_test_setup_teardown(test_escapes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_escapes_survive, setup, teardown),
        cmocka_unit_test_setup_teardown(test_quoted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_overflow_shows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mistakes_abort, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
