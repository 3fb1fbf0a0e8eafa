// SPDX-License-Identifier: MIT
// Tests of crypto/eventid: there and back, foreign ids, what ids tell, sharing a key by threads.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/rand.h"
#include "base/thread.h"
#include "crypto/eventid.h"

#define NOW  INT64_C(1764000000123)
#define LAST ((UINT64_C(1) << 47) - 1)

static const uint8_t key_bytes[32] = {1, 2, 3, 4, 5, 6, 7, 8};

static int setup(void **state)
{
    *state = eventid_key_new(key_bytes);
    return 0;
}

static int teardown(void **state)
{
    eventid_key_free(*state);
    return 0;
}

static void test_there_and_back(void **state)
{
    const struct eventid_key *key = *state;
    static const uint64_t edges[] = {0, 1, 2, 2047, 2048, UINT64_C(1) << 37, LAST - 1, LAST};
    static const int64_t times[] = {0, 1, NOW, (INT64_C(1) << 48) - 1};
    for (size_t i = 0; i < 2000; i++) {
        uint64_t wanted = i < COUNT_OF(edges) ? edges[i] : rand_uint64() & LAST;
        int64_t wall_ms = times[i % COUNT_OF(times)];
        struct uid id = eventid_make(key, wall_ms, wanted);
        uint64_t seq = 0;
        assert_true(eventid_open(key, &id, &seq));
        assert_true(seq == wanted);
        int64_t read_ms = 0;
        uint16_t high = 0;
        uint64_t low = 0;
        uid_v7_read(&id, &read_ms, &high, &low);
        assert_true(read_ms == wall_ms);
        assert_int_equal(id.bytes[6] >> 4, 7);
        assert_int_equal(id.bytes[8] >> 6, 2);
    }
}

// The bytes must stay what they are: ids in a database are opened by later versions.
static void test_is_stable(void **state)
{
    const struct eventid_key *key = *state;
    struct uid id = eventid_make(key, NOW, 42);
    char text[UID_TEXT_LEN + 1];
    uid_print(&id, text);
    assert_string_equal(text, "019ab697-e87b-7c84-9682-79790eb39748");
}

static void test_foreign_ids(void **state)
{
    const struct eventid_key *key = *state;
    uint8_t other_bytes[32] = {9};
    struct eventid_key *other = eventid_key_new(other_bytes);
    uint64_t seq = 77;
    for (uint64_t i = 0; i < 200; i++) {
        struct uid id = eventid_make(key, NOW, i);
        assert_false(eventid_open(other, &id, &seq));
        struct uid moved = id;
        moved.bytes[5] ^= 1; // another millisecond
        assert_false(eventid_open(key, &moved, &seq));
        moved = id;
        moved.bytes[15] ^= 0x10;
        assert_false(eventid_open(key, &moved, &seq));
        moved = id;
        moved.bytes[6] ^= 0x30; // version 4
        assert_false(eventid_open(key, &moved, &seq));
        moved = id;
        moved.bytes[8] ^= 0x40; // another variant
        assert_false(eventid_open(key, &moved, &seq));
        struct uid random = uid_random();
        assert_false(eventid_open(key, &random, &seq));
    }
    assert_int_equal(seq, 77);
    eventid_key_free(other);
}

// Neighbours in time and number differ in about half of their 74 bits.
static void test_neighbours_look_unrelated(void **state)
{
    const struct eventid_key *key = *state;
    unsigned bits = 0;
    struct uid before = eventid_make(key, NOW, 0);
    for (uint64_t seq = 1; seq <= 1000; seq++) {
        struct uid id = eventid_make(key, NOW, seq);
        unsigned here = 0;
        for (size_t i = 6; i < 16; i++)
            here += (unsigned)__builtin_popcount((unsigned)(id.bytes[i] ^ before.bytes[i]));
        assert_true(here > 10);
        bits += here;
        before = id;
    }
    assert_in_range(bits, 36000, 38000);
}

struct sharing {
    const struct eventid_key *key; // borrowed, shared
    uint64_t first;                // sequence number
    bool is_right;                 // the result
};

static void run_sharing(void *context)
{
    struct sharing *mine = context;
    mine->is_right = true;
    for (uint64_t seq = mine->first; seq < mine->first + 2000; seq++) {
        struct uid id = eventid_make(mine->key, NOW, seq);
        uint64_t found = 0;
        mine->is_right = mine->is_right && eventid_open(mine->key, &id, &found) && found == seq;
    }
}

static void test_threads_share_a_key(void **state)
{
    struct sharing work[3];
    uv_thread_t threads[COUNT_OF(work)];
    for (size_t i = 0; i < COUNT_OF(work); i++) {
        work[i] = (struct sharing){*state, i << 20, false};
        thread_start(&threads[i], "share", run_sharing, &work[i]);
    }
    for (size_t i = 0; i < COUNT_OF(work); i++) {
        thread_join(&threads[i]);
        assert_true(work[i].is_right);
    }
}

static void test_deliveries(void **state)
{
    const struct eventid_key *key = *state;
    const uint64_t ids[] = {0, 1, 65535, 65536, UINT64_C(0x7fffffffffffffff)};
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        struct uid id = eventid_make_delivery(key, 1763900000123, ids[i]);
        uint64_t found = 0;
        assert_true(eventid_open_delivery(key, &id, &found));
        assert_int_equal(found, ids[i]);
        assert_false(eventid_open(key, &id, &found)); // never taken for an event's
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_is_stable),
        cmocka_unit_test(test_foreign_ids),
        cmocka_unit_test(test_neighbours_look_unrelated),
        cmocka_unit_test(test_threads_share_a_key),
        cmocka_unit_test(test_deliveries),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
