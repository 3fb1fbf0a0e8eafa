// SPDX-License-Identifier: MIT
// Tests of base/arena: alignment, large objects, clearing, the maximum; one thread.
#include <setjmp.h>
#include <signal.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/check.h"
#include "support/child.h"

static void test_objects_are_apart(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 10 << 20);
    static unsigned char *at[3000];
    size_t sizes[COUNT_OF(at)];
    for (size_t i = 0; i < COUNT_OF(at); i++) {
        sizes[i] = i % 50 == 49 ? 5000 + i : i % 70;
        at[i] = arena_alloc(&arena, sizes[i]);
        assert_int_equal((uintptr_t)at[i] % alignof(max_align_t), 0);
        memset(at[i], (int)(i % 251), sizes[i]);
    }
    for (size_t i = 0; i < COUNT_OF(at); i++) {
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal(at[i][j], i % 251);
    }
    arena_deinit(&arena);
    assert_int_equal(arena.used, 0);
}

static void test_helpers(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 100000);
    char *zeroed = arena_zalloc(&arena, 100);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(zeroed[i], 0);
    struct span copy = arena_copy(&arena, SPAN("a\0b"));
    assert_int_equal(copy.len, 3);
    assert_memory_equal(copy.at, "a\0b", 4);
    copy = arena_copy(&arena, (struct span){NULL, 0});
    assert_int_equal(copy.len, 0);
    assert_string_equal(copy.at, "");
    assert_string_equal(arena_format(&arena, "%s %d", "x", 5), "x 5");
    assert_int_equal(strlen(arena_format(&arena, "%05000d", 5)), 5000);
    arena_deinit(&arena);
}

static void test_clear_starts_over(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 200000);
    for (int round = 0; round < 1000; round++) {
        for (int i = 0; i < 100; i++)
            memset(arena_zalloc(&arena, 1000), 'x', 1000); // zeroed though used before
        assert_in_range(arena.used, 100000, 200000);
        arena_clear(&arena);
        assert_int_equal(arena.used, 0);
    }
    (void)arena_alloc(&arena, 150000);
    arena_clear(&arena);
    assert_non_null(arena_alloc(&arena, 1));
    arena_deinit(&arena);
    arena_clear(&arena); // nothing is fine
    arena_deinit(&arena);
}

static void overrun(void *context)
{
    struct arena arena;
    arena_init(&arena, 1024);
    (void)arena_alloc(&arena, 1000);
    (void)arena_alloc(&arena, *(const size_t *)context);
    arena_deinit(&arena);
}

static void test_maximum_aborts(void **state)
{
    (void)state;
    static struct child_end end;
    size_t size = 16;
    child_run(overrun, &size, &end);
    assert_int_equal(end.exit_code, 0);
    size = 17;
    child_run(overrun, &size, &end);
    assert_int_equal(end.signal, SIGABRT);
    size = SIZE_MAX - 8;
    child_run(overrun, &size, &end);
    assert_int_equal(end.signal, SIGABRT);
    assert_non_null(strstr(end.text, "arena.c"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects_are_apart),
        cmocka_unit_test(test_helpers),
        cmocka_unit_test(test_clear_starts_over),
        cmocka_unit_test(test_maximum_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
