// SPDX-License-Identifier: MIT
// What every backend's catalogue promises; test's thread.
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "contract.h"
#include "fixture.h"

static const struct backend *backend_under_test;

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    fixture_init(f, backend_under_test);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_deinit(*state);
    xfree(*state);
    return 0;
}

static struct object webhook(const char *key, const char *body)
{
    return (struct object){
        .kind = OBJECT_WEBHOOK,
        .key = span_of(key),
        .body = span_of(body),
        .by = SPAN("uid:0"),
        .action = SPAN("create"),
        .at_ms = 1000,
    };
}

struct seen {
    size_t count;
    char text[256]; // number:revision:key:body …
};

static void on_object(void *context, const struct object *object)
{
    struct seen *seen = context;
    size_t len = strlen(seen->text);
    (void)snprintf(seen->text + len, sizeof seen->text - len, "%u:%u:%.*s:%.*s ", object->number,
                   object->revision, SPAN_ARGS(object->key), SPAN_ARGS(object->body));
    seen->count++;
}

static void assert_list(struct fixture *f, const char *expected)
{
    struct seen seen = {0};
    assert_ok(f->backend->catalogue->list(f->conn, OBJECT_WEBHOOK, on_object, &seen));
    assert_string_equal(seen.text, expected);
}

static void test_put_and_list(void **state)
{
    struct fixture *f = *state;
    struct object a = webhook("a", "{1}");
    struct object b = webhook("b", "{2}");
    assert_ok(f->backend->catalogue->put(f->conn, &b));
    assert_ok(f->backend->catalogue->put(f->conn, &a));
    assert_int_equal(b.number, 1);
    assert_int_equal(a.number, 2);
    assert_int_equal(a.revision, 1);
    a.body = SPAN("{3}");
    assert_ok(f->backend->catalogue->put(f->conn, &a));
    assert_int_equal(a.revision, 2);
    assert_list(f, "1:1:b:{2} 2:2:a:{3} ");
    fixture_crash(f);
    assert_list(f, "1:1:b:{2} 2:2:a:{3} ");
}

static void test_kinds_are_apart(void **state)
{
    struct fixture *f = *state;
    struct object a = webhook("a", "{1}");
    struct object tenant = webhook("a", "{}");
    tenant.kind = OBJECT_TENANT;
    assert_ok(f->backend->catalogue->put(f->conn, &a));
    assert_ok(f->backend->catalogue->put(f->conn, &tenant));
    assert_int_equal(tenant.number, 1);
    assert_list(f, "1:1:a:{1} ");
}

static void test_conflicts(void **state)
{
    struct fixture *f = *state;
    struct object a = webhook("a", "{1}");
    assert_ok(f->backend->catalogue->put(f->conn, &a));
    struct object same = webhook("a", "{2}");
    assert_int_equal(f->backend->catalogue->put(f->conn, &same), ERR_EXISTS);
    struct object stale = a;
    a.body = SPAN("{3}");
    assert_ok(f->backend->catalogue->put(f->conn, &a));
    assert_int_equal(f->backend->catalogue->put(f->conn, &stale), ERR_CONFLICT);
    assert_int_equal(stale.revision, 1); // untouched on failure
    struct object missing = webhook("z", "{}");
    missing.number = 77;
    missing.revision = 1;
    assert_int_equal(f->backend->catalogue->put(f->conn, &missing), ERR_NOT_FOUND);
    // A new name may not be one that is taken.
    struct object b = webhook("b", "{}");
    assert_ok(f->backend->catalogue->put(f->conn, &b));
    b.key = SPAN("a");
    assert_int_equal(f->backend->catalogue->put(f->conn, &b), ERR_EXISTS);
    assert_list(f, "1:2:a:{3} 2:1:b:{} ");
}

static void test_remove(void **state)
{
    struct fixture *f = *state;
    struct object a = webhook("a", "{1}");
    assert_ok(f->backend->catalogue->put(f->conn, &a));
    struct object stale = a;
    stale.revision = 9;
    assert_int_equal(f->backend->catalogue->remove(f->conn, &stale), ERR_CONFLICT);
    assert_ok(f->backend->catalogue->remove(f->conn, &a));
    assert_true(a.is_deleted);
    assert_int_equal(a.revision, 2);
    assert_list(f, "");
    assert_int_equal(f->backend->catalogue->remove(f->conn, &a), ERR_NOT_FOUND);
    // The key is free, the number is not.
    struct object again = webhook("a", "{2}");
    assert_ok(f->backend->catalogue->put(f->conn, &again));
    assert_int_equal(again.number, 2);
    assert_list(f, "2:1:a:{2} ");
}

int contract_catalogue(const struct backend *backend)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_put_and_list),
        T(test_kinds_are_apart),
        T(test_conflicts),
        T(test_remove),
    };
#undef T
    backend_under_test = backend;
    return cmocka_run_group_tests_name("catalogue", tests, NULL, NULL);
}
