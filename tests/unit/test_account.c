// SPDX-License-Identifier: MIT
// Accounts: what counts, whose rows stay, and that names have a bound; the test's thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "script/account.h"

static void note(struct accounts *a, uint32_t webhook, uint32_t version, const char *name,
                 enum script_result result)
{
    struct account_visit visit = {.cpu_us = 10, .memory_bytes = 100 * version, .result = result};
    account_note(a, webhook, version, span_of(name), &visit);
}

static void test_each_end_has_its_counter(void **state)
{
    (void)state;
    struct account account = {0};
    const struct account_visit visits[] = {
        {5, 300, SCRIPT_DONE},   {6, 900, SCRIPT_FILTERED}, {7, 0, SCRIPT_ERROR},
        {8, 0, SCRIPT_TIMEOUT},  {9, 0, SCRIPT_MEMORY},     {10, 0, SCRIPT_KILLED},
        {11, 700, SCRIPT_ERROR},
    };
    for (size_t i = 0; i < COUNT_OF(visits); i++)
        account_add(&account, &visits[i]);
    assert_int_equal(account.calls, 7);
    assert_int_equal(account.cpu_us, 56);
    assert_int_equal(account.memory_bytes, 900);
    assert_int_equal(account.failures[ACCOUNT_ERROR], 2);
    assert_int_equal(account.failures[ACCOUNT_TIMEOUT], 1);
    assert_int_equal(account.failures[ACCOUNT_MEMORY], 1);
    assert_int_equal(account.failures[ACCOUNT_KILLED], 1);
    assert_int_equal(account_failures(&account), 5);
    assert_string_equal(account_failure_name(ACCOUNT_KILLED), "killed");
}

static void test_webhooks_have_rows_of_their_own(void **state)
{
    (void)state;
    struct accounts a;
    account_init(&a);
    account_use(&a, 1, (uint32_t[]){7, 8, 7, 0}, 4);
    account_use(&a, 2, (uint32_t[]){7}, 1);
    note(&a, 1, 7, "slack", SCRIPT_DONE);
    note(&a, 1, 8, "hmac", SCRIPT_ERROR);
    note(&a, 2, 7, "slack", SCRIPT_KILLED);
    assert_int_equal(account_of_webhook(&a, 1, 7)->calls, 1);
    assert_int_equal(account_failures(account_of_webhook(&a, 1, 7)), 0);
    assert_int_equal(account_of_webhook(&a, 1, 8)->failures[ACCOUNT_ERROR], 1);
    assert_int_equal(account_of_webhook(&a, 2, 7)->failures[ACCOUNT_KILLED], 1);
    assert_null(account_of_webhook(&a, 2, 8));
    assert_null(account_of_webhook(&a, 3, 7));
    account_deinit(&a);
}

static void test_another_version_begins_anew(void **state)
{
    (void)state;
    struct accounts a;
    account_init(&a);
    account_use(&a, 1, (uint32_t[]){7, 8}, 2);
    note(&a, 1, 7, "slack", SCRIPT_DONE);
    note(&a, 1, 8, "hmac", SCRIPT_DONE);
    account_use(&a, 1, (uint32_t[]){8, 9}, 2); // "slack" has a new version
    assert_null(account_of_webhook(&a, 1, 7));
    assert_int_equal(account_of_webhook(&a, 1, 8)->calls, 1);
    assert_int_equal(account_of_webhook(&a, 1, 9)->calls, 0);
    note(&a, 1, 7, "slack", SCRIPT_DONE); // one that was under way
    assert_null(account_of_webhook(&a, 1, 7));
    account_use(&a, 1, NULL, 0);
    assert_null(account_of_webhook(&a, 1, 8));
    size_t at = 0;
    struct span name;
    const struct account *sum;
    uint64_t calls = 0;
    while ((sum = account_next_name(&a, &at, &name)) != NULL)
        calls += span_is(name, "slack") ? sum->calls : 0;
    assert_int_equal(calls, 2); // the name's go on
    account_deinit(&a);
}

static void test_names_are_bounded(void **state)
{
    (void)state;
    struct accounts a;
    char name[16];
    account_init(&a);
    for (int i = 0; i < ACCOUNT_MAX_NAMES + 50; i++) {
        (void)snprintf(name, sizeof name, "s%d", i);
        note(&a, 1, 1, name, SCRIPT_DONE);
    }
    note(&a, 1, 1, "s0", SCRIPT_DONE); // known ones still have their own
    size_t at = 0;
    size_t count = 0;
    uint64_t others = 0;
    uint64_t first = 0;
    struct span of;
    const struct account *sum;
    while ((sum = account_next_name(&a, &at, &of)) != NULL) {
        count++;
        others += span_is(of, ACCOUNT_STORED) ? sum->calls : 0;
        first += span_is(of, "s0") ? sum->calls : 0;
    }
    assert_int_equal(count, ACCOUNT_MAX_NAMES + 1);
    assert_int_equal(others, 50);
    assert_int_equal(first, 2);
    account_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_end_has_its_counter),
        cmocka_unit_test(test_webhooks_have_rows_of_their_own),
        cmocka_unit_test(test_another_version_begins_anew),
        cmocka_unit_test(test_names_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
