// SPDX-License-Identifier: MIT
// Tests of base/failpoint: arming, counting, killing, what is refused; a child for each.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/failpoint.h"
#include "support/child.h"

static struct child_end end;

static void init(void)
{
    struct errmsg message = {""};
    enum err err = failpoint_init(&message);
    if (err != OK) {
        (void)fprintf(stderr, "%s %s", err_name(err), message.text);
        _exit(1);
    }
}

static void pass(void *context)
{
    (void)setenv("GRAPNEL_TEST", "1", 1);
    (void)setenv("GRAPNEL_FAILPOINT", context, 1);
    init();
    for (int i = 1; i <= 5; i++) {
        if (failpoint_hit(FAILPOINT_STORE_PRUNE))
            (void)fprintf(stderr, "other ");
        bool is_hit = failpoint_hit(FAILPOINT_STORE_BEFORE_COMMIT);
        (void)fprintf(stderr, "%d", is_hit);
    }
}

static void pass_without_test(void *context)
{
    (void)unsetenv("GRAPNEL_TEST");
    (void)setenv("GRAPNEL_FAILPOINT", context, 1);
    init();
}

static void run(void (*body)(void *context), const char *setting)
{
    char text[200];
    (void)snprintf(text, sizeof text, "%s", setting);
    child_run(body, text, &end);
}

static void test_unarmed(void **state)
{
    (void)state;
    assert_false(failpoint_is_armed);
    assert_false(failpoint_hit(FAILPOINT_STORE_PRUNE));
    run(pass, "");
    assert_string_equal(end.text, "00000");
    assert_int_equal(end.exit_code, 0);
}

static void test_errors(void **state)
{
    (void)state;
    run(pass, "store_before_commit:error:3");
    assert_string_equal(end.text, "00100");
    run(pass, "store_before_commit:error");
    assert_string_equal(end.text, "11111");
    run(pass, "store_claim:error");
    assert_string_equal(end.text, "00000");
    assert_int_equal(end.exit_code, 0);
}

static void test_kills(void **state)
{
    (void)state;
    run(pass, "store_before_commit:kill:4");
    assert_string_equal(end.text, "000");
    assert_int_equal(end.signal, SIGKILL);
    run(pass, "store_before_commit:kill:1");
    assert_string_equal(end.text, "");
    assert_int_equal(end.signal, SIGKILL);
    run(pass, "store_before_commit:kill:6");
    assert_string_equal(end.text, "00000");
    assert_int_equal(end.exit_code, 0);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "store_before_commit",         "store_before_commit:",
        "store_before_commit:explode", "store_before_commit:error:",
        "store_before_commit:error:0", "store_before_commit:error:-1",
        "store_before_commit:error:x", "store_before_commit:error:1:2",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        run(pass, bad[i]);
        assert_int_equal(end.exit_code, 1);
        assert_memory_equal(end.text, "SYNTAX GRAPNEL_FAILPOINT: \"", 27);
        assert_non_null(strstr(end.text, bad[i]));
    }
    run(pass, "no_such_point:kill:1");
    assert_memory_equal(end.text, "NOT_FOUND ", 10);
    assert_non_null(strstr(end.text, "\"no_such_point\""));
    run(pass_without_test, "store_before_commit:kill:1");
    assert_memory_equal(end.text, "DENIED ", 7);
}

static void test_every_name(void **state)
{
    (void)state;
    static const char *const names[] = {
#define X(name, text, where) text,
#include "base/failpoint.def"
#undef X
    };
    assert_int_equal(COUNT_OF(names), FAILPOINT_COUNT);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char setting[100];
        (void)snprintf(setting, sizeof setting, "%s:kill:99", names[i]);
        run(pass, setting);
        assert_int_equal(end.exit_code, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unarmed),    cmocka_unit_test(test_errors),
        cmocka_unit_test(test_kills),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_every_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
