// SPDX-License-Identifier: MIT
// What people write about tables in Lua, tried on documents: exact bytes, or the exact error (support/lazy_idioms.txt).
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/sandbox_rig.h"

#define IDIOMS SOURCE_DIR "/tests/support/lazy_idioms.txt"
#define LEAST  150 // so that nobody loses some unnoticed

struct idiom {
    char name[128];
    char document[4096];
    char code[4096];
    char expected[4096];
    bool is_error;
    int line; // of its name
};

static struct sandbox_rig rig;

static void take(char *to, size_t size, const char *text)
{
    size_t len = strlen(to);
    assert_true(len + strlen(text) + 1 < size);
    memcpy(to + len, text, strlen(text) + 1);
}

static void strip_end(char *text)
{
    size_t len = strlen(text);
    while (len > 0 && text[len - 1] == '\n')
        text[--len] = 0;
}

// Reads up to the next expectation; `*at` counts lines. False at the end of the file.
static bool read_idiom(FILE *file, struct idiom *idiom, int *at)
{
    char line[4096];
    *idiom = (struct idiom){0};
    while (fgets(line, sizeof(line), file)) {
        ++*at;
        if (!idiom->name[0]) {
            if (strncmp(line, "--- ", 4) != 0)
                continue;
            take(idiom->name, sizeof(idiom->name), line + 4);
            strip_end(idiom->name);
            idiom->line = *at;
        } else if (!idiom->document[0]) {
            take(idiom->document, sizeof(idiom->document), line);
            strip_end(idiom->document);
        } else if (strncmp(line, "=> ", 3) == 0 || strncmp(line, "!! ", 3) == 0) {
            idiom->is_error = line[0] == '!';
            take(idiom->expected, sizeof(idiom->expected), line + 3);
            strip_end(idiom->expected);
            return true;
        } else {
            take(idiom->code, sizeof(idiom->code), line);
        }
    }
    if (idiom->name[0])
        fail_msg("%s:%d: \"%s\" has no end", IDIOMS, idiom->line, idiom->name);
    return false;
}

static bool is_met(const struct idiom *idiom)
{
    bool is_ok = sandbox_rig_edit(&rig, span_of(idiom->document), idiom->code);
    const char *got = buf_text(&rig.out);
    if (is_ok != idiom->is_error && strcmp(got, idiom->expected) == 0)
        return true;
    print_error("%s:%d: %s\n%s\n%sexpected %s %s\ngot      %s %s\n\n", IDIOMS, idiom->line,
                idiom->name, idiom->document, idiom->code, idiom->is_error ? "!!" : "=>",
                idiom->expected, is_ok ? "=>" : "!!", got);
    return false;
}

static void test_idioms(void **state)
{
    (void)state;
    FILE *file = fopen(IDIOMS, "r");
    assert_non_null(file);
    sandbox_rig_start(&rig);
    struct idiom *idiom = malloc(sizeof(*idiom)); // NOLINT: too large for the stack
    assert_non_null(idiom);
    int line = 0;
    int count = 0;
    int wrong = 0;
    while (read_idiom(file, idiom, &line)) {
        count++;
        wrong += !is_met(idiom);
    }
    free(idiom);
    fclose(file);
    sandbox_rig_stop(&rig);
    print_message("%d idioms\n", count);
    assert_int_equal(wrong, 0);
    assert_true(count >= LEAST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_idioms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
