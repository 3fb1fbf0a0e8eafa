// SPDX-License-Identifier: MIT
// Tests of store/mark against a plain list: what is owed, where the mark stands.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/rand.h"
#include "store/mark.h"

static void test_simple(void **state)
{
    struct mark mark;
    uint64_t seq = 0;
    uint32_t index = 0;
    (void)state;
    mark_init(&mark, 5);
    assert_int_equal(mark_low(&mark), 5);
    mark_append(&mark, 5, 2);
    mark_append(&mark, 6, 0);
    mark_append(&mark, 9, 1); // numbers may be skipped
    assert_int_equal(mark_low(&mark), 5);
    mark_dispose(&mark, 5, 0);
    mark_dispose(&mark, 5, 0); // twice counts once
    assert_int_equal(mark_low(&mark), 5);
    assert_true(mark_is_owed(&mark, 5, 1));
    assert_true(mark_next(&mark, &seq, &index));
    assert_int_equal(seq, 5);
    assert_int_equal(index, 1);
    mark_dispose(&mark, 7, 0); // unknown
    mark_dispose(&mark, 9, 1); // no such place
    mark_dispose(&mark, 5, 1);
    assert_int_equal(mark_low(&mark), 9);
    mark_dispose(&mark, 9, 0);
    assert_int_equal(mark_low(&mark), 10);
    assert_false(mark_next(&mark, &seq, &index));
    mark_deinit(&mark);
}

enum { EVENTS = 3000, WEBHOOKS = 150 };
struct model {
    uint32_t webhooks[EVENTS];
    uint8_t owed[EVENTS][WEBHOOKS];
};

static void compare(const struct mark *mark, const struct model *model, size_t events)
{
    uint64_t seq = 0;
    uint32_t index = 0;
    uint64_t low = events;
    for (size_t i = 0; i < events; i++) {
        for (uint32_t k = 0; k < model->webhooks[i]; k++) {
            assert_int_equal(mark_is_owed(mark, i, k), model->owed[i][k]);
            if (!model->owed[i][k])
                continue;
            low = i < low ? i : low;
            assert_true(mark_next(mark, &seq, &index));
            assert_int_equal(seq, i);
            assert_int_equal(index, k);
            index++;
        }
    }
    assert_false(mark_next(mark, &seq, &index));
    assert_int_equal(mark_low(mark), low);
}

static void test_random(void **state)
{
    struct mark mark;
    struct model *model = xcalloc(1, sizeof *model);
    (void)state;
    mark_init(&mark, 0);
    for (size_t i = 0; i < EVENTS; i++) {
        model->webhooks[i] =
            (uint32_t)(rand_uint64() % 10 == 0 ? rand_uint64() % WEBHOOKS : rand_uint64() % 4);
        for (uint32_t k = 0; k < model->webhooks[i]; k++)
            model->owed[i][k] = 1;
        mark_append(&mark, i, model->webhooks[i]);
        for (int n = 0; n < 20; n++) {
            size_t back = rand_uint64() % 200;
            size_t event = i > back ? i - back : 0;
            uint32_t k = (uint32_t)(rand_uint64() % WEBHOOKS);
            if (event % 500 == 7)
                continue; // never settles: the mark sticks
            mark_dispose(&mark, event, k);
            model->owed[event][k] = 0;
        }
        if (i % 500 == 499)
            compare(&mark, model, i + 1);
    }
    mark_deinit(&mark);
    xfree(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simple),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
