// SPDX-License-Identifier: MIT
// The receiver's side of every signature format, by the vectors of signatures.md, and what it says
// when something does not fit.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "cli/verify.h"

#define WHSEC "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static struct incoming request;
static struct errmsg detail;

#define END (const char *)NULL

// Headers as names and values in turn, then END.
static void make(const char *body, ...)
{
    va_list names;
    const char *name;
    request = (struct incoming){.body = span_of(body)};
    va_start(names, body);
    while ((name = va_arg(names, const char *)) != NULL)
        request.headers[request.header_count++] =
            (struct incoming_header){span_of(name), span_of(va_arg(names, const char *))};
    va_end(names);
}

static bool check(enum verify_scheme scheme, const char *secret, int64_t now_s)
{
    detail.text[0] = 0;
    return verify_request(scheme, span_of(secret), &request, now_s, &detail);
}

#define DETAIL_HAS(part)                                                \
    do {                                                                \
        if (strstr(detail.text, part) == NULL)                          \
            fail_msg("\"%s\" does not hold \"%s\"", detail.text, part); \
    } while (0)

// ---- Standard Webhooks -------------------------------------------------------------------------

#define ID_1  "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define SIG_1 "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static void make_standard(const char *signature)
{
    make("{\"test\": 2432232314}", "Webhook-Id", ID_1, "webhook-timestamp", "1614265330",
         "webhook-signature", signature, END);
}

static void test_standard(void **state)
{
    (void)state;
    make_standard(SIG_1);
    assert_true(check(VERIFY_STANDARD, WHSEC, 1614265330));
    assert_string_equal(detail.text, "standard v1, 0 s old");
    make("{\"type\":\"contact.created\",\"timestamp\":\"2022-11-03T20:26:10.344522Z\",\"data\":{"
         "\"id\":\"1f81eb52-5198-4599-803e-771906343485\"}}",
         "webhook-id", "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", "webhook-timestamp", "1674087231",
         "webhook-signature", "v1,ARw42xaAApl/nxRo+iPGYwSaMQaOwMo2eyH5JBRA+bQ=", END);
    assert_true(check(VERIFY_STANDARD, WHSEC, 1674087531)); // 300 s are allowed
    assert_false(check(VERIFY_STANDARD, WHSEC, 1674087532));
    DETAIL_HAS("301 s old");
    assert_false(check(VERIFY_STANDARD, WHSEC, 1674086930));
    DETAIL_HAS("301 s in the future");
}

// Several signatures, unknown versions, other forms of the secret.
static void test_standard_lists(void **state)
{
    (void)state;
    make_standard("v2,abc v1a,AAAA v1,AAAA " SIG_1);
    assert_true(check(VERIFY_STANDARD, WHSEC, 1614265330));
    make_standard("v2,abc");
    assert_false(check(VERIFY_STANDARD, WHSEC, 1614265330));
    DETAIL_HAS("does not fit");
    make_standard("");
    assert_false(check(VERIFY_STANDARD, WHSEC, 1614265330));
    make_standard(SIG_1);
    assert_false(check(VERIFY_STANDARD, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 1614265330));
    assert_false(check(VERIFY_STANDARD, WHSEC "x", 1614265330));
}

static void test_standard_ed25519(void **state)
{
    (void)state;
    make_standard("v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl"
                  "8EM+m7TBAg==");
    assert_true(
        check(VERIFY_STANDARD, "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=", 1614265330));
    assert_string_equal(detail.text, "standard v1a, 0 s old");
    assert_true(
        check(VERIFY_STANDARD,
              "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ"
              "6p9lMicMFs6Kvg==",
              1614265330));
    request.body = SPAN("{\"test\": 2432232315}");
    assert_false(
        check(VERIFY_STANDARD, "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=", 1614265330));
    make_standard(SIG_1); // an HMAC does not pass for it
    assert_false(
        check(VERIFY_STANDARD, "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=", 1614265330));
}

// What was changed on the way is noticed, and what is missing is named.
static void test_standard_changed(void **state)
{
    static const char *const names[] = {"webhook-id", "webhook-timestamp", "webhook-signature"};
    (void)state;
    make_standard(SIG_1);
    request.body = SPAN("{\"test\": 2432232315}");
    assert_false(check(VERIFY_STANDARD, WHSEC, 1614265330));
    make_standard(SIG_1);
    request.headers[0].value = SPAN("msg_other");
    assert_false(check(VERIFY_STANDARD, WHSEC, 1614265330));
    make_standard(SIG_1);
    request.headers[1].value = SPAN("1614265331");
    assert_false(check(VERIFY_STANDARD, WHSEC, 1614265331));
    request.headers[1].value = SPAN("soon");
    assert_false(check(VERIFY_STANDARD, WHSEC, 1614265331));
    DETAIL_HAS("no unix time");
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        make_standard(SIG_1);
        request.headers[i].name = SPAN("other");
        assert_false(check(VERIFY_STANDARD, WHSEC, 1614265330));
        DETAIL_HAS(names[i]);
        DETAIL_HAS("missing");
    }
}

// ---- the others --------------------------------------------------------------------------------

static void test_github(void **state)
{
    (void)state;
    make("Hello, World!", "x-hub-signature-256",
         "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17", END);
    assert_true(check(VERIFY_GITHUB, "It's a Secret to Everybody", 0));
    assert_false(check(VERIFY_GITHUB, "It's a secret to Everybody", 0));
    request.body = SPAN("Hello, World?");
    assert_false(check(VERIFY_GITHUB, "It's a Secret to Everybody", 0));
    request.headers[0].value = SPAN("sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59");
    assert_false(check(VERIFY_GITHUB, "It's a Secret to Everybody", 0));
    make("x", END);
    assert_false(check(VERIFY_GITHUB, "s", 0));
    DETAIL_HAS("X-Hub-Signature-256 is missing");
}

#define STRIPE "654b43d3508ecadb3f8cefc4bc7d3d2bdc5ba9e03bf2c89b2d0657a8e24e4543"

static void test_stripe(void **state)
{
    (void)state;
    make("{\"id\":\"evt_1\",\"object\":\"event\"}", "Stripe-Signature",
         "t=1492774577,v1=00,v1=" STRIPE ",v0=ff", END);
    assert_true(check(VERIFY_STRIPE, "whsec_test_secret", 1492774580));
    assert_string_equal(detail.text, "stripe v1, 3 s old");
    assert_false(check(VERIFY_STRIPE, "whsec_test_secret", 1492774578 + 300));
    assert_false(check(VERIFY_STRIPE, "test_secret", 1492774577)); // the prefix is part of it
    request.headers[0].value = SPAN("t=1492774577,v0=" STRIPE);
    assert_false(check(VERIFY_STRIPE, "whsec_test_secret", 1492774577));
    request.headers[0].value = SPAN("v1=" STRIPE);
    assert_false(check(VERIFY_STRIPE, "whsec_test_secret", 1492774577));
    DETAIL_HAS("no unix time");
}

static void test_slack(void **state)
{
    static const char body[] =
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id="
        "G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-"
        "collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%"
        "2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121."
        "803a0bc887a14d10d2c447fce8b6703c";
    (void)state;
    make(body, "X-Slack-Request-Timestamp", "1531420618", "X-Slack-Signature",
         "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503", END);
    assert_true(check(VERIFY_SLACK, "8f742231b10e8888abcd99yyyzzz85a5", 1531420619));
    assert_string_equal(detail.text, "slack v0, 1 s old");
    assert_false(check(VERIFY_SLACK, "8f742231b10e8888abcd99yyyzzz85a6", 1531420619));
    assert_false(check(VERIFY_SLACK, "8f742231b10e8888abcd99yyyzzz85a5", 1531421000));
    DETAIL_HAS("382 s old");
}

static void test_shopify(void **state)
{
    (void)state;
    make("{\"id\":123456789,\"total_price\":\"99.00\"}", "X-Shopify-Hmac-Sha256",
         "V9RIXFzn4GCoDAfZICebD/DTE//XoA9QtqGbU1Fz2os=", END);
    assert_true(check(VERIFY_SHOPIFY, "hush", 0));
    assert_false(check(VERIFY_SHOPIFY, "hush!", 0));
    request.headers[0].value = SPAN("V9RIXFzn4GCoDAfZICebD/DTE//XoA9QtqGbU1Fz2o");
    assert_false(check(VERIFY_SHOPIFY, "hush", 0));
}

// ---- options -----------------------------------------------------------------------------------

static void test_names(void **state)
{
    enum verify_scheme scheme = VERIFY_SLACK;
    (void)state;
    assert_int_equal(verify_scheme_parse(SPAN("standard"), &scheme, &detail), OK);
    assert_int_equal(scheme, VERIFY_STANDARD);
    assert_int_equal(verify_scheme_parse(SPAN("shopify"), &scheme, &detail), OK);
    assert_int_equal(scheme, VERIFY_SHOPIFY);
    assert_int_equal(verify_scheme_parse(SPAN("githbu"), &scheme, &detail), ERR_NOT_FOUND);
    DETAIL_HAS("did you mean \"github\"?");
    assert_int_equal(scheme, VERIFY_SHOPIFY);
}

static void test_secrets(void **state)
{
    char longest[258];
    (void)state;
    memset(longest, 'x', sizeof longest - 1);
    longest[257] = 0;
    assert_int_equal(verify_secret_check(VERIFY_STANDARD, SPAN(WHSEC), &detail), OK);
    assert_int_equal(verify_secret_check(VERIFY_STANDARD, SPAN("plain text"), &detail), OK);
    assert_int_equal(verify_secret_check(VERIFY_STANDARD, SPAN("whsec_?"), &detail), ERR_SYNTAX);
    assert_null(strstr(detail.text, "whsec_?"));
    assert_int_equal(verify_secret_check(VERIFY_STANDARD, SPAN("whpk_AAAA"), &detail), ERR_SYNTAX);
    assert_int_equal(verify_secret_check(VERIFY_GITHUB, SPAN("whsec_?"), &detail), OK);
    assert_int_equal(verify_secret_check(VERIFY_GITHUB, SPAN(""), &detail), ERR_SYNTAX);
    assert_int_equal(verify_secret_check(VERIFY_GITHUB, span_of(longest), &detail), ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_standard),
        cmocka_unit_test(test_standard_lists),
        cmocka_unit_test(test_standard_ed25519),
        cmocka_unit_test(test_standard_changed),
        cmocka_unit_test(test_github),
        cmocka_unit_test(test_stripe),
        cmocka_unit_test(test_slack),
        cmocka_unit_test(test_shopify),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
