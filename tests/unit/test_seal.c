// SPDX-License-Identifier: MIT
// Tests of store/seal and store/row: every flipped bit and every wrong place is found.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/row.h"
#include "store/seal.h"

static void test_flipped_bits(void **state)
{
    struct buf record;
    (void)state;
    for (size_t len = 0; len < 40; len++) {
        buf_init(&record, 100);
        for (size_t i = 0; i < len; i++)
            (void)buf_append_char(&record, (char)(i * 7));
        seal_close(&record, 0, 5);
        struct span whole = buf_span(&record);
        assert_true(seal_open(&whole, 5));
        assert_int_equal(whole.len, len);
        whole = buf_span(&record);
        assert_false(seal_open(&whole, 6));
        for (size_t bit = 0; bit < record.len * 8; bit++) {
            record.at[bit / 8] ^= (char)(1 << bit % 8);
            whole = buf_span(&record);
            assert_false(seal_open(&whole, 5));
            record.at[bit / 8] ^= (char)(1 << bit % 8);
        }
        // Cut short, or with a zero more.
        whole = span_make(record.at, record.len - 1);
        assert_false(seal_open(&whole, 5));
        buf_deinit(&record);
    }
}

static void test_row(void **state)
{
    struct buf record;
    struct row back = {0};
    struct row row = {
        .outcome = OUTCOME_HTTP_5XX,
        .is_replay = true,
        .attempts = 300,
        .kills = 2,
        .at_ms = 1764000000123,
        .reason = SPAN("the target said 502"),
        .attempt = SPAN("bytes of an attempt"),
    };
    (void)state;
    buf_init(&record, 1000);
    row_pack(&row, 77, &record);
    assert_int_equal(row_unpack(buf_span(&record), 77, &back), OK);
    assert_int_equal(back.outcome, row.outcome);
    assert_true(back.is_replay);
    assert_int_equal(back.attempts, row.attempts);
    assert_int_equal(back.kills, row.kills);
    assert_int_equal(back.at_ms, row.at_ms);
    assert_true(span_eq(back.reason, row.reason));
    assert_true(span_eq(back.attempt, row.attempt));
    assert_int_equal(row_unpack(buf_span(&record), 78, &back), ERR_CORRUPT);
    for (size_t len = 0; len < record.len; len++)
        assert_int_equal(row_unpack(span_make(record.at, len), 77, &back), ERR_CORRUPT);
    buf_deinit(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
