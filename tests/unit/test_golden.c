// SPDX-License-Identifier: MIT
// Tests the golden tests: those of the ready-made scripts, and that broken ones are found out.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/embed.h"
#include "sandbox/golden.h"

#define MAX_OUTPUT ((size_t)4 * 1024 * 1024)

static char report_text[65536];

// Runs the tests of a source; the report is in report_text.
static enum err run(const char *name, struct span source, struct golden_result *result)
{
    struct pipeline *pipeline = pipeline_new(NULL, NULL, MAX_OUTPUT);
    struct pipeline_load load = {.name = name, .source = source};
    struct buf report;
    buf_init(&report, sizeof(report_text) - 1);
    enum err err = golden_run(pipeline, NULL, &load, result, &report);
    snprintf(report_text, sizeof(report_text), "%s", buf_text(&report));
    buf_deinit(&report);
    pipeline_free(pipeline);
    return err;
}

static void test_ready_made_scripts(void **state)
{
    (void)state;
    assert_true(embedded_scripts_count >= 4);
    for (const struct embedded_file *file = embedded_scripts; file->name; file++) {
        struct golden_result result;
        char name[64];
        snprintf(name, sizeof(name), "%.*s", (int)strlen(file->name) - 4, file->name);
        enum err err = run(name, span_make(file->text, file->len), &result);
        if (err || result.failures)
            fail_msg("%s", report_text);
        assert_true(result.tests >= 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ready_made_scripts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
