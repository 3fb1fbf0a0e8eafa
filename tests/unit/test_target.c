// SPDX-License-Identifier: MIT
// Tests of send/target: origins, who may look a name up when, suspects, eviction; one thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "send/target.h"

static struct list_node waiting[4096]; // stand for attempts
static unsigned waiting_count;

static int setup(void **state)
{
    struct targets *targets = calloc(1, sizeof *targets);
    assert_non_null(targets);
    targets_init(targets, 1, 64, false);
    memset(waiting, 0, sizeof waiting);
    waiting_count = 0;
    *state = targets;
    return 0;
}

static int teardown(void **state)
{
    targets_deinit(*state);
    free(*state);
    return 0;
}

static struct target *use(struct targets *targets, const char *url)
{
    struct errmsg message;
    return targets_use(targets, span_of(url), &message);
}

// A target by number with an attempt that waits for its address.
static struct target *want(struct targets *targets, unsigned number)
{
    char url[64];
    snprintf(url, sizeof url, "http://host-%u.test/", number);
    struct target *target = use(targets, url);
    list_append(&target->waiting, &waiting[waiting_count++]);
    targets_want(targets, target);
    return target;
}

// The waiting one goes; the target is used no more.
static void release(struct targets *targets, struct target *target)
{
    list_pop(&target->waiting);
    targets_unuse(targets, target);
}

static void test_origins(void **state)
{
    static const char *const rows[][2] = {
        {"http://a/b?c", "http://a"},
        {"https://a:8443", "https://a:8443"},
        {"http://a?x=http://b/", "http://a"},
        {"http://a#x", "http://a"},
        {"HTTP://[::1]:80/x/y", "HTTP://[::1]:80"},
        {"nonsense", "nonsense"},
        {"://", "://"},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct span origin = target_origin(span_of(rows[i][0]));
        assert_true(span_is(origin, rows[i][1]));
    }
}

static void test_entries(void **state)
{
    struct targets *targets = *state;
    struct target *a = use(targets, "http://a.test/x");
    assert_ptr_equal(use(targets, "http://a.test/y?z"), a);
    assert_int_equal(a->users, 2);
    struct target *b = use(targets, "https://a.test/x");
    assert_ptr_not_equal(a, b);
    assert_false(target_is_ready(a));
    struct target *literal = use(targets, "http://127.0.0.1:8080/");
    struct target *local = use(targets, "http://x.localhost/");
    assert_true(target_is_ready(literal) && target_is_ready(local));
    assert_false(target_is_stale(literal, INT64_MAX));
    assert_null(use(targets, "http://u@b.test/"));
    assert_null(use(targets, "http:///x"));
    targets_unuse(targets, a);
    targets_unuse(targets, a);
    targets_unuse(targets, b);
    targets_unuse(targets, literal);
    targets_unuse(targets, local);
}

static void test_places(void **state)
{
    struct targets *targets = *state;
    struct target *found[40];
    int64_t next_ms = 0;
    for (unsigned i = 0; i < 40; i++) {
        found[i] = want(targets, i);
        targets_want(targets, found[i]); // once is enough
    }
    for (unsigned i = 0; i < TARGET_MAX_LOOKUPS; i++)
        assert_ptr_equal(targets_next(targets, 0, &next_ms), found[i]); // in order
    assert_null(targets_next(targets, 0, &next_ms));
    targets_found(targets, found[3], 1000);
    assert_true(target_is_ready(found[3]));
    assert_ptr_equal(list_pop(&targets->settled), &found[3]->settled);
    assert_ptr_equal(targets_next(targets, 0, &next_ms), found[32]);
    assert_null(targets_next(targets, 0, &next_ms));
    assert_false(target_is_stale(found[3], 1000 + TARGET_MAX_AGE_MS));
    assert_true(target_is_stale(found[3], 1001 + TARGET_MAX_AGE_MS));
    targets_doubt(found[3]);
    assert_false(target_is_ready(found[3]));
    // One whose attempts have gone away takes no place.
    list_pop(&found[33]->waiting);
    targets_failed(targets, found[4], false, 1000);
    assert_ptr_equal(targets_next(targets, 0, &next_ms), found[34]);
    assert_int_equal(found[33]->state, TARGET_UNKNOWN);
    for (unsigned i = 0; i < 40; i++) {
        if (found[i]->state == TARGET_LOOKING)
            targets_failed(targets, found[i], false, 0);
        release(targets, found[i]);
    }
}

static void test_suspects(void **state)
{
    struct targets *targets = *state;
    struct target *bad[20];
    int64_t next_ms = 0;
    for (unsigned i = 0; i < 20; i++) {
        bad[i] = want(targets, i);
        assert_ptr_equal(targets_next(targets, 0, &next_ms), bad[i]);
        targets_failed(targets, bad[i], true, 100);
        targets_want(targets, bad[i]);
    }
    // Their time has not come; others' has.
    assert_null(targets_next(targets, 100, &next_ms));
    assert_int_equal(next_ms, 100 + TARGET_AGAIN_MS);
    struct target *good = want(targets, 100);
    assert_ptr_equal(targets_next(targets, 100, &next_ms), good);
    targets_found(targets, good, 100);
    // Few at once.
    int64_t now_ms = 100 + TARGET_AGAIN_MS;
    for (unsigned i = 0; i < TARGET_MAX_SUSPECTS; i++)
        assert_non_null(targets_next(targets, now_ms, &next_ms));
    assert_null(targets_next(targets, now_ms, &next_ms));
    struct target *other = want(targets, 101);
    assert_ptr_equal(targets_next(targets, now_ms, &next_ms), other);
    targets_failed(targets, other, false, now_ms);
    for (unsigned i = 0; i < 20; i++) {
        if (bad[i]->state != TARGET_LOOKING)
            continue;
        targets_failed(targets, bad[i], true, now_ms);
        assert_int_equal(bad[i]->not_before_ms, now_ms + 2 * TARGET_AGAIN_MS);
        // One answer, and it is no suspect any more.
        targets_want(targets, bad[i]);
    }
    for (unsigned i = 0; i < 20; i++)
        release(targets, bad[i]);
    release(targets, good);
    release(targets, other);
}

static void test_forgiven(void **state)
{
    struct targets *targets = *state;
    int64_t next_ms = 0;
    struct target *a = want(targets, 1);
    assert_ptr_equal(targets_next(targets, 0, &next_ms), a);
    targets_failed(targets, a, true, 0);
    targets_want(targets, a);
    assert_ptr_equal(targets_next(targets, TARGET_AGAIN_MS, &next_ms), a);
    targets_found(targets, a, TARGET_AGAIN_MS);
    assert_int_equal(targets->suspects_looking, 0);
    targets_doubt(a);
    targets_want(targets, a);
    assert_ptr_equal(targets_next(targets, TARGET_AGAIN_MS, &next_ms), a);
    targets_failed(targets, a, false, TARGET_AGAIN_MS);
    release(targets, a);
}

static void test_threads_are_bounded(void **state)
{
    struct targets *targets = *state;
    int64_t next_ms = 0;
    unsigned lookups = 0;
    // New names that hang, for ever: each leaves a thread behind.
    for (unsigned i = 0; i < 1000; i++) {
        struct target *target = want(targets, i);
        if (targets_next(targets, 0, &next_ms) != target) {
            release(targets, target);
            break;
        }
        targets_failed(targets, target, true, 0);
        release(targets, target);
        lookups++;
    }
    assert_int_equal(lookups, TARGET_MAX_LINGERING);
    assert_int_equal(next_ms, TARGET_LINGER_MS);
    struct target *last = want(targets, lookups);
    assert_non_null(targets_next(targets, TARGET_LINGER_MS, &next_ms));
    targets_failed(targets, last, false, 0);
    release(targets, last);
}

static void test_eviction(void **state)
{
    struct targets *targets = *state;
    char url[64];
    for (unsigned i = 0; i < TARGET_MAX_COUNT + 10; i++) {
        snprintf(url, sizeof url, "http://10.0.%u.%u/", i / 250, i % 250);
        struct target *target = use(targets, url);
        if (i < TARGET_MAX_COUNT)
            assert_null(targets_evict(targets));
        if (i != 0)
            targets_unuse(targets, target);
    }
    unsigned evicted = 0;
    struct target *target = NULL;
    while ((target = targets_evict(targets)) != NULL) {
        assert_string_not_equal(target->origin, "http://10.0.0.0"); // still used
        target_free(target);
        evicted++;
    }
    assert_int_equal(targets->by_origin.count, TARGET_MAX_COUNT);
    assert_int_equal(evicted, 10);
    target = use(targets, "http://10.0.0.0/");
    assert_int_equal(target->users, 2);
    targets_unuse(targets, target);
    targets_unuse(targets, target);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_origins),  TEST(test_entries),  TEST(test_places),
        TEST(test_suspects), TEST(test_forgiven), TEST(test_threads_are_bounded),
        TEST(test_eviction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
