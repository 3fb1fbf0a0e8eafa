// SPDX-License-Identifier: MIT
// Tests of crypto/secret: kinds, what is refused and how it is said, generation; one thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crypto/codec.h"
#include "crypto/secret.h"

#define SVIX_KEY                  \
    "whsk_6Xb/dCcHpPea21PS1N9VY/" \
    "NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="

static void expect_kind(struct span text, enum secret_kind wanted)
{
    struct errmsg message = {""};
    enum secret_kind kind = wanted == SECRET_PLAIN ? SECRET_ED25519 : SECRET_PLAIN;
    assert_int_equal(secret_check(text, &kind, &message), OK);
    assert_int_equal(kind, wanted);
    assert_string_equal(message.text, "");
}

static void expect_refused(struct span text, const char *about)
{
    struct errmsg message = {""};
    enum secret_kind kind = SECRET_ED25519;
    assert_int_equal(secret_check(text, &kind, &message), ERR_SYNTAX);
    assert_int_equal(kind, SECRET_ED25519);
    assert_non_null(strstr(message.text, about));
    // Nothing that follows the prefix is said again.
    if (text.len > 6)
        assert_null(memmem(message.text, strlen(message.text), text.at + 6, text.len - 6));
}

// "whsec_" + base64 of `len` bytes.
static void expect_symmetric(size_t len, bool is_fine)
{
    char bytes[100] = {0};
    struct buf text;
    buf_init(&text, SECRET_MAX_LEN);
    assert_int_equal(buf_append_text(&text, "whsec_"), OK);
    assert_int_equal(codec_to_base64(&text, span_make(bytes, len)), OK);
    if (is_fine)
        expect_kind(buf_span(&text), SECRET_SYMMETRIC);
    else
        expect_refused(buf_span(&text), "must have 16 to 75");
    buf_deinit(&text);
}

static void test_symmetric(void **state)
{
    (void)state;
    expect_kind(SPAN("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), SECRET_SYMMETRIC);
    expect_symmetric(0, false);
    expect_symmetric(15, false);
    expect_symmetric(16, true);
    expect_symmetric(75, true);
    expect_symmetric(76, false);
    expect_refused(SPAN("whsec_test_secret"), "not base64");
    expect_refused(SPAN("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS"), "not base64");
}

static void test_ed25519(void **state)
{
    (void)state;
    expect_kind(SPAN(SVIX_KEY), SECRET_ED25519);
    expect_kind(SPAN("whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc="), SECRET_ED25519);
    expect_refused(SPAN("whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMQ=="), "must have 32");
    expect_refused(SPAN("whsk_%%%"), "not base64");
    // One bit of the public half is another.
    expect_refused(SPAN("whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp"
                        "4AJ6p9lMicMFs6Kvw=="),
                   "public key of the first");
    expect_refused(SPAN("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="), "public key");
}

static void test_plain(void **state)
{
    (void)state;
    char text[SECRET_MAX_LEN + 1];
    memset(text, 'x', sizeof text);
    expect_kind(SPAN("It's a Secret to Everybody"), SECRET_PLAIN);
    expect_kind(span_make(text, 1), SECRET_PLAIN);
    expect_kind(span_make(text, SECRET_MAX_LEN), SECRET_PLAIN);
    expect_refused(span_make(text, SECRET_MAX_LEN + 1), "257 bytes");
    expect_refused(SPAN(""), "0 bytes");
}

static void test_generated_pass(void **state)
{
    (void)state;
    static const enum secret_kind kinds[] = {SECRET_SYMMETRIC, SECRET_ED25519, SECRET_PLAIN};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        char one[SECRET_MAX_LEN + 1];
        char other[SECRET_MAX_LEN + 1];
        secret_generate(kinds[i], one);
        secret_generate(kinds[i], other);
        expect_kind(span_of(one), kinds[i]);
        assert_string_not_equal(one, other);
        assert_true(strlen(one) >= 43);
    }
    char text[SECRET_MAX_LEN + 1];
    secret_generate(SECRET_SYMMETRIC, text);
    assert_int_equal(strlen(text), strlen("whsec_") + 44);
}

static void test_public(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 100);
    assert_int_equal(secret_public(SPAN(SVIX_KEY), &out), OK);
    assert_string_equal(buf_text(&out), "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=");
    buf_clear(&out);
    assert_int_equal(secret_public(SPAN("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), &out),
                     ERR_SYNTAX);
    assert_int_equal(secret_public(SPAN("plain"), &out), ERR_SYNTAX);
    assert_int_equal(secret_public(SPAN("whsk_"), &out), ERR_SYNTAX);
    assert_int_equal(out.len, 0);
    buf_deinit(&out);
    buf_init(&out, 10);
    assert_int_equal(secret_public(SPAN(SVIX_KEY), &out), ERR_FULL);
    buf_deinit(&out);
}

static void test_mask(void **state)
{
    (void)state;
    assert_string_equal(secret_mask(SECRET_SYMMETRIC), "whsec_…");
    assert_string_equal(secret_mask(SECRET_ED25519), "whsk_…");
    assert_string_equal(secret_mask(SECRET_PLAIN), "…");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_symmetric), cmocka_unit_test(test_ed25519),
        cmocka_unit_test(test_plain),     cmocka_unit_test(test_generated_pass),
        cmocka_unit_test(test_public),    cmocka_unit_test(test_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
