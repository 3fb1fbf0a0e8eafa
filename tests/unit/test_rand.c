// SPDX-License-Identifier: MIT
// Tests of base/rand: bytes, numbers, the test's seed; a child for each seed.
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "support/child.h"

static void print_numbers(void *context)
{
    (void)setenv("GRAPNEL_TEST", "1", 1);
    (void)setenv("GRAPNEL_SEED", context, 1);
    uint64_t seed = 0;
    (void)fprintf(stderr, "%d %" PRIu64, rand_test_seed(&seed), seed);
    for (int i = 0; i < 10; i++)
        (void)fprintf(stderr, " %" PRIx64 " %a", rand_uint64(), rand_unit());
}

static void print_unseeded(void *context)
{
    (void)unsetenv("GRAPNEL_TEST");
    (void)setenv("GRAPNEL_SEED", context, 1);
    uint64_t seed = 0;
    (void)fprintf(stderr, "%d %" PRIx64, rand_test_seed(&seed), rand_uint64());
}

static void print_bytes(void *context)
{
    (void)setenv("GRAPNEL_TEST", "1", 1);
    (void)setenv("GRAPNEL_SEED", context, 1);
    uint64_t bytes = 0;
    rand_bytes(&bytes, sizeof bytes);
    (void)fprintf(stderr, "%" PRIx64, bytes);
}

static bool is_repeated(void (*body)(void *context), const char *seed, const char *other)
{
    static struct child_end first;
    static struct child_end second;
    char one[24];
    char two[24];
    (void)snprintf(one, sizeof one, "%s", seed);
    (void)snprintf(two, sizeof two, "%s", other);
    child_run(body, one, &first);
    child_run(body, two, &second);
    assert_int_equal(first.exit_code, 0);
    assert_true(first.len > 4);
    return strcmp(first.text, second.text) == 0;
}

// First: the seed is read once in a process, and children inherit what was read.
static void test_seed(void **state)
{
    (void)state;
    assert_true(is_repeated(print_numbers, "42", "42"));
    assert_true(is_repeated(print_numbers, "0", "0"));
    assert_false(is_repeated(print_numbers, "42", "43"));
    assert_false(is_repeated(print_numbers, "x", "x")); // no number, no seed
    assert_false(is_repeated(print_unseeded, "42", "42"));
    assert_false(is_repeated(print_bytes, "42", "42"));
}

static void test_bytes(void **state)
{
    (void)state;
    unsigned char bytes[4096];
    unsigned counts[256] = {0};
    memset(bytes, 0, sizeof bytes);
    rand_bytes(bytes + 1, sizeof bytes - 2); // more than one getrandom gives without asking twice
    assert_int_equal(bytes[0], 0);
    assert_int_equal(bytes[sizeof bytes - 1], 0);
    for (size_t i = 1; i < sizeof bytes - 1; i++)
        counts[bytes[i]]++;
    for (size_t i = 0; i < 256; i++)
        assert_true(counts[i] < 100);
    rand_bytes(NULL, 0);
}

static void test_unit(void **state)
{
    (void)state;
    double sum = 0;
    for (int i = 0; i < 10000; i++) {
        double x = rand_unit();
        assert_true(x >= 0 && x < 1);
        sum += x;
    }
    assert_true(sum > 4500 && sum < 5500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seed),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
