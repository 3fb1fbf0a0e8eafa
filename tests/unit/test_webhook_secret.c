// SPDX-License-Identifier: MIT
// Secrets of a webhook (model/webhook_secret.h): order, ends, bounds, and what a change that holds a mask keeps.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "model/webhook_secret.h"

#define NOW INT64_C(1700000000000)

static struct webhook *parse(const char *json, const struct webhook *have)
{
    struct webhook_rules rules = {.have = have};
    struct problems problems;
    struct webhook *webhook = NULL;
    problems_init(&problems);
    if (webhook_parse(&webhook, span_of(json), &rules, &problems) != OK)
        webhook = NULL;
    problems_deinit(&problems);
    return webhook;
}

static struct webhook *with_one(void)
{
    return parse(
        "{\"target\":\"https://h.example/a/b?c\",\"events\":[\"e\"],\"secrets\":[\"first\"],"
        "\"extra_headers\":{\"X-Key\":\"hidden\"}}",
        NULL);
}

static void test_the_newest_comes_first_and_the_others_end(void **state)
{
    (void)state;
    struct webhook *webhook = with_one();
    assert_int_equal(webhook_secret_add(webhook, SPAN("second"), NOW, NOW + 1000), OK);
    assert_int_equal(webhook_secret_add(webhook, SPAN("third"), NOW, NOW + 5000), OK);
    assert_int_equal(webhook->secret_count, 3);
    assert_true(span_is(webhook->secrets[0].text, "third"));
    assert_int_equal(webhook->secrets[0].expires_ms, 0);
    assert_int_equal(webhook->secrets[1].expires_ms, NOW + 5000);
    assert_int_equal(webhook->secrets[2].expires_ms, NOW + 1000); // its earlier end stays
    assert_int_equal(webhook_secret_add(webhook, SPAN("third"), NOW, 0), ERR_EXISTS);
    assert_null(webhook_secret_find(webhook, webhook->secrets[2].id, NOW + 1000));
    assert_non_null(webhook_secret_find(webhook, webhook->secrets[2].id, NOW + 999));
    assert_int_equal(webhook_secret_add(webhook, SPAN("fourth"), NOW + 2000, 0), OK);
    assert_int_equal(webhook->secret_count, 3); // the first is gone
    assert_int_equal(webhook->secrets[1].expires_ms, 0);
    webhook_unref(webhook);
}

static void test_there_is_a_most(void **state)
{
    (void)state;
    struct webhook *webhook = with_one();
    for (int i = 1; i < WEBHOOK_MAX_SECRETS; i++) {
        char text[2] = {(char)('a' + i), 0};
        assert_int_equal(webhook_secret_add(webhook, span_of(text), NOW, 0), OK);
    }
    assert_int_equal(webhook_secret_add(webhook, SPAN("more"), NOW, 0), ERR_FULL);
    assert_int_equal(webhook_secret_remove(webhook, SPAN("nobody"), NOW), ERR_NOT_FOUND);
    assert_int_equal(webhook_secret_remove(webhook, webhook->secrets[3].id, NOW), OK);
    assert_int_equal(webhook->secret_count, WEBHOOK_MAX_SECRETS - 1);
    assert_int_equal(webhook_secret_add(webhook, SPAN("more"), NOW, 0), OK);
    webhook_unref(webhook);
}

static void test_masks_keep_what_is_there(void **state)
{
    (void)state;
    struct webhook *have = with_one();
    struct webhook *fresh =
        parse("{\"target\":\"https://h.example/a/…\",\"events\":[\"e\"],\"secrets\":[\"***\"],"
              "\"extra_headers\":{\"x-key\":\"***\"}}",
              have);
    assert_non_null(fresh);
    assert_true(span_eq(fresh->target, have->target));
    assert_true(span_is(fresh->extra_headers[0].value, "hidden"));
    assert_true(span_eq(fresh->secrets[0].id, have->secrets[0].id));
    assert_true(span_is(fresh->secrets[0].text, "first"));
    webhook_unref(fresh);
    assert_null(parse(
        "{\"target\":\"https://h.example/\",\"events\":[\"e\"],\"secrets\":[\"***\"]}", NULL));
    assert_null(
        parse("{\"target\":\"https://h.example/\",\"events\":[\"e\"],\"secrets\":[\"x\",\"***\"]}",
              have));
    webhook_unref(have);
}

static void test_what_viewers_see_of_a_target(void **state)
{
    (void)state;
    static const struct {
        const char *target, *shown;
    } cases[] = {
        {"https://h", "https://h"},
        {"https://h/", "https://h/"},
        {"https://h/in", "https://h/…"},
        {"https://h/a/b/c", "https://h/a/b/…"},
        {"https://h/a/b/?q=/x/", "https://h/a/b/…"},
        {"https://h?q=1", "https://h…"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out;
        buf_init(&out, 256);
        webhook_shown_target(span_of(cases[i].target), &out);
        assert_string_equal(buf_text(&out), cases[i].shown);
        buf_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_newest_comes_first_and_the_others_end),
        cmocka_unit_test(test_there_is_a_most),
        cmocka_unit_test(test_masks_keep_what_is_there),
        cmocka_unit_test(test_what_viewers_see_of_a_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
