// SPDX-License-Identifier: MIT
// Tests of base/nearest: what counts as near, ties, long words, the hint; one thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/nearest.h"

static const char *const names[] = {"target", "events", "timeout", "ok", "extra_headers"};

static void expect(const char *written, const char *wanted)
{
    const char *found = nearest_name(span_of(written), names, COUNT_OF(names));
    if (wanted == NULL)
        assert_null(found);
    else
        assert_string_equal(found, wanted);
}

static void test_names(void **state)
{
    (void)state;
    expect("target", "target");
    expect("taget", "target");
    expect("event", "events");
    expect("tiemout", "timeout"); // two letters changed places
    expect("extra-header", "extra_headers");
    expect("o", "ok");
    expect("zz", NULL);
    expect("password", NULL);
    expect("", NULL);
    assert_null(nearest_name(SPAN("target"), NULL, 0));
}

static void test_long_words(void **state)
{
    (void)state;
    char longest[65];
    memset(longest, 'x', 64);
    longest[64] = '\0';
    const char *const one[] = {longest};
    char written[66];
    memset(written, 'x', sizeof written);
    assert_ptr_equal(nearest_name(span_make(written, 64), one, 1), longest);
    assert_ptr_equal(nearest_name(span_make(written, 63), one, 1), longest);
    assert_null(nearest_name(span_make(written, 65), one, 1));
}

static void test_hint(void **state)
{
    (void)state;
    char out[NEAREST_HINT_LEN];
    assert_string_equal(nearest_hint(SPAN("evnts"), names, COUNT_OF(names), out),
                        "; did you mean \"events\"?");
    assert_string_equal(nearest_hint(SPAN("password"), names, COUNT_OF(names), out), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_long_words),
        cmocka_unit_test(test_hint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
