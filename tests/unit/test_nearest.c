// SPDX-License-Identifier: MIT
// "Did you mean …?": what is near, what is not, and what is too long; one thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka.h needs the four above.
#include <cmocka.h>

#include "base/check.h"
#include "base/nearest.h"

static const char *const names[] = {"event", "data", "id", "tenant", "deliver_at", "expires_at"};

static const char *nearest(const char *written)
{
    return nearest_name(span_of(written), names, COUNT_OF(names));
}

static void test_near(void **state)
{
    (void)state;
    assert_string_equal(nearest("evnt"), "event");
    assert_string_equal(nearest("event"), "event");
    assert_string_equal(nearest("events"), "event");
    assert_string_equal(nearest("ie"), "id");
    assert_string_equal(nearest("deliverat"), "deliver_at");
    assert_string_equal(nearest("delivered_at"), "deliver_at");
}

static void test_far(void **state)
{
    (void)state;
    assert_null(nearest(""));
    assert_null(nearest("x"));
    assert_null(nearest("payload"));
    char text[100];
    memset(text, 'e', sizeof text);
    assert_null(nearest_name(span_make(text, sizeof text), names, COUNT_OF(names)));
    assert_null(nearest_name(SPAN("event"), names, 0));
}

static void test_hint(void **state)
{
    (void)state;
    char hint[NEAREST_HINT_LEN];
    assert_string_equal(nearest_hint(SPAN("evnt"), names, COUNT_OF(names), hint),
                        "; did you mean \"event\"?");
    assert_string_equal(nearest_hint(SPAN("payload"), names, COUNT_OF(names), hint), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_near),
        cmocka_unit_test(test_far),
        cmocka_unit_test(test_hint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
