// SPDX-License-Identifier: MIT
// Random documents under random edits: Lua and a reference model in Python come to the same bytes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/sandbox_rig.h"

#define CASES 3000

// Takes white space between tokens out, in place.
static void strip(char *text)
{
    char *to = text;
    bool is_inside = false;
    for (const char *from = text; *from; from++) {
        if (!is_inside && strchr(" \t\r\n", *from))
            continue;
        *to++ = *from;
        if (is_inside && *from == '\\')
            *to++ = *++from;
        else if (*from == '"')
            is_inside = !is_inside;
    }
    *to = 0;
}

static bool read_line(FILE *file, char **line, size_t *capacity)
{
    ssize_t len = getline(line, capacity, file);
    if (len <= 0)
        return false;
    if ((*line)[len - 1] == '\n')
        (*line)[len - 1] = 0;
    return true;
}

static void test_model(void **state)
{
    (void)state;
    const char *seed = getenv("LAZY_SEED"); // another one, by hand
    char command[512];
    snprintf(command, sizeof(command), "python3 %s/tests/support/lazy_model.py %s %d", SOURCE_DIR,
             seed ? seed : "20261123", CASES);
    FILE *model = popen(command, "r"); // NOLINT(cert-env33-c): a fixed command of the tree
    assert_non_null(model);
    struct sandbox_rig rig;
    sandbox_rig_start(&rig);
    char *lines[3] = {0};
    size_t capacities[3] = {0};
    int cases = 0;
    while (read_line(model, &lines[0], &capacities[0])) {
        assert_true(read_line(model, &lines[1], &capacities[1]));
        assert_true(read_line(model, &lines[2], &capacities[2]));
        bool is_ok = sandbox_rig_edit(&rig, span_of(lines[0]), lines[1]);
        buf_append_char(&rig.out, 0);
        strip(rig.out.at);
        if (!is_ok || strcmp(rig.out.at, lines[2]) != 0)
            fail_msg("case %d\ndocument %s\ncode     %s\nexpected %s\ngot      %s", cases, lines[0],
                     lines[1], lines[2], rig.out.at);
        cases++;
    }
    assert_int_equal(pclose(model), 0);
    assert_int_equal(cases, CASES);
    sandbox_rig_stop(&rig);
    for (size_t i = 0; i < 3; i++)
        free(lines[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
