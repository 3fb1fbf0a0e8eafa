// SPDX-License-Identifier: MIT
// Encryption of what is stored (crypto/vault.h): key files good and bad, places, changed bytes, several keys.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/vault.h"

#define KEY_1 "MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE="
#define KEY_2 "MjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjI="

static char path[64];

static enum err load(const char *text, mode_t mode, struct vault **out, struct errmsg *message)
{
    snprintf(path, sizeof path, "/tmp/grapnel-vault-%ld", (long)getpid());
    (void)unlink(path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
    enum err err = vault_load(out, path, message);
    (void)unlink(path);
    return err;
}

static struct vault *loaded(const char *text)
{
    struct vault *vault = NULL;
    struct errmsg message;
    assert_int_equal(load(text, 0400, &vault, &message), OK);
    return vault;
}

static void test_what_is_sealed_opens_in_its_place_only(void **state)
{
    (void)state;
    struct vault *vault = loaded(KEY_1 "\n");
    struct buf sealed;
    struct buf plain;
    buf_init(&sealed, 1024);
    buf_init(&plain, 1024);
    vault_seal(vault, SPAN("row 1"), SPAN("secret"), &sealed);
    assert_int_equal(sealed.len, 6 + VAULT_OVERHEAD);
    assert_null(memmem(sealed.at, sealed.len, "secret", 6));
    int64_t id = vault_key_id(vault);
    assert_true(id > 0);
    assert_int_equal(vault_open(vault, id, SPAN("row 1"), buf_span(&sealed), &plain), OK);
    assert_string_equal(buf_text(&plain), "secret");
    assert_int_equal(vault_open(vault, id, SPAN("row 2"), buf_span(&sealed), &plain), ERR_CORRUPT);
    assert_int_equal(vault_open(vault, id + 2, SPAN("row 1"), buf_span(&sealed), &plain),
                     ERR_NOT_FOUND);
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.at[i] = (char)(sealed.at[i] ^ 1);
        assert_int_equal(vault_open(vault, id, SPAN("row 1"), buf_span(&sealed), &plain),
                         ERR_CORRUPT);
        sealed.at[i] = (char)(sealed.at[i] ^ 1);
    }
    assert_int_equal(vault_open(vault, id, SPAN("row 1"), span_make(sealed.at, 27), &plain),
                     ERR_CORRUPT);
    assert_int_equal(plain.len, 6); // nothing came of the others
    buf_deinit(&sealed);
    buf_deinit(&plain);
    vault_free(vault);
}

static void test_an_old_key_still_opens(void **state)
{
    (void)state;
    struct vault *old = loaded(KEY_1);
    struct vault *both = loaded(KEY_2 "\n\n" KEY_1 "\n");
    struct vault *fresh = loaded(KEY_2);
    struct buf sealed;
    struct buf plain;
    buf_init(&sealed, 1024);
    buf_init(&plain, 1024);
    vault_seal(old, SPAN("r"), SPAN(""), &sealed);
    int64_t id = vault_key_id(old);
    assert_true(vault_has_key(both, id));
    assert_int_equal(vault_key_id(both), vault_key_id(fresh));
    assert_int_equal(vault_open(both, id, SPAN("r"), buf_span(&sealed), &plain), OK);
    assert_int_equal(vault_open(fresh, id, SPAN("r"), buf_span(&sealed), &plain), ERR_NOT_FOUND);
    buf_deinit(&sealed);
    buf_deinit(&plain);
    vault_free(old);
    vault_free(both);
    vault_free(fresh);
}

static void test_bad_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        mode_t mode;
        enum err err;
    } cases[] = {
        {KEY_1, 0640, ERR_DENIED},       {KEY_1, 0604, ERR_DENIED},
        {"", 0400, ERR_SYNTAX},          {"MTEx\n", 0400, ERR_SYNTAX},
        {"no base64", 0400, ERR_SYNTAX}, {KEY_1 KEY_1, 0400, ERR_SYNTAX},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct vault *vault = NULL;
        struct errmsg message = {""};
        if (cases[i].mode == 0640 && getegid() == 0)
            continue; // as systemd leaves credentials
        assert_int_equal(load(cases[i].text, cases[i].mode, &vault, &message), cases[i].err);
        assert_null(vault);
        assert_non_null(strstr(message.text, path));
    }
    struct vault *vault = NULL;
    struct errmsg message = {""};
    assert_int_equal(vault_load(&vault, "/nonexistent/key", &message), ERR_NOT_FOUND);
    assert_int_equal(vault_load(&vault, "/dev/null", &message), ERR_DENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_sealed_opens_in_its_place_only),
        cmocka_unit_test(test_an_old_key_still_opens),
        cmocka_unit_test(test_bad_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
