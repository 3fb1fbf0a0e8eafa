// SPDX-License-Identifier: MIT
// Tests of base/err: names, errno, messages that are cut and prefixed; one thread.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(err_name(OK), "OK");
    assert_string_equal(err_name(ERR_NOT_FOUND), "NOT_FOUND");
    assert_string_equal(err_text(ERR_NOT_FOUND), "not found");
    static const enum err all[] = {
#define X(name, text) ERR_##name,
#include "base/err.def"
#undef X
    };
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        assert_int_equal(all[i], i + 1);
        assert_string_not_equal(err_name(all[i]), "UNKNOWN");
        assert_string_not_equal(err_text(all[i]), "unknown error");
    }
    assert_string_equal(err_name((enum err)9999), "UNKNOWN");
}

static void test_errno(void **state)
{
    (void)state;
    assert_int_equal(err_from_errno(0), OK);
    assert_int_equal(err_from_errno(ENOENT), ERR_NOT_FOUND);
    assert_int_equal(err_from_errno(EEXIST), ERR_EXISTS);
    assert_int_equal(err_from_errno(EADDRINUSE), ERR_EXISTS);
    assert_int_equal(err_from_errno(EACCES), ERR_DENIED);
    assert_int_equal(err_from_errno(ENOSPC), ERR_NO_SPACE);
    assert_int_equal(err_from_errno(EDQUOT), ERR_NO_SPACE);
    assert_int_equal(err_from_errno(EAGAIN), ERR_BUSY);
    assert_int_equal(err_from_errno(EPIPE), ERR_CLOSED);
    assert_int_equal(err_from_errno(ETIMEDOUT), ERR_TIMEOUT);
    assert_int_equal(err_from_errno(EIO), ERR_IO);
    assert_int_equal(err_from_errno(123456), ERR_IO);
}

static void test_set(void **state)
{
    (void)state;
    struct errmsg message;
    errmsg_set(&message, "line %d: %s", 7, "what");
    assert_string_equal(message.text, "line 7: what");
    errmsg_set(&message, "outer: %s", message.text); // reads what it replaces
    assert_string_equal(message.text, "outer: line 7: what");
    errmsg_set(NULL, "nobody %s", "listens");
    errmsg_prefix(NULL, "nobody %s", "listens");
}

static void test_set_cuts(void **state)
{
    (void)state;
    char wide[400];
    memset(wide, 'x', sizeof wide);
    wide[255] = '\0';
    struct errmsg message;
    errmsg_set(&message, "%s", wide); // fits to the byte
    assert_int_equal(strlen(message.text), 255);
    assert_int_equal(message.text[254], 'x');
    wide[255] = 'x';
    wide[256] = '\0';
    errmsg_set(&message, "%s", wide);
    assert_int_equal(strlen(message.text), 255);
    assert_string_equal(message.text + 251, "x...");
}

static void test_cuts_between_characters(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        char wide[400];
        memset(wide, 'x', shift);
        for (size_t i = shift; i < 360; i += 4)
            memcpy(wide + i, "\xf0\x9f\x8e\xa3", 4);
        wide[360 + shift] = '\0';
        struct errmsg message;
        errmsg_set(&message, "%s", wide);
        size_t len = strlen(message.text);
        assert_in_range(len, 252, 255);
        assert_string_equal(message.text + len - 4, "\xa3...");
        assert_int_equal((len - 3 - shift) % 4, 0);
    }
}

static void test_prefix(void **state)
{
    (void)state;
    struct errmsg message;
    errmsg_set(&message, "line 7: no");
    errmsg_prefix(&message, "script %s: ", "slack.lua");
    assert_string_equal(message.text, "script slack.lua: line 7: no");
    for (int i = 0; i < 100; i++)
        errmsg_prefix(&message, "%d: ", i);
    assert_int_equal(strlen(message.text), 255);
    assert_memory_equal(message.text, "99: 98: 97: ", 12);
    assert_string_equal(message.text + 252, "...");
    char wide[600];
    memset(wide, 'p', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    errmsg_set(&message, "short");
    errmsg_prefix(&message, "%s", wide);
    assert_int_equal(strlen(message.text), 255);
    assert_string_equal(message.text + 251, "p...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_errno),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_set_cuts),
        cmocka_unit_test(test_cuts_between_characters),
        cmocka_unit_test(test_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
