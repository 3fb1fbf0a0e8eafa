// SPDX-License-Identifier: MIT
// Tests of crypto/codec: the vectors of RFC 4648, strictness, maxima; one thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rand.h"
#include "crypto/codec.h"

static const struct {
    const char *bytes;
    const char *hex;
    const char *base64;
    const char *base64url;
} vectors[] = {
    {"", "", "", ""},
    {"f", "66", "Zg==", "Zg"},
    {"fo", "666f", "Zm8=", "Zm8"},
    {"foo", "666f6f", "Zm9v", "Zm9v"},
    {"foob", "666f6f62", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "666f6f6261", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "666f6f626172", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "fbffbf", "+/+/", "-_-_"},
    {"\xff\xfe", "fffe", "//4=", "__4"},
};

typedef enum err codec_fn(struct buf *out, struct span text);

static void expect(codec_fn *run, const char *in, const char *wanted)
{
    struct buf out;
    buf_init(&out, 100);
    assert_int_equal(run(&out, span_of(in)), OK);
    assert_string_equal(buf_text(&out), wanted);
    buf_deinit(&out);
}

static void expect_syntax(codec_fn *run, const char *in)
{
    struct buf out;
    buf_init(&out, 100);
    assert_int_equal(buf_append_text(&out, "kept"), OK);
    assert_int_equal(run(&out, span_of(in)), ERR_SYNTAX);
    assert_string_equal(buf_text(&out), "kept");
    assert_false(out.is_full);
    buf_deinit(&out);
}

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        expect(codec_to_hex, vectors[i].bytes, vectors[i].hex);
        expect(codec_from_hex, vectors[i].hex, vectors[i].bytes);
        expect(codec_to_base64, vectors[i].bytes, vectors[i].base64);
        expect(codec_from_base64, vectors[i].base64, vectors[i].bytes);
        expect(codec_to_base64url, vectors[i].bytes, vectors[i].base64url);
        expect(codec_from_base64url, vectors[i].base64url, vectors[i].bytes);
    }
}

static void test_either_case_and_optional_padding(void **state)
{
    (void)state;
    expect(codec_from_hex, "666F6f4A", "fooJ");
    expect(codec_from_base64url, "Zg==", "f");
    expect(codec_from_base64url, "Zm8=", "fo");
}

static void test_refuses(void **state)
{
    (void)state;
    static const char *const hex[] = {"6", "6g", "g6", "0x66", " 66", "66 "};
    static const char *const base64[] = {"Z",        "Zg",       "Zg=",  "Zg===",   "=",
                                         "==",       "====",     "Z===", "Zm9vZ",   "Zm9v=",
                                         "Zm9v====", "Zh==",     "Zm9=", "Zm 9v",   "Zm9v\n",
                                         "-_-_",     "Zg==Zg==", "Z=g=", "Zm9\x80", "\xc3\xa9"};
    static const char *const base64url[] = {"Z", "Zg=", "Zg===", "=", "Zh", "Zm9", "+/+/", "Zm9v="};
    for (size_t i = 0; i < COUNT_OF(hex); i++)
        expect_syntax(codec_from_hex, hex[i]);
    for (size_t i = 0; i < COUNT_OF(base64); i++)
        expect_syntax(codec_from_base64, base64[i]);
    for (size_t i = 0; i < COUNT_OF(base64url); i++)
        expect_syntax(codec_from_base64url, base64url[i]);
}

static void test_there_and_back(void **state)
{
    (void)state;
    static codec_fn *const pairs[][2] = {
        {codec_to_hex, codec_from_hex},
        {codec_to_base64, codec_from_base64},
        {codec_to_base64url, codec_from_base64url},
    };
    char bytes[200];
    rand_bytes(bytes, sizeof bytes);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        for (size_t i = 0; i < COUNT_OF(pairs); i++) {
            struct buf text;
            struct buf back;
            buf_init(&text, 2 * sizeof bytes);
            buf_init(&back, len); // exactly what it needs
            assert_int_equal(pairs[i][0](&text, span_make(bytes, len)), OK);
            assert_int_equal(pairs[i][1](&back, buf_span(&text)), OK);
            assert_true(span_eq(buf_span(&back), span_make(bytes, len)));
            buf_deinit(&text);
            buf_deinit(&back);
        }
    }
}

static void test_full(void **state)
{
    (void)state;
    static codec_fn *const all[] = {codec_to_hex,   codec_to_base64,   codec_to_base64url,
                                    codec_from_hex, codec_from_base64, codec_from_base64url};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct buf out;
        buf_init(&out, 2);
        assert_int_equal(all[i](&out, SPAN("666666666666")), ERR_FULL);
        assert_int_equal(out.len, 0);
        assert_true(out.is_full);
        buf_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors), cmocka_unit_test(test_either_case_and_optional_padding),
        cmocka_unit_test(test_refuses), cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
