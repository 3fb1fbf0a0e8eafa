// SPDX-License-Identifier: MIT
// The index of webhooks by event name: found once, removed wholly, equal to asking each.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dispatch/match.h"

#define WEBHOOKS 200

static struct webhook *make(uint32_t number)
{
    static const char *const patterns[] = {"\"a\"",         "\"a.b\"",
                                           "\"a.*\"",       "\"*\"",
                                           "\"a\",\"a\"",   "\"a\",\"a.b\",\"c\"",
                                           "\"c\",\"c.*\"", "\"a.b.c\",\"a.*\""};
    char json[256];
    struct webhook_rules rules = {0};
    struct webhook *webhook = NULL;
    struct problems problems;
    problems_init(&problems);
    snprintf(json, sizeof json, "{\"target\":\"https://e.com/\",\"events\":[%s]}",
             patterns[number % 8]);
    assert_int_equal(webhook_parse(&webhook, span_of(json), &rules, &problems), OK);
    problems_deinit(&problems);
    webhook->number = number;
    return webhook;
}

static void on_found(void *context, struct webhook *webhook)
{
    unsigned *found = context;
    found[webhook->number]++;
}

static void check(const struct match *match, struct webhook **all, const bool *is_in)
{
    static const char *const names[] = {"a", "a.b", "a.b.c", "c", "c.d", "x"};
    for (size_t n = 0; n < 6; n++) {
        unsigned found[WEBHOOKS] = {0};
        match_event(match, span_of(names[n]), on_found, found);
        for (size_t i = 0; i < WEBHOOKS; i++)
            assert_int_equal(found[i], is_in[i] && webhook_matches(all[i], span_of(names[n])));
    }
}

static void test_equals_asking_each(void **state)
{
    (void)state;
    struct webhook *all[WEBHOOKS];
    bool is_in[WEBHOOKS] = {false};
    struct match match;
    uint32_t random = 12345;
    match_init(&match);
    for (uint32_t i = 0; i < WEBHOOKS; i++)
        all[i] = make(i);
    for (int step = 0; step < 2000; step++) {
        random = random * 1664525 + 1013904223;
        uint32_t i = (random >> 8) % WEBHOOKS;
        if (is_in[i])
            match_remove(&match, all[i]);
        else
            match_add(&match, all[i]);
        is_in[i] = !is_in[i];
        if (step % 50 == 0)
            check(&match, all, is_in);
    }
    check(&match, all, is_in);
    match_deinit(&match);
    for (uint32_t i = 0; i < WEBHOOKS; i++)
        webhook_unref(all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_equals_asking_each)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
