// SPDX-License-Identifier: MIT
// Tests of base/log: both formats, escaping, cutting, priorities, a reader that does not read; children.
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/log.h"
#include "base/thread.h"
#include "support/child.h"

static struct child_end end;

static void write_brackets(void *context)
{
    log_setup(LOG_INFO, *(enum log_format *)context);
    struct log_record r;
    log_begin(&r, LOG_INFO, LOG_MAIN_AREA, "a>");
    log_str(&r, "open", "x{");
    log_str(&r, "last", ">");
    log_int(&r, "n", 1);
    log_end(&r);
}

// The line without its time, which is checked to be there.
static const char *behind_time(const char *line, const char *before)
{
    size_t len = strlen(before);
    assert_memory_equal(line, before, len);
    assert_int_equal(line[len + 4], '-');
    assert_int_equal(line[len + 23], 'Z');
    return line + len + 24;
}

static void write_fields(void *context)
{
    log_setup(LOG_INFO, *(enum log_format *)context);
    struct uid uid;
    CHECK(uid_parse(SPAN("fbc77986-06ff-4dbb-81c3-95cd36dbed66"), &uid));
    struct log_record r;
    log_begin(&r, LOG_WARN, LOG_STORE_AREA, "disk is full");
    log_str(&r, "path", "/var/lib/grapnel");
    log_str(&r, "left_out", NULL);
    log_str(&r, "empty", "");
    log_span(&r, "span", SPAN("a=b"));
    log_int(&r, "least", INT64_MIN);
    log_uid(&r, "event", &uid);
    log_end(&r);
}

static void test_logfmt(void **state)
{
    (void)state;
    enum log_format format = LOG_LOGFMT;
    child_run(write_fields, &format, &end);
    assert_string_equal(
        behind_time(end.text, "time="),
        " level=warn area=store msg=\"disk is full\" path=/var/lib/grapnel empty=\"\""
        " span=\"a=b\" least=-9223372036854775808"
        " event=fbc77986-06ff-4dbb-81c3-95cd36dbed66\n");
}

static void test_json(void **state)
{
    (void)state;
    enum log_format format = LOG_JSON;
    child_run(write_fields, &format, &end);
    assert_string_equal(behind_time(end.text, "{\"time\":\""),
                        "\",\"level\":\"warn\",\"area\":\"store\",\"msg\":\"disk is full\","
                        "\"path\":\"/var/lib/grapnel\",\"empty\":\"\",\"span\":\"a=b\","
                        "\"least\":-9223372036854775808,"
                        "\"event\":\"fbc77986-06ff-4dbb-81c3-95cd36dbed66\"}\n");
}

// Values that end as a line may begin.
static void test_fields_are_apart(void **state)
{
    (void)state;
    enum log_format format = LOG_LOGFMT;
    child_run(write_brackets, &format, &end);
    assert_non_null(strstr(end.text, " msg=a> open=x{ last=> n=1\n"));
    format = LOG_JSON;
    child_run(write_brackets, &format, &end);
    assert_non_null(strstr(end.text, ",\"msg\":\"a>\",\"open\":\"x{\",\"last\":\">\",\"n\":1}\n"));
}

static void write_levels(void *context)
{
    log_setup(*(enum log_level *)context, LOG_LOGFMT);
    log_line(LOG_ERROR, LOG_MAIN_AREA, "e%d", 1);
    log_line(LOG_WARN, LOG_MAIN_AREA, "w%d", 2);
    log_line(LOG_INFO, LOG_MAIN_AREA, "i%d", 3);
    log_line(LOG_DEBUG, LOG_MAIN_AREA, "d%d", 4);
}

static void test_levels(void **state)
{
    (void)state;
    static const char *const names[] = {
        "level=error area=main msg=e1\n", "level=warn area=main msg=w2\n",
        "level=info area=main msg=i3\n", "level=debug area=main msg=d4\n"};
    for (size_t level = 0; level < COUNT_OF(names); level++) {
        enum log_level wanted = (enum log_level)level;
        child_run(write_levels, &wanted, &end);
        for (size_t i = 0; i < COUNT_OF(names); i++)
            assert_int_equal(strstr(end.text, names[i]) != NULL, i <= level);
    }
}

static void write_value(void *context)
{
    const struct span *value = context;
    for (int format = LOG_LOGFMT; format <= LOG_JSON; format++) {
        log_setup(LOG_INFO, (enum log_format)format);
        struct log_record r;
        log_begin(&r, LOG_INFO, LOG_MAIN_AREA, "m");
        log_span(&r, "v", *value);
        log_end(&r);
    }
}

// `quoted` is how the value stands in both formats.
static void expect_quoted(struct span value, const char *quoted)
{
    char wanted[200];
    child_run(write_value, &value, &end);
    (void)snprintf(wanted, sizeof wanted, " v=%s\n", quoted);
    assert_non_null(strstr(end.text, wanted));
    (void)snprintf(wanted, sizeof wanted, ",\"v\":%s}\n", quoted);
    assert_non_null(strstr(end.text, wanted));
}

static void test_escapes(void **state)
{
    (void)state;
    expect_quoted(SPAN("two words"), "\"two words\"");
    expect_quoted(SPAN("say \"x\" \\"), "\"say \\\"x\\\" \\\\\"");
    expect_quoted(SPAN("a\nb\tc\rd"), "\"a\\nb\\tc\\rd\"");
    expect_quoted(SPAN("\x1b[31m\0\x7f"), "\"\\u001b[31m\\u0000\\u007f\"");
    expect_quoted(SPAN("\xc2\x9b"), "\"\\u009b\""); // a terminal's escape in one character
    expect_quoted(SPAN("caf\xc3\xa9 \xf0\x9f\x8e\xa3"), "\"caf\xc3\xa9 \xf0\x9f\x8e\xa3\"");
    // What is no UTF-8: a stray byte, an overlong form, a surrogate, too high, cut.
    expect_quoted(SPAN("\xff"), "\"\xef\xbf\xbd\"");
    expect_quoted(SPAN("\xc0\xaf"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    expect_quoted(SPAN("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    expect_quoted(SPAN("\xf4\x90\x80\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    expect_quoted(SPAN("a\xe2\x82"), "\"a\xef\xbf\xbd\xef\xbf\xbd\"");
}

struct wide {
    enum log_format format;
    char fill;  // what the value is made of
    size_t len; // of the value, bytes
};

static void write_wide(void *context)
{
    const struct wide *wide = context;
    static char value[8192];
    memset(value, wide->fill, wide->len);
    log_setup(LOG_INFO, wide->format);
    struct log_record r;
    log_begin(&r, LOG_INFO, LOG_MAIN_AREA, "m");
    log_span(&r, "value", span_make(value, wide->len));
    for (int64_t i = 0; i < 10; i++)
        log_int(&r, "number", i * i * i * i * i * i);
    log_str(&r, "last", "one");
    log_end(&r);
}

// A line stays whole and within PIPE_BUF, whatever does not fit is left out or cut.
static void expect_one_line(struct wide wide)
{
    child_run(write_wide, &wide, &end);
    assert_int_equal(end.exit_code, 0);
    assert_in_range(end.len, 2, PIPE_BUF);
    assert_ptr_equal(strchr(end.text, '\n'), end.text + end.len - 1);
    bool is_json = wide.format == LOG_JSON;
    if (is_json)
        assert_int_equal(end.text[end.len - 2], '}');
    size_t shown = 0; // of the value
    const char *at = strstr(end.text, "value");
    assert_non_null(at);
    for (at += strlen("value"); *at != '\0' && strncmp(at, "...\"", 4) != 0 && *at != ' '; at++)
        shown += *at == wide.fill || (wide.fill == '\n' && *at == 'n');
    if (wide.len <= 4000 && wide.fill != '\n')
        assert_true(shown >= wide.len);
    else if (wide.len > PIPE_BUF)
        assert_int_equal(*at, '.');
}

static void test_cuts(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 1900, 2100, 5000, 8192};
    for (int format = LOG_LOGFMT; format <= LOG_JSON; format++) {
        for (size_t i = 0; i < COUNT_OF(lens); i++) {
            expect_one_line((struct wide){(enum log_format)format, 'x', lens[i]});
            expect_one_line((struct wide){(enum log_format)format, '\n', lens[i]});
        }
        for (size_t len = 3880; len < 4100; len++) // around the end
            expect_one_line((struct wide){(enum log_format)format, 'x', len});
    }
}

static void write_long_message(void *context)
{
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_line(LOG_INFO, LOG_MAIN_AREA, "%s", (const char *)(context != NULL ? context : text));
}

static void test_message_is_cut(void **state)
{
    (void)state;
    child_run(write_long_message, NULL, &end);
    assert_non_null(strstr(end.text, "xxx...\n"));
    assert_in_range(end.len, 1000, 1200);
}

static void write_to_journal(void *context)
{
    struct stat status;
    char stream[64];
    CHECK(fstat(STDERR_FILENO, &status) == 0);
    (void)snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)status.st_dev,
                   (uintmax_t)status.st_ino + (context != NULL));
    (void)setenv("JOURNAL_STREAM", stream, 1);
    log_setup(LOG_DEBUG, LOG_JSON);
    log_line(LOG_ERROR, LOG_MAIN_AREA, "e");
    log_setup(LOG_DEBUG, LOG_LOGFMT);
    log_line(LOG_WARN, LOG_MAIN_AREA, "w");
    log_line(LOG_INFO, LOG_MAIN_AREA, "i");
    log_line(LOG_DEBUG, LOG_MAIN_AREA, "d");
}

static void test_journal(void **state)
{
    (void)state;
    static const char *const starts[] = {"<3>{\"time\":\"", "<4>time=", "<6>time=", "<7>time="};
    char elsewhere = 1;
    child_run(write_to_journal, NULL, &end);
    struct span rest = {end.text, end.len};
    struct span line;
    for (size_t i = 0; i < COUNT_OF(starts); i++) {
        assert_true(span_split(&rest, '\n', &line));
        assert_true(span_starts_with(line, span_of(starts[i])));
    }
    child_run(write_to_journal, &elsewhere, &end); // standard error is something else by now
    assert_memory_equal(end.text, "{\"time\":", 8);
}

#define LINES 200 // of each thread

static void write_lines(void *context)
{
    for (int i = 0; i < LINES; i++)
        log_line(LOG_INFO, LOG_MAIN_AREA, "%s %d", (const char *)context, i);
}

static void write_from_threads(void *context)
{
    (void)context;
    char names[3][2] = {"a", "b", "c"};
    uv_thread_t threads[COUNT_OF(names)];
    for (size_t i = 0; i < COUNT_OF(names); i++)
        thread_start(&threads[i], "log", write_lines, names[i]);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        thread_join(&threads[i]);
    (void)fprintf(stderr, "%" PRIu64, log_dropped());
}

// Lines of several threads do not mix, and each is written or counted.
static void test_threads(void **state)
{
    (void)state;
    child_run(write_from_threads, NULL, &end);
    assert_int_equal(end.exit_code, 0);
    struct span rest = {end.text, end.len};
    struct span line;
    uint64_t lines = 0;
    uint64_t dropped = 0;
    for (; span_split(&rest, '\n', &line) && rest.at != NULL; lines++) {
        assert_true(span_starts_with(line, SPAN("time=")));
        assert_int_equal(line.at[line.len - 1], '"');
        assert_null(memmem(line.at + 1, line.len - 1, "time=", 5));
    }
    assert_true(span_to_uint64(line, &dropped));
    assert_int_equal(lines + dropped, 3 * LINES);
    assert_true(lines > 0);
}

static void write_unread(void *context)
{
    (void)context;
    int ends[2];
    int before = dup(STDERR_FILENO);
    CHECK(before >= 0 && pipe(ends) == 0);
    CHECK(fcntl(ends[1], F_SETPIPE_SZ, 4096) == 4096);
    CHECK(dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
    for (int i = 0; i < 100; i++)
        log_line(LOG_INFO, LOG_MAIN_AREA, "nobody reads number %d", i); // and nobody waits
    uint64_t dropped = log_dropped();
    CHECK(close(STDERR_FILENO) == 0);
    log_line(LOG_INFO, LOG_MAIN_AREA, "nowhere");
    CHECK(log_dropped() == dropped + 1);
    CHECK(dup2(before, STDERR_FILENO) == STDERR_FILENO);
    (void)fprintf(stderr, "%" PRIu64, dropped);
}

static void test_never_waits(void **state)
{
    (void)state;
    child_run(write_unread, NULL, &end);
    assert_int_equal(end.exit_code, 0);
    assert_in_range(atol(end.text), 1, 99); // NOLINT(cert-err34-c): our own digits
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logfmt),           cmocka_unit_test(test_json),
        cmocka_unit_test(test_fields_are_apart), cmocka_unit_test(test_levels),
        cmocka_unit_test(test_escapes),          cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_message_is_cut),   cmocka_unit_test(test_journal),
        cmocka_unit_test(test_threads),          cmocka_unit_test(test_never_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
