// SPDX-License-Identifier: MIT
// Embedded files (base/embed.h): each table holds exactly the bytes of its folder, sorted by name.
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/embed.h"

static void same_bytes(const struct embedded_file *file, const char *path)
{
    FILE *stream = fopen(path, "rb");
    assert_non_null(stream);
    for (size_t i = 0; i < file->len; i++)
        assert_int_equal((unsigned char)file->text[i], fgetc(stream));
    assert_int_equal(fgetc(stream), EOF);
    assert_int_equal(file->text[file->len], '\0');
    (void)fclose(stream);
}

static void same_folder(const struct embedded_file *table, size_t count, const char *pattern)
{
    glob_t found = {0};
    int status = glob(pattern, 0, NULL, &found);
    assert_true(status == 0 || status == GLOB_NOMATCH);
    assert_int_equal(count, found.gl_pathc);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(table[i].name, strrchr(found.gl_pathv[i], '/') + 1);
        same_bytes(&table[i], found.gl_pathv[i]);
    }
    assert_null(table[count].name);
    globfree(&found);
}

static void scripts_are_those_of_the_tree(void **state)
{
    (void)state;
    same_folder(embedded_scripts, embedded_scripts_count, SOURCE_DIR "/scripts/*.lua");
}

static void modules_are_those_of_the_tree(void **state)
{
    (void)state;
    same_folder(embedded_modules, embedded_modules_count, SOURCE_DIR "/lua/*.lua");
}

static void schema_is_that_of_the_tree(void **state)
{
    (void)state;
    same_folder(embedded_schema, embedded_schema_count, SOURCE_DIR "/core/store/schema/*.sql");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scripts_are_those_of_the_tree),
        cmocka_unit_test(modules_are_those_of_the_tree),
        cmocka_unit_test(schema_is_that_of_the_tree),
    };
    return cmocka_run_group_tests_name("embed", tests, NULL, NULL);
}
