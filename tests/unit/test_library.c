// SPDX-License-Identifier: MIT
// Names and versions of scripts: what is loaded, reloaded, refused, pinned, forgotten; and what is said about a
// webhook before it is saved.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "script/library.h"
#include "support/script_fixture.h"

#define SAYS(text) "return { api = 1, filter = function() return false, '" text "' end }\n"

static int setup(void **state)
{
    struct fixture *f = fixture_new();
    fixture_write(f, "one.lua", SAYS("first"));
    fixture_write(f, "options.lua",
                  "return { api = 1, help = 'posts to a \"channel\"', options = {\n"
                  "channel = { type = 'string', required = true, help = 'where to',\n"
                  "  check = function(v) if v:sub(1, 1) == '#' then return true end\n"
                  "  return nil, 'begins with #' end },\n"
                  "count = { type = 'integer', min = 1, max = 9 } },\n"
                  "filter = function(_, ctx) return false, ctx.options.channel end }\n");
    fixture_write(f, "endless-check.lua",
                  "return { api = 1, options = { a = { type = 'string',\n"
                  "check = function() while true do end end } },\n"
                  "filter = function() return true end }\n");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

struct reloaded {
    size_t loaded, refused;
    bool is_done;
};

static void on_reloaded(void *context, size_t loaded, size_t refused)
{
    *(struct reloaded *)context = (struct reloaded){loaded, refused, true};
}

static void reload(struct fixture *f, size_t loaded, size_t refused)
{
    struct reloaded result = {0, 0, false};
    script_reload(f->script, on_reloaded, &result);
    WAIT_FOR(f, result.is_done);
    assert_int_equal(result.loaded, loaded);
    assert_int_equal(result.refused, refused);
}

static bool find(struct fixture *f, const char *name, struct script_info *out)
{
    for (size_t i = 0; i < script_count(f->script); i++) {
        script_info(f->script, i, out);
        if (span_is(out->name, name) && !out->is_hidden)
            return true;
    }
    return false;
}

static uint64_t calls_of(struct fixture *f, const char *wanted)
{
    size_t at = 0;
    struct span name;
    const struct account *sum = NULL;
    while ((sum = script_account_next(f->script, &at, &name)) != NULL) {
        if (span_is(name, wanted))
            return sum->calls;
    }
    return 0;
}

// ---- loading ----

static void test_loads_and_describes(void **state)
{
    struct fixture *f = *state;
    struct script_info info;
    fixture_start(f, 200);
    assert_true(find(f, "options", &info));
    assert_int_equal(info.origin, SCRIPT_DIR);
    assert_true(span_is(info.help, "posts to a \"channel\""));
    assert_int_equal(info.version.len, LIBRARY_HASH_LEN);
    assert_int_equal(info.options.at[0], '[');
    assert_non_null(memmem(info.options.at, info.options.len, "\"channel\"", 9));
    assert_true(find(f, "standard-webhooks", &info));
    assert_int_equal(info.origin, SCRIPT_BUILTIN);
    assert_false(find(f, "two", &info));
}

static void test_counts_per_version_and_name(void **state)
{
    struct fixture *f = *state;
    struct script_info info;
    fixture_start(f, 200);
    ask_expect(f, "one", SCRIPT_FILTERED, "first");
    assert_true(find(f, "one", &info));
    assert_int_equal(info.account.calls, 1);
    assert_true(info.account.cpu_us > 0);
    assert_in_range(info.account.memory_bytes, 1024, 16 << 20);
    fixture_write(f, "one.lua", SAYS("second"));
    reload(f, 1, 0);
    assert_true(find(f, "one", &info));
    assert_int_equal(info.account.calls, 0);
    ask_expect(f, "one", SCRIPT_FILTERED, "second");
    assert_int_equal(calls_of(f, "one"), 2);
}

static void test_reload(void **state)
{
    struct fixture *f = *state;
    fixture_start(f, 200);
    ask_expect(f, "one", SCRIPT_FILTERED, "first");
    reload(f, 0, 0);
    fixture_write(f, "one.lua", SAYS("second"));
    fixture_write(f, "two.lua", SAYS("another"));
    reload(f, 2, 0);
    ask_expect(f, "one", SCRIPT_FILTERED, "second");
    ask_expect(f, "two", SCRIPT_FILTERED, "another");
    fixture_remove(f, "two.lua");
    reload(f, 0, 0);
    ask_expect(f, "two", SCRIPT_ERROR, "there is no script \"two\"");
}

// A webhook that has been sending takes the new version from its next visit on.
static void test_a_webhook_gets_the_new_version(void **state)
{
    struct fixture *f = *state;
    fixture_start(f, 200);
    struct webhook *webhook = fixture_webhook_with("one");
    const char *const reasons[] = {"first", "second"};
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        struct ask ask;
        ask_submit(f, &ask, webhook);
        script_flush(f->script);
        WAIT_FOR(f, ask.is_done);
        ask_expect_reason(&ask, reasons[i]);
        ask_free(&ask);
        fixture_write(f, "one.lua", SAYS("second"));
        reload(f, i == 0 ? 1 : 0, 0);
    }
    webhook_unref(webhook);
}

static void test_what_is_broken_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const broken[] = {
        "return {",                                        // does not compile
        "return 1",                                        // no table
        "return { api = 2 }",                              // another contract
        "return { api = 1, transformm = function() end }", // no such function
        "return { api = 1, options = { a = { type = 'strnig' } } }",
        "error('no')",
        "while true do end",
        "local s = 'x' while true do s = s .. s end",
        "return { api = 1, tests = { { name = 'a', expect = { filtered = 'x' } } } }",
        "\x1bLua", // bytecode
    };
    struct script_info info;
    fixture_start(f, 200);
    for (size_t i = 0; i < COUNT_OF(broken); i++) {
        fixture_write(f, "one.lua", broken[i]);
        reload(f, 0, 1);
        ask_expect(f, "one", SCRIPT_FILTERED, "first"); // the one before stays
    }
    assert_true(find(f, "one", &info));
}

static void test_broken_ones_are_left_out_at_start(void **state)
{
    struct fixture *f = *state;
    struct script_info info;
    fixture_write(f, "bad.lua", "return {");
    fixture_write(f, "Bad Name.lua", SAYS("x"));
    fixture_write(f, "notes.txt", "no script");
    fixture_start(f, 200);
    assert_false(find(f, "bad", &info));
    assert_true(find(f, "one", &info));
}

static void test_the_folder_hides_what_is_built_in(void **state)
{
    struct fixture *f = *state;
    struct script_info info;
    fixture_write(f, "github.lua", SAYS("mine"));
    fixture_start(f, 200);
    assert_true(find(f, "github", &info));
    assert_int_equal(info.origin, SCRIPT_DIR);
    ask_expect(f, "github", SCRIPT_FILTERED, "mine");
    fixture_remove(f, "github.lua");
    reload(f, 0, 0); // what is built in was there all the time
    assert_true(find(f, "github", &info));
    assert_int_equal(info.origin, SCRIPT_BUILTIN);
    ask_expect(f, "github", SCRIPT_DONE, "");
}

static void test_a_missing_folder_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct errmsg message = {""};
    char folder[sizeof f->folder];
    memcpy(folder, f->folder, sizeof folder);
    (void)snprintf(f->folder, sizeof f->folder, "/nonexistent");
    assert_int_equal(fixture_try_start(f, 10, &message), ERR_NOT_FOUND);
    assert_non_null(strstr(message.text, "scripts_dir /nonexistent"));
    memcpy(f->folder, folder, sizeof folder);
}

// ---- pins ----

static void test_a_webhook_may_pin_a_version(void **state)
{
    struct fixture *f = *state;
    struct script_info info;
    char script[128];
    fixture_start(f, 200);
    assert_true(find(f, "one", &info));
    (void)snprintf(script, sizeof script, "{\"name\":\"one\",\"version\":\"%.*s\"}", 8,
                   info.version.at);
    struct webhook *pinned = fixture_webhook("default", script);
    struct webhook *astray =
        fixture_webhook("default", "{\"name\":\"one\",\"version\":\"00000000\"}");
    struct webhook *const webhooks[] = {pinned, astray};
    const char *const reasons[] = {"first", "there is no version 00000000 of a script \"one\""};
    fixture_write(f, "one.lua", SAYS("second"));
    reload(f, 1, 0);
    for (size_t i = 0; i < COUNT_OF(webhooks); i++) {
        struct ask ask;
        ask_submit(f, &ask, webhooks[i]);
        script_flush(f->script);
        WAIT_FOR(f, ask.is_done);
        ask_expect_reason(&ask, reasons[i]);
        ask_free(&ask);
        webhook_unref(webhooks[i]);
    }
}

// ---- checks ----

static void on_checked(void *context, struct problems *problems)
{
    (void)problems;
    *(bool *)context = true;
}

// One problem with that field, whose message has that part; NULL: none at all.
static void check(struct fixture *f, const char *scripts, const char *field, const char *part)
{
    struct problems problems;
    bool is_done = false;
    problems_init(&problems);
    struct webhook *webhook = fixture_webhook("default", scripts);
    script_check(f->script, webhook, &problems, on_checked, &is_done);
    WAIT_FOR(f, is_done);
    if (problems.count != (field != NULL ? 1 : 0))
        fail_msg("%s: %zu problems; the first is %.*s: %.*s", scripts, problems.count,
                 SPAN_ARGS(problems.list[0].field), SPAN_ARGS(problems.list[0].message));
    if (field != NULL) {
        char text[1024];
        (void)snprintf(text, sizeof text, "%.*s", SPAN_ARGS(problems.list[0].field));
        assert_string_equal(text, field);
        (void)snprintf(text, sizeof text, "%.*s", SPAN_ARGS(problems.list[0].message));
        if (strstr(text, part) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", text, part);
    }
    problems_deinit(&problems);
    webhook_unref(webhook);
}

static void test_checks_webhooks(void **state)
{
    struct fixture *f = *state;
    fixture_start(f, 200);
    check(f, "", NULL, NULL);
    check(f, "{\"name\":\"one\"},{\"name\":\"options\",\"options\":{\"channel\":\"#a\"}}", NULL,
          NULL);
    check(f, "{\"name\":\"one\"},{\"name\":\"optionz\"}", "scripts.1",
          "there is no script \"optionz\"; did you mean \"options\"?");
    check(f, "{\"name\":\"one\",\"version\":\"00000000\"}", "scripts.0", "the active one is");
    check(f, "{\"name\":\"options\"}", "scripts.0.options.channel", "required");
    check(f, "{\"name\":\"options\",\"options\":{\"channel\":\"a\"}}", "scripts.0.options.channel",
          "begins with #");
    check(f, "{\"name\":\"options\",\"options\":{\"channel\":\"#a\",\"count\":10}}",
          "scripts.0.options.count", "9");
    check(f, "{\"name\":\"options\",\"options\":{\"channel\":\"#a\",\"colour\":1}}",
          "scripts.0.options.colour", "");
#ifndef __SANITIZE_THREAD__ // which holds signals back until a system call: this has none
    check(f, "{\"name\":\"endless-check\",\"options\":{\"a\":\"b\"}}", "scripts.0.options.a",
          "check failed");
#endif
}

// ---- forgetting ----

// Who knew a secret that is not valid any more ends; the next visit has a fresh host.
static void test_forgets(void **state)
{
    struct fixture *f = *state;
    fixture_write(f, "count.lua",
                  "local count = 0\n"
                  "return { api = 1, filter = function()\n"
                  "count = count + 1 return false, 'visit ' .. count end }\n");
    fixture_start(f, 200);
    struct webhook *webhook = fixture_webhook_with("count");
    struct webhook *other = fixture_webhook_with("one");
    const char *const reasons[] = {"visit 1", "visit 2", "visit 1"};
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        struct ask ask;
        ask_submit(f, &ask, webhook);
        script_flush(f->script);
        WAIT_FOR(f, ask.is_done);
        ask_expect_reason(&ask, reasons[i]);
        ask_free(&ask);
        script_forget(f->script, i == 1 ? webhook : other);
    }
    assert_int_equal(fixture_stats(f).kills, 0);
    assert_int_equal(fixture_stats(f).restarts, 0);
    webhook_unref(webhook);
    webhook_unref(other);
}

int main(int argc, char **argv)
{
    int status = 0;
    if (fixture_was_host(argc, argv, &status))
        return status;
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_loads_and_describes),
        CASE(test_counts_per_version_and_name),
        CASE(test_reload),
        CASE(test_a_webhook_gets_the_new_version),
        CASE(test_what_is_broken_is_refused),
        CASE(test_broken_ones_are_left_out_at_start),
        CASE(test_the_folder_hides_what_is_built_in),
        CASE(test_a_missing_folder_is_an_error),
        CASE(test_a_webhook_may_pin_a_version),
        CASE(test_checks_webhooks),
        CASE(test_forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
