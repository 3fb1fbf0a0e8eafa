// SPDX-License-Identifier: MIT
// Tests of base/http_header: every byte of names and values, the reserved names; one thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/http_header.h"

static enum http_header_verdict check(const char *name)
{
    return http_header_check(span_of(name), SPAN("value"));
}

static void test_names(void **state)
{
    (void)state;
    assert_int_equal(check("X-Hub-Signature-256"), HTTP_HEADER_OK);
    assert_int_equal(check("Authorization"), HTTP_HEADER_OK);
    assert_int_equal(check("Content-Type"), HTTP_HEADER_OK);
    assert_int_equal(check("!#$%&'*+-.^_`|~09azAZ"), HTTP_HEADER_OK);
    assert_int_equal(check(""), HTTP_HEADER_BAD_NAME);
    assert_int_equal(http_header_check((struct span){NULL, 0}, SPAN("")), HTTP_HEADER_BAD_NAME);
    size_t good = 0;
    for (int c = 0; c < 256; c++) {
        char name[3] = {'a', (char)c, 'b'};
        enum http_header_verdict verdict = http_header_check(span_make(name, 3), SPAN("v"));
        assert_true(verdict == HTTP_HEADER_OK || verdict == HTTP_HEADER_BAD_NAME);
        good += verdict == HTTP_HEADER_OK;
    }
    assert_int_equal(good, 26 + 26 + 10 + 15); // RFC 9110, 5.6.2
}

static void test_values(void **state)
{
    (void)state;
    struct span name = SPAN("X-Any");
    assert_int_equal(http_header_check(name, SPAN("")), HTTP_HEADER_OK);
    assert_int_equal(http_header_check(name, (struct span){NULL, 0}), HTTP_HEADER_OK);
    assert_int_equal(http_header_check(name, SPAN("caf\xc3\xa9\t\x01")), HTTP_HEADER_OK);
    assert_int_equal(http_header_check(name, SPAN("a\rb")), HTTP_HEADER_BAD_VALUE);
    assert_int_equal(http_header_check(name, SPAN("a\nb")), HTTP_HEADER_BAD_VALUE);
    assert_int_equal(http_header_check(name, SPAN("a\0b")), HTTP_HEADER_BAD_VALUE);
    assert_int_equal(http_header_check(name, SPAN("a\n")), HTTP_HEADER_BAD_VALUE);
}

static void test_reserved(void **state)
{
    (void)state;
    static const char *const forbidden[] = {"Host",
                                            "Content-Length",
                                            "Transfer-Encoding",
                                            "Connection",
                                            "Expect",
                                            "Upgrade",
                                            "Keep-Alive",
                                            "TE",
                                            "Trailer",
                                            "Proxy-Authorization",
                                            "Proxy-",
                                            "proxy-x",
                                            "HOST",
                                            "cOnTeNt-lEnGtH",
                                            "te"};
    static const char *const free_names[] = {
        "Hos",         "Host-",  "X-Host",      "TEA",      "T",
        "Proxy",       "Prox-",  "X-Proxy-Foo", "Trailers", "webhook-signature",
        "webhook-id2", "webhook"};
    for (size_t i = 0; i < COUNT_OF(forbidden); i++)
        assert_int_equal(check(forbidden[i]), HTTP_HEADER_FORBIDDEN);
    for (size_t i = 0; i < COUNT_OF(free_names); i++)
        assert_int_equal(check(free_names[i]), HTTP_HEADER_OK);
    assert_int_equal(check("Webhook-ID"), HTTP_HEADER_ENGINE_OWN);
    assert_int_equal(check("webhook-timestamp"), HTTP_HEADER_ENGINE_OWN);
    // The name decides first.
    assert_int_equal(http_header_check(SPAN("Host"), SPAN("a\n")), HTTP_HEADER_FORBIDDEN);
}

static void test_reasons(void **state)
{
    (void)state;
    assert_string_equal(http_header_reason(HTTP_HEADER_ENGINE_OWN),
                        "is set by the engine and cannot be changed");
    for (int i = HTTP_HEADER_OK; i <= HTTP_HEADER_ENGINE_OWN; i++)
        assert_string_not_equal(http_header_reason((enum http_header_verdict)i), "is unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_reserved),
        cmocka_unit_test(test_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
