// SPDX-License-Identifier: MIT
// Tests of base/heap: order, moving, removing, against a plain model; one thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/heap.h"

#define NODES 500

// A repeatable stream of numbers.
static uint64_t next(uint64_t *stream)
{
    *stream = *stream * 6364136223846793005U + 1442695040888963407U;
    return *stream >> 33;
}

static void test_sorts(void **state)
{
    (void)state;
    static struct heap_node nodes[NODES];
    struct heap heap;
    heap_init(&heap);
    assert_null(heap_min(&heap));
    uint64_t stream = 1;
    for (size_t i = 0; i < NODES; i++)
        heap_set(&heap, &nodes[i], (int64_t)next(&stream) % 100 - 50);
    int64_t before = INT64_MIN;
    for (size_t i = 0; i < NODES; i++) {
        struct heap_node *node = heap_min(&heap);
        assert_true(node->key >= before);
        before = node->key;
        heap_remove(&heap, node);
        assert_int_equal(node->position, 0);
    }
    assert_null(heap_min(&heap));
    heap_deinit(&heap);
}

static void test_extreme_keys(void **state)
{
    (void)state;
    struct heap_node nodes[3] = {{0}};
    struct heap heap;
    heap_init(&heap);
    heap_set(&heap, &nodes[0], INT64_MAX);
    heap_set(&heap, &nodes[1], INT64_MIN);
    heap_set(&heap, &nodes[2], 0);
    assert_ptr_equal(heap_min(&heap), &nodes[1]);
    heap_set(&heap, &nodes[1], INT64_MAX);
    assert_ptr_equal(heap_min(&heap), &nodes[2]);
    heap_deinit(&heap);
    assert_int_equal(nodes[0].position, 0); // free to go elsewhere
}

// Sets, moves and removes at random; a plain array says what the least must be.
static void test_against_model(void **state)
{
    (void)state;
    static struct heap_node nodes[NODES];
    struct heap heap;
    heap_init(&heap);
    uint64_t stream = 7;
    for (int step = 0; step < 20000; step++) {
        struct heap_node *node = &nodes[next(&stream) % NODES];
        if (next(&stream) % 3 == 0)
            heap_remove(&heap, node);
        else
            heap_set(&heap, node, (int64_t)(next(&stream) % 1000));
        size_t count = 0;
        int64_t least = INT64_MAX;
        for (size_t i = 0; i < NODES; i++) {
            if (nodes[i].position == 0)
                continue;
            count++;
            least = nodes[i].key < least ? nodes[i].key : least;
        }
        assert_int_equal(heap.count, count);
        if (count > 0)
            assert_true(heap_min(&heap)->key == least);
    }
    heap_deinit(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sorts),
        cmocka_unit_test(test_extreme_keys),
        cmocka_unit_test(test_against_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
