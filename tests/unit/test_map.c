// SPDX-License-Identifier: MIT
// Tests of base/map: both maps against plain models, walking, keys that are copied; one thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/map.h"

#define KEYS 400

static uint64_t next(uint64_t *stream)
{
    *stream = *stream * 6364136223846793005U + 1442695040888963407U;
    return *stream >> 33;
}

// What a map must hold: values[i] is key i's, NULL when it is not there.
struct model {
    char *values[KEYS];
    size_t count;
};

static void *model_set(struct model *model, size_t i, char *value)
{
    void *before = model->values[i];
    model->count += (value != NULL) - (before != NULL);
    model->values[i] = value;
    return before;
}

static void test_empty(void **state)
{
    (void)state;
    struct map map;
    struct strmap strmap;
    size_t at = 0;
    uint64_t number = 0;
    struct span key;
    void *value = NULL;
    map_init(&map);
    strmap_init(&strmap);
    assert_null(map_get(&map, 0));
    assert_null(map_remove(&map, 0));
    assert_false(map_next(&map, &at, &number, &value));
    assert_null(strmap_get(&strmap, SPAN("")));
    assert_null(strmap_remove(&strmap, SPAN("")));
    assert_false(strmap_next(&strmap, &at, &key, &value));
    map_deinit(&map);
    strmap_deinit(&strmap);
}

static void check_walk(const struct map *map, const struct model *model)
{
    size_t at = 0;
    size_t count = 0;
    uint64_t key = 0;
    void *value = NULL;
    while (map_next(map, &at, &key, &value)) {
        assert_true(key < KEYS && model->values[key] == value);
        count++;
    }
    assert_int_equal(count, model->count);
}

static void test_numbers(void **state)
{
    (void)state;
    static char things[100];
    struct model model = {0};
    struct map map;
    map_init(&map);
    uint64_t stream = 3;
    for (int step = 0; step < 100000; step++) {
        size_t i = next(&stream) % KEYS;
        // Long runs of setting, then of removing, so that it fills and empties.
        bool is_set = next(&stream) % 10 < (step / 5000 % 2 ? 3 : 7);
        char *value = is_set ? &things[next(&stream) % sizeof things] : NULL;
        void *wanted = model_set(&model, i, value);
        assert_ptr_equal(is_set ? map_set(&map, i, value) : map_remove(&map, i), wanted);
        i = next(&stream) % KEYS;
        assert_ptr_equal(map_get(&map, i), model.values[i]);
        assert_int_equal(map.count, model.count);
        if (step % 1000 == 0)
            check_walk(&map, &model);
    }
    for (size_t i = 0; i < KEYS; i++)
        assert_ptr_equal(map_get(&map, i), model.values[i]);
    map_deinit(&map);
}

static void test_wide_numbers(void **state)
{
    (void)state;
    struct map map;
    static char things[64];
    map_init(&map);
    for (unsigned i = 0; i < 64; i++)
        assert_null(map_set(&map, UINT64_C(1) << i, &things[i]));
    assert_null(map_set(&map, UINT64_MAX, things));
    assert_null(map_set(&map, 0, things));
    for (unsigned i = 0; i < 64; i++)
        assert_ptr_equal(map_get(&map, UINT64_C(1) << i), &things[i]);
    assert_int_equal(map.count, 66);
    map_deinit(&map);
}

static struct span name_of(size_t i, char room[32])
{
    int len = snprintf(room, 32, "%s%zu", i % 2 ? "request." : "", i);
    return span_make(room, (size_t)len);
}

static void test_strings(void **state)
{
    (void)state;
    static char things[100];
    struct model model = {0};
    struct strmap map;
    strmap_init(&map);
    uint64_t stream = 5;
    for (int step = 0; step < 50000; step++) {
        char room[32];
        size_t i = next(&stream) % KEYS;
        bool is_set = next(&stream) % 10 < (step / 5000 % 2 ? 3 : 7);
        char *value = is_set ? &things[next(&stream) % sizeof things] : NULL;
        void *wanted = model_set(&model, i, value);
        struct span key = name_of(i, room);
        assert_ptr_equal(is_set ? strmap_set(&map, key, value) : strmap_remove(&map, key), wanted);
        memset(room, 'x', sizeof room); // the map has its own copy
        i = next(&stream) % KEYS;
        assert_ptr_equal(strmap_get(&map, name_of(i, room)), model.values[i]);
        assert_int_equal(map.count, model.count);
    }
    size_t at = 0;
    size_t count = 0;
    struct span key;
    void *value = NULL;
    for (; strmap_next(&map, &at, &key, &value); count++)
        assert_ptr_equal(strmap_get(&map, key), value);
    assert_int_equal(count, model.count);
    strmap_deinit(&map);
}

static void test_any_bytes_are_a_key(void **state)
{
    (void)state;
    struct strmap map;
    char one;
    char two;
    char three;
    strmap_init(&map);
    assert_null(strmap_set(&map, SPAN("a\0b"), &one));
    assert_null(strmap_set(&map, SPAN("a\0c"), &two));
    assert_null(strmap_set(&map, SPAN(""), &three));
    assert_ptr_equal(strmap_get(&map, SPAN("a\0b")), &one);
    assert_ptr_equal(strmap_get(&map, SPAN("a\0c")), &two);
    assert_ptr_equal(strmap_get(&map, (struct span){NULL, 0}), &three);
    assert_null(strmap_get(&map, SPAN("a")));
    assert_ptr_equal(strmap_set(&map, SPAN(""), &one), &three);
    assert_int_equal(map.count, 3);
    strmap_deinit(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_wide_numbers),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_any_bytes_are_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
