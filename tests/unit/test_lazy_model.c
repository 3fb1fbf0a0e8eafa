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
#define SEED  "20261123"

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
    // By hand, or by tests/run.sh model: another seed, and more.
    const char *seed = getenv("LAZY_SEED");
    const char *wanted = getenv("LAZY_CASES");
    seed = seed ? seed : SEED;
    int count = wanted ? (int)strtol(wanted, NULL, 10) : CASES;
    print_message("LAZY_SEED=%s LAZY_CASES=%d\n", seed, count);
    char command[512];
    snprintf(command, sizeof(command), "python3 %s/tests/support/lazy_model.py %s %d%s", SOURCE_DIR,
             seed, count, wanted ? " --slow" : "");
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
        const char *got = buf_text(&rig.out);
        if (!is_ok || strcmp(got, lines[2]) != 0) {
            // cmocka would cut it
            fprintf(stderr, "document %s\ncode     %s\nexpected %s\ngot      %s\n", lines[0],
                    lines[1], lines[2], got);
            fail_msg("seed %s, case %d", seed, cases);
        }
        cases++;
    }
    assert_int_equal(pclose(model), 0);
    assert_int_equal(cases, count);
    sandbox_rig_stop(&rig);
    for (size_t i = 0; i < 3; i++)
        free(lines[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
