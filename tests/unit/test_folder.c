// SPDX-License-Identifier: MIT
// Reading scripts_dir: what is too much for it is refused as a whole, never left out in silence.
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "script/folder.h"

static char dir[] = "/tmp/test_folder.XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static void touch(int number, const char *ending)
{
    char path[64];
    (void)snprintf(path, sizeof path, "%s/s%d.%s", dir, number, ending);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
}

static int tear_down(void **state)
{
    char path[64];
    (void)state;
    for (int i = 0; i <= FOLDER_MAX_ENTRIES; i++) {
        (void)snprintf(path, sizeof path, "%s/s%d.lua", dir, i);
        (void)unlink(path);
        (void)snprintf(path, sizeof path, "%s/s%d.txt", dir, i);
        (void)unlink(path);
    }
    return rmdir(dir);
}

static void assert_too_much(void)
{
    struct folder folder = {.files = NULL};
    struct errmsg message;
    assert_int_equal(folder_read(&folder, dir, &message), ERR_FULL);
    assert_null(folder.files);
    assert_non_null(strstr(message.text, dir));
    assert_non_null(strstr(message.text, "more than 1000 scripts"));
    assert_non_null(strstr(message.text, "grapnel scripts put"));
}

static void test_bounds(void **state)
{
    struct folder folder;
    struct errmsg message;
    (void)state;
    for (int i = 0; i < FOLDER_MAX_FILES; i++)
        touch(i, "lua");
    touch(0, "txt"); // is none
    assert_int_equal(folder_read(&folder, dir, &message), OK);
    assert_int_equal(folder.count, FOLDER_MAX_FILES);
    assert_string_equal(folder.files[0].name, "s0");
    assert_string_equal(folder.files[1].name, "s1");
    folder_deinit(&folder);
    touch(FOLDER_MAX_FILES, "lua");
    assert_too_much();
}

static void test_entries_of_other_kinds(void **state)
{
    char path[64];
    (void)state;
    for (int i = 0; i <= FOLDER_MAX_FILES; i++) {
        (void)snprintf(path, sizeof path, "%s/s%d.lua", dir, i);
        (void)unlink(path);
    }
    for (int i = 0; i <= FOLDER_MAX_ENTRIES; i++)
        touch(i, "txt");
    assert_too_much();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_entries_of_other_kinds),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
