// SPDX-License-Identifier: MIT
// Tables fit the width, texts of strangers cannot drive the terminal.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/table.h"

static const struct table_column columns[] = {
    {"ID", false, 0}, {"TARGET", false, 6}, {"COUNT", true, 0}, {"WHY", false, 4}};

static struct table table;
static struct buf out;

static int init(void **state)
{
    (void)state;
    table_init(&table, columns, COUNT_OF(columns));
    buf_init(&out, 1 << 20);
    return 0;
}

static int deinit(void **state)
{
    (void)state;
    table_deinit(&table);
    buf_deinit(&out);
    return 0;
}

static const char *print(int width, bool has_colour)
{
    buf_clear(&out);
    table_print(&table, &out, width, has_colour);
    return buf_text(&out);
}

static void fill(void)
{
    assert_true(table_add_row(&table));
    table_set_text(&table, 0, "a1");
    table_set_text(&table, 1, "https://example.com/in");
    table_set_text(&table, 2, "7");
    table_set_text(&table, 3, "timeout");
    assert_true(table_add_row(&table));
    table_set_text(&table, 0, "b");
    table_set_text(&table, 1, "http://b");
    table_set(&table, 2, SPAN("1,204"), TERM_GOOD);
}

static void test_wide(void **state)
{
    (void)state;
    fill();
    assert_string_equal(print(TERM_NO_WIDTH, false), "ID  TARGET                  COUNT  WHY\n"
                                                     "a1  https://example.com/in      7  timeout\n"
                                                     "b   http://b                1,204\n");
}

// Each width is kept as long as it can be; what is cut shows that it is.
static void test_narrow(void **state)
{
    (void)state;
    fill();
    assert_string_equal(print(30, false), "ID  TARGET      COUNT  WHY\n"
                                          "a1  https://e…      7  timeout\n"
                                          "b   http://b    1,204\n");
    for (int width = 11; width < 60; width++) {
        struct span rest = span_of(print(width, false));
        struct span line;
        while (span_split(&rest, '\n', &line))
            assert_true(term_columns(line) <= (size_t)width || width < 13);
    }
    assert_string_equal(print(15, false), "ID  COUNT\n" // both that may go are gone
                                          "a1      7\n"
                                          "b   1,204\n");
}

static void test_colour(void **state)
{
    (void)state;
    fill();
    assert_non_null(strstr(print(TERM_NO_WIDTH, true), "\x1b[32m1,204\x1b[0m"));
    assert_null(strstr(print(TERM_NO_WIDTH, false), "\x1b"));
}

static void test_note(void **state)
{
    (void)state;
    assert_true(table_add_row(&table));
    table_set_text(&table, 0, "a1");
    table_add_note(&table, SPAN("held: paused\n"));
    assert_string_equal(print(TERM_NO_WIDTH, false), "ID  TARGET  COUNT  WHY\n"
                                                     "a1\n"
                                                     "    held: paused\\x0a\n");
}

// An escape sequence, a C1 control, an override of direction, a byte that is no UTF-8.
static void test_safe(void **state)
{
    (void)state;
    buf_clear(&out);
    term_append_safe(&out, SPAN("a\x1b[31mb\xc2\x9b\xe2\x80\xae\xff\x7f\tc\né"), false);
    assert_string_equal(buf_text(&out), "a\\x1b[31mb\\x9b\\u202e\xef\xbf\xbd\\x7f\\x09c\\x0aé");
    buf_clear(&out);
    term_append_safe(&out, SPAN("a\tb\nc\r"), true);
    assert_string_equal(buf_text(&out), "a\tb\nc\\x0d");
    buf_clear(&out);
    term_append_safe(&out, SPAN("\xe2\x80"), false); // cut off
    assert_string_equal(buf_text(&out), "\xef\xbf\xbd\xef\xbf\xbd");
}

static void test_columns(void **state)
{
    (void)state;
    assert_int_equal(term_columns(SPAN("abc")), 3);
    assert_int_equal(term_columns(SPAN("é…")), 2);
    assert_int_equal(term_columns(SPAN("e\xcc\x81")), 1); // combining acute
    assert_int_equal(term_columns(SPAN("日本")), 4);      // wide
    assert_int_equal(term_prefix(SPAN("日本"), 3), 3);    // no half of one
    assert_int_equal(term_prefix(SPAN("abc"), 2), 2);
}

static void test_width(void **state)
{
    (void)state;
    setenv("COLUMNS", "72", 1);
    assert_int_equal(term_width(stdout), 72);
    setenv("COLUMNS", "0", 1);
    assert_int_not_equal(term_width(stdout), 0xffff);
    setenv("COLUMNS", "10", 1);
    assert_int_equal(term_help_width(stdout), 40);
    unsetenv("COLUMNS");
    setenv("NO_COLOR", "1", 1);
    assert_false(term_has_colour(stdout));
    assert_string_equal(term_style(TERM_BAD, false), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wide, init, deinit),
        cmocka_unit_test_setup_teardown(test_narrow, init, deinit),
        cmocka_unit_test_setup_teardown(test_colour, init, deinit),
        cmocka_unit_test_setup_teardown(test_note, init, deinit),
        cmocka_unit_test_setup_teardown(test_safe, init, deinit),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
