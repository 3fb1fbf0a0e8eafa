// SPDX-License-Identifier: MIT
// What every backend promises about versions of scripts; test's thread.
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "contract.h"
#include "fixture.h"

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HASH_C "ababababcccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static const struct backend *backend_under_test;

struct scripts {
    struct fixture f;
    struct query_conn *query;
};

static int setup(void **state)
{
    struct scripts *s = xcalloc(1, sizeof *s);
    struct errmsg message;
    fixture_init(&s->f, backend_under_test);
    assert_ok(s->f.backend->query->open(&s->query, &s->f.config, &message));
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct scripts *s = *state;
    s->f.backend->query->close(&s->query);
    fixture_deinit(&s->f);
    xfree(s);
    return 0;
}

static struct script_step step(enum script_origin origin, const char *name, const char *hash)
{
    return (struct script_step){
        .place = {.origin = origin,
                  .tenant = origin == SCRIPT_STORED ? SPAN("acme") : SPAN(""),
                  .name = span_of(name)},
        .hash = span_of(hash),
        .source = span_of(hash[0] == 'b' ? "return 'b'" : "return 'a'"),
        .functions = 5,
        .description = SPAN("{}"),
        .checked_by = SPAN("1.0"),
        .is_activated = true,
        .action = SPAN("add"),
    };
}

static enum err change(struct scripts *s, const struct script_step *steps, size_t count,
                       int64_t at_ms)
{
    const struct script_change change = {
        .steps = steps, .count = count, .by = SPAN("uid:7"), .note = SPAN("why"), .at_ms = at_ms};
    return s->f.backend->catalogue->change_scripts(s->f.conn, &change);
}

struct seen {
    size_t count;
    char text[512]; // "tenant/origin/name@aaaa=source " …
    struct script_row last;
};

static void on_row(void *context, const struct script_row *row)
{
    struct seen *seen = context;
    size_t len = strlen(seen->text);
    (void)snprintf(seen->text + len, sizeof seen->text - len, "%.*s/%d/%.*s@%.4s%s%.*s%s ",
                   SPAN_ARGS(row->place.tenant), row->place.origin, SPAN_ARGS(row->place.name),
                   row->hash.at, row->source.len > 0 ? "=" : "", SPAN_ARGS(row->source),
                   row->is_active ? "*" : "");
    seen->count++;
    seen->last = *row;
    assert_int_equal(row->hash.len, SCRIPT_HASH_LEN);
}

static void assert_active(struct scripts *s, const char *expected)
{
    struct seen seen = {0};
    assert_ok(s->f.backend->catalogue->active_scripts(s->f.conn, on_row, &seen));
    assert_string_equal(seen.text, expected);
}

static void assert_versions(struct scripts *s, const struct query_scripts *wanted,
                            const char *expected)
{
    struct seen seen = {0};
    assert_ok(s->f.backend->query->script_versions(s->query, wanted, on_row, &seen));
    assert_string_equal(seen.text, expected);
}

static void test_versions_are_kept(void **state)
{
    struct scripts *s = *state;
    const struct script_step a = step(SCRIPT_DIR, "one", HASH_A);
    const struct script_step b = step(SCRIPT_DIR, "one", HASH_B);
    assert_active(s, "");
    assert_ok(change(s, &a, 1, 1000));
    assert_ok(change(s, &b, 1, 2000));
    assert_active(s, "/2/one@bbbb=return 'b'* ");
    const struct query_scripts all = {.name = SPAN("one"), .tenant = SPAN("acme"), .limit = 50};
    assert_versions(s, &all, "/2/one@bbbb* /2/one@aaaa ");
    const struct query_scripts first = {.name = SPAN("one"), .tenant = SPAN("acme"), .limit = 1};
    assert_versions(s, &first, "/2/one@bbbb* ");
    const struct query_scripts older = {
        .name = SPAN("one"), .tenant = SPAN("acme"), .limit = 50, .before = 2};
    assert_versions(s, &older, "/2/one@aaaa ");
    fixture_crash(&s->f);
    assert_active(s, "/2/one@bbbb=return 'b'* ");
}

static void test_what_is_known_of_a_version(void **state)
{
    struct scripts *s = *state;
    struct script_step a = step(SCRIPT_DIR, "one", HASH_A);
    a.seen = SPAN(HASH_A);
    assert_ok(change(s, &a, 1, 1000));
    struct seen seen = {0};
    assert_ok(s->f.backend->catalogue->active_scripts(s->f.conn, on_row, &seen));
    // The texts are gone; numbers stay.
    assert_int_equal(seen.last.at_ms, 1000);
    assert_int_equal(seen.last.active_ms, 1000);
    assert_int_equal(seen.last.functions, 5);
    assert_int_equal(seen.last.number, 1);
    // The same again is no second version, keeps who brought it, and takes what was found out.
    a.functions = 6;
    a.is_activated = false;
    assert_ok(change(s, &a, 1, 3000));
    assert_ok(s->f.backend->catalogue->active_scripts(s->f.conn, on_row, &seen));
    assert_int_equal(seen.last.number, 1);
    assert_int_equal(seen.last.at_ms, 1000);
    assert_int_equal(seen.last.active_ms, 1000);
    assert_int_equal(seen.last.functions, 6);
}

static bool is_seen_kept;
static void check_texts(void *context, const struct script_row *row)
{
    (void)context;
    assert_true(span_is(row->by, "uid:7"));
    assert_true(span_is(row->note, "why"));
    assert_true(span_is(row->active_by, "uid:7"));
    assert_true(span_is(row->description, "{}"));
    assert_true(span_is(row->checked_by, "1.0"));
    assert_true(span_is(row->seen, HASH_B));
    is_seen_kept = true;
}

static void test_texts(void **state)
{
    struct scripts *s = *state;
    struct script_step a = step(SCRIPT_DIR, "one", HASH_A);
    a.seen = SPAN(HASH_B);
    assert_ok(change(s, &a, 1, 1000));
    a.seen = SPAN(""); // as before
    assert_ok(change(s, &a, 1, 1000));
    is_seen_kept = false;
    assert_ok(s->f.backend->catalogue->active_scripts(s->f.conn, check_texts, NULL));
    assert_true(is_seen_kept);
}

static void test_activate_and_give_up(void **state)
{
    struct scripts *s = *state;
    struct script_step a = step(SCRIPT_STORED, "one", HASH_A);
    struct script_step b = step(SCRIPT_STORED, "one", HASH_B);
    b.is_activated = false;
    assert_ok(change(s, &a, 1, 1000));
    assert_ok(change(s, &b, 1, 2000)); // is there, and not active
    assert_active(s, "acme/3/one@aaaa=return 'a'* ");
    b.source = SPAN("");
    b.is_activated = true;
    assert_ok(change(s, &b, 1, 3000));
    assert_active(s, "acme/3/one@bbbb=return 'b'* ");
    struct script_step gone = step(SCRIPT_STORED, "one", HASH_A);
    gone.hash = SPAN("");
    assert_ok(change(s, &gone, 1, 4000));
    assert_active(s, "");
    assert_int_equal(change(s, &gone, 1, 5000), ERR_NOT_FOUND);
    const struct query_scripts all = {.name = SPAN("one"), .tenant = SPAN("acme"), .limit = 50};
    assert_versions(s, &all, "acme/3/one@bbbb acme/3/one@aaaa "); // they stay
}

static void test_all_steps_or_none(void **state)
{
    struct scripts *s = *state;
    struct script_step steps[] = {step(SCRIPT_DIR, "one", HASH_A), step(SCRIPT_DIR, "two", HASH_B)};
    steps[1].source = SPAN(""); // of no version that is there
    assert_int_equal(change(s, steps, 2, 1000), ERR_NOT_FOUND);
    assert_active(s, "");
    steps[1].source = SPAN("return 'b'");
    assert_ok(change(s, steps, 2, 1000));
    assert_active(s, "/2/one@aaaa=return 'a'* /2/two@bbbb=return 'b'* ");
}

static void test_places_are_apart(void **state)
{
    struct scripts *s = *state;
    struct script_step steps[] = {
        step(SCRIPT_BUILTIN, "one", HASH_A), step(SCRIPT_DIR, "one", HASH_A),
        step(SCRIPT_STORED, "one", HASH_A), step(SCRIPT_STORED, "one", HASH_B)};
    steps[3].place.tenant = SPAN("other");
    assert_ok(change(s, steps, 4, 1000));
    assert_active(s, "/1/one@aaaa=return 'a'* /2/one@aaaa=return 'a'* "
                     "acme/3/one@aaaa=return 'a'* other/3/one@bbbb=return 'b'* ");
    const struct query_scripts all = {.name = SPAN("one"), .tenant = SPAN("acme"), .limit = 50};
    assert_versions(s, &all, "acme/3/one@aaaa* /2/one@aaaa* /1/one@aaaa* ");
}

static void assert_version(struct scripts *s, const char *tenant, const char *hash,
                           const char *expected)
{
    struct seen seen = {0};
    const struct query_scripts wanted = {
        .name = SPAN("one"), .tenant = span_of(tenant), .hash = span_of(hash)};
    assert_int_equal(s->f.backend->query->script_version(s->query, &wanted, on_row, &seen),
                     expected != NULL ? OK : ERR_NOT_FOUND);
    assert_string_equal(seen.text, expected != NULL ? expected : "");
}

static void test_find_by_prefix(void **state)
{
    struct scripts *s = *state;
    struct script_step steps[] = {
        step(SCRIPT_BUILTIN, "one", HASH_A), step(SCRIPT_STORED, "one", HASH_A),
        step(SCRIPT_STORED, "one", HASH_C), step(SCRIPT_DIR, "two", HASH_B)};
    assert_ok(change(s, steps, 4, 1000));
    assert_version(s, "acme", "aaaaaa", "acme/3/one@aaaa=return 'a' ");
    assert_version(s, "acme", "abab", "acme/3/one@abab=return 'a'* ");
    assert_version(s, "acme", HASH_C, "acme/3/one@abab=return 'a'* ");
    assert_version(s, "acme", "a", "acme/3/one@aaaa=return 'a' "); // the first
    assert_version(s, "other", "aaaa", "/1/one@aaaa=return 'a'* ");
    assert_version(s, "other", "abab", NULL);
    assert_version(s, "acme", "bbbb", NULL); // of another name
    assert_version(s, "acme", "%", NULL);
}

int contract_scripts(const struct backend *backend)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_versions_are_kept),    T(test_what_is_known_of_a_version), T(test_texts),
        T(test_activate_and_give_up), T(test_all_steps_or_none),          T(test_places_are_apart),
        T(test_find_by_prefix),
    };
#undef T
    backend_under_test = backend;
    return cmocka_run_group_tests_name("scripts", tests, NULL, NULL);
}
