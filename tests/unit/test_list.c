// SPDX-License-Identifier: MIT
// Tests of base/list: order, removing while walking, splicing; one thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/list.h"

struct item {
    int number;
    struct list_node node;
};

static int number_of(struct list_node *node)
{
    return CONTAINER_OF(node, struct item, node)->number;
}

// The numbers, as decimal digits of one.
static int digits(struct list *list)
{
    int all = 0;
    LIST_FOREACH(node, list)
        all = all * 10 + number_of(node);
    return all;
}

static void fill(struct item items[6], struct list *list)
{
    list_init(list);
    for (int i = 0; i < 6; i++) {
        items[i] = (struct item){.number = i + 1};
        list_append(list, &items[i].node);
    }
}

static void test_order(void **state)
{
    (void)state;
    struct item items[6];
    struct item early = {.number = 9};
    struct item middle = {.number = 7};
    struct list list;
    list_init(&list);
    assert_true(list_is_empty(&list));
    assert_null(list_first(&list));
    assert_null(list_pop(&list));
    fill(items, &list);
    assert_int_equal(digits(&list), 123456);
    list_prepend(&list, &early.node);
    list_insert_before(&items[2].node, &middle.node);
    assert_int_equal(digits(&list), 91273456);
    assert_ptr_equal(list_pop(&list), &early.node);
    assert_false(list_is_linked(&early.node));
    assert_true(list_is_linked(&middle.node));
    assert_int_equal(digits(&list), 1273456);
}

static void test_remove(void **state)
{
    (void)state;
    struct item items[6];
    struct item single = {0};
    struct list list;
    fill(items, &list);
    list_remove(&single.node); // in none
    LIST_FOREACH_SAFE(node, &list) {
        if (number_of(node) % 2 == 0)
            list_remove(node);
    }
    assert_int_equal(digits(&list), 135);
    list_remove(&items[1].node); // out already
    assert_int_equal(digits(&list), 135);
    list_append(&list, &items[1].node);
    assert_int_equal(digits(&list), 1352);
    while (list_pop(&list) != NULL) {
    }
    assert_true(list_is_empty(&list));
}

static void test_splice(void **state)
{
    (void)state;
    struct item items[6];
    struct item more[6];
    struct list to;
    struct list from;
    struct list empty;
    fill(items, &to);
    fill(more, &from);
    list_init(&empty);
    list_splice(&to, &empty);
    assert_int_equal(digits(&to), 123456);
    list_pop(&to);
    list_pop(&to);
    list_pop(&to);
    list_splice(&to, &from);
    assert_int_equal(digits(&to), 456123456);
    assert_true(list_is_empty(&from));
    list_splice(&empty, &to);
    assert_int_equal(digits(&empty), 456123456);
    list_remove(&more[0].node);
    assert_int_equal(digits(&empty), 45623456);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_remove),
        cmocka_unit_test(test_splice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
