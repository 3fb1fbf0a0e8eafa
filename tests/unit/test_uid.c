// SPDX-License-Identifier: MIT
// Tests of base/uid: parsing, printing, versions 4 and 7; one thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/rand.h"
#include "base/uid.h"

static void test_there_and_back(void **state)
{
    (void)state;
    static const char text[] = "fbc77986-06ff-4dbb-81c3-95cd36dbed66";
    struct uid uid;
    char out[UID_TEXT_LEN + 1];
    assert_true(uid_parse(span_of(text), &uid));
    assert_memory_equal(uid.bytes,
                        "\xfb\xc7\x79\x86\x06\xff\x4d\xbb\x81\xc3\x95\xcd\x36\xdb\xed\x66", 16);
    uid_print(&uid, out);
    assert_string_equal(out, text);
    struct uid upper;
    assert_true(uid_parse(SPAN("FBC77986-06FF-4DBB-81C3-95CD36DBED66"), &upper));
    assert_true(uid_eq(&uid, &upper));
    assert_false(uid_is_nil(&uid));
    assert_true(uid_parse(SPAN("00000000-0000-0000-0000-000000000000"), &upper));
    assert_true(uid_is_nil(&upper));
    assert_false(uid_eq(&uid, &upper));
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "fbc77986",
        "fbc7798606ff4dbb81c395cd36dbed66",
        "fbc77986-06ff-4dbb-81c3-95cd36dbed6",
        "fbc77986-06ff-4dbb-81c3-95cd36dbed666",
        "{bc77986-06ff-4dbb-81c3-95cd36dbed6}",
        "fbc77986-06ff-4dbb-81c3-95cd36dbed6g",
        "fbc7798-606ff-4dbb-81c3-95cd36dbed66",
        "fbc77986-06ff-4dbb-81c3+95cd36dbed66",
        "-bc77986-06ff-4dbb-81c3-95cd36dbed66",
        "fbc77986-06ff-4dbb-81c3-95cd36dbed\xc3\xa9",
    };
    struct uid uid = {{1, 2, 3}};
    struct uid before = uid;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(uid_parse(span_of(bad[i]), &uid));
    assert_false(uid_parse((struct span){NULL, 0}, &uid));
    assert_true(uid_eq(&uid, &before));
}

static void test_random(void **state)
{
    (void)state;
    struct uid before = uid_random();
    for (int i = 0; i < 100; i++) {
        struct uid uid = uid_random();
        assert_int_equal(uid.bytes[6] >> 4, 4);
        assert_int_equal(uid.bytes[8] >> 6, 2);
        assert_false(uid_eq(&uid, &before));
        before = uid;
    }
}

// RFC 9562, A.6.
static void test_v7(void **state)
{
    (void)state;
    struct uid uid = uid_v7(INT64_C(0x017f22e279b0), 0xcc3, UINT64_C(0x18c4dc0c0c07398f));
    char text[UID_TEXT_LEN + 1];
    uid_print(&uid, text);
    assert_string_equal(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    for (int i = 0; i < 1000; i++) {
        int64_t ms = (int64_t)(rand_uint64() >> 16);
        uint16_t high = (uint16_t)(rand_uint64() & 0xfff);
        uint64_t low = rand_uint64() >> 2;
        uid = uid_v7(ms, high, low);
        int64_t read_ms = 0;
        uint16_t read_high = 0;
        uint64_t read_low = 0;
        uid_v7_read(&uid, &read_ms, &read_high, &read_low);
        assert_true(read_ms == ms && read_high == high && read_low == low);
    }
    // Bits that do not fit leave version and variant alone.
    uid = uid_v7(-1, 0xffff, UINT64_MAX);
    uid_print(&uid, text);
    assert_string_equal(text, "ffffffff-ffff-7fff-bfff-ffffffffffff");
    uid = uid_v7(0, 0, 0);
    uid_print(&uid, text);
    assert_string_equal(text, "00000000-0000-7000-8000-000000000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_v7),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
