// SPDX-License-Identifier: MIT
// Tests of base/check and base/mem: what aborts and what it says, allocation, comparing; one thread.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/mem.h"
#include "support/child.h"

struct magic_thing {
    uint32_t magic;
    int value;
};

static void expect_abort(void (*body)(void *context), const char *about)
{
    static struct child_end end;
    child_run(body, NULL, &end);
    assert_int_equal(end.signal, SIGABRT);
    assert_non_null(strstr(end.text, about));
}

static void fail_check(void *context)
{
    const void *sky = context;
    CHECK(sky != NULL);
}

static void fail_long_check(void *context)
{
    (void)context;
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    check_fail(text, "file.c", 7);
}

static void fail_cast(void *context)
{
    (void)context;
    struct magic_thing thing = {.magic = 1};
    struct magic_thing *found = NULL;
    CAST(found, &thing, 2);
    _Exit(found->value);
}

static void fail_null_cast(void *context)
{
    struct magic_thing *found = NULL;
    CAST(found, context, 2);
    _Exit(found->value);
}

static void exhaust_calloc(void *context)
{
    (void)context;
    volatile size_t count = SIZE_MAX / 2;
    xfree(xcalloc(count, 4));
}

static void exhaust_malloc(void *context)
{
    (void)context;
    volatile size_t size = (size_t)PTRDIFF_MAX;
    xfree(xmalloc(size));
}

static void test_check(void **state)
{
    (void)state;
    CHECK(1 + 1 == 2);
    DCHECK(1 + 1 == 2);
    expect_abort(fail_check, "grapnel: check failed: sky != NULL");
    expect_abort(fail_check, "test_check.c:");
    expect_abort(fail_long_check, "xxxx");
}

static void test_cast(void **state)
{
    (void)state;
    struct magic_thing thing = {.magic = 0x1234, .value = 5};
    struct magic_thing *found = NULL;
    void *anything = &thing;
    CAST(found, anything, 0x1234);
    assert_int_equal(found->value, 5);
    assert_ptr_equal(CONTAINER_OF(&thing.value, struct magic_thing, value), &thing);
    expect_abort(fail_cast, "magic");
    expect_abort(fail_null_cast, "magic");
}

static void test_memory(void **state)
{
    (void)state;
    char *zeroed = xcalloc(3, 100);
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(zeroed[i], 0);
    memset(zeroed, 7, 300);
    zeroed = xrealloc(zeroed, 1000);
    assert_int_equal(zeroed[299], 7);
    xfree(zeroed);
    xfree(xmalloc(0));
    xfree(xcalloc(0, 8));
    xfree(xrealloc(NULL, 0));
    xfree(NULL);
}

static void test_copies(void **state)
{
    (void)state;
    char *copy = xstrdup("text");
    assert_string_equal(copy, "text");
    xfree(copy);
    copy = xmemdup0("a\0b", 3);
    assert_memory_equal(copy, "a\0b", 4);
    xfree(copy);
    copy = xmemdup0(NULL, 0);
    assert_string_equal(copy, "");
    xfree(copy);
}

static void test_exhaustion_aborts(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); // the sanitizer's own allocator ends the process
#endif
    expect_abort(exhaust_calloc, "out of memory");
    expect_abort(exhaust_malloc, "out of memory");
}

static void test_wipe(void **state)
{
    (void)state;
    char secret[] = "whsec_0123456789";
    mem_wipe(secret, sizeof secret);
    for (size_t i = 0; i < sizeof secret; i++)
        assert_int_equal(secret[i], 0);
    mem_wipe(NULL, 0);
}

static void test_equal(void **state)
{
    (void)state;
    assert_true(mem_equal_constant_time("abcd", "abcd", 4));
    assert_true(mem_equal_constant_time("abcd", "abcx", 3));
    assert_true(mem_equal_constant_time(NULL, NULL, 0));
    assert_false(mem_equal_constant_time("abcd", "abce", 4));
    assert_false(mem_equal_constant_time("xbcd", "abcd", 4));
    assert_false(mem_equal_constant_time("\x80", "\x00", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_cast),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_exhaustion_aborts),
        cmocka_unit_test(test_wipe),
        cmocka_unit_test(test_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
