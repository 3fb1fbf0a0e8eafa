// SPDX-License-Identifier: MIT
// Tests of crypto/mac: published vectors, kept keys, ed25519, life after a lockdown; one thread.
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/codec.h"
#include "crypto/mac.h"

static void expect_hex(const uint8_t *bytes, size_t len, const char *wanted)
{
    struct buf hex;
    buf_init(&hex, 2 * MAC_MAX_LEN);
    assert_int_equal(codec_to_hex(&hex, span_make(bytes, len)), OK);
    assert_string_equal(buf_text(&hex), wanted);
    buf_deinit(&hex);
}

static void from_hex(const char *text, uint8_t *out, size_t len)
{
    struct buf bytes;
    buf_init(&bytes, len);
    assert_int_equal(codec_from_hex(&bytes, span_of(text)), OK);
    assert_int_equal(bytes.len, len);
    memcpy(out, bytes.at, len);
    buf_deinit(&bytes);
}

static void test_names(void **state)
{
    (void)state;
    static const char *const names[] = {"sha256", "sha512", "sha1", "md5"};
    static const size_t lens[] = {32, 64, 20, 16};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        enum mac_algorithm found = MAC_MD5;
        assert_true(mac_algorithm_parse(span_of(names[i]), &found));
        assert_int_equal(found, i);
        assert_int_equal(mac_len(found), lens[i]);
        assert_true(lens[i] <= MAC_MAX_LEN);
    }
    enum mac_algorithm untouched = MAC_SHA1;
    assert_false(mac_algorithm_parse(SPAN("SHA256"), &untouched));
    assert_false(mac_algorithm_parse(SPAN(""), &untouched));
    assert_int_equal(untouched, MAC_SHA1);
}

static void test_digests(void **state)
{
    (void)state;
    static const struct {
        enum mac_algorithm algorithm;
        const char *text;
        const char *hex;
    } vectors[] = {
        {MAC_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {MAC_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {MAC_SHA512, "abc",
         "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
         "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
        {MAC_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {MAC_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72"},
    };
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        uint8_t out[MAC_MAX_LEN];
        mac_digest(vectors[i].algorithm, span_of(vectors[i].text), out);
        expect_hex(out, mac_len(vectors[i].algorithm), vectors[i].hex);
    }
    uint8_t out[MAC_MAX_LEN];
    mac_digest(MAC_MD5, (struct span){NULL, 0}, out);
    expect_hex(out, 16, "d41d8cd98f00b204e9800998ecf8427e");
}

static void expect_hmac(enum mac_algorithm algorithm, struct span key, struct span bytes,
                        const char *wanted)
{
    struct mac_key *kept = mac_key_new(algorithm, key);
    uint8_t out[MAC_MAX_LEN];
    mac_hmac(kept, bytes, out);
    expect_hex(out, mac_len(algorithm), wanted);
    mac_hmac(kept, SPAN("something else"), out);
    mac_hmac(kept, bytes, out); // the key is still there, the state is not
    expect_hex(out, mac_len(algorithm), wanted);
    mac_key_free(kept);
}

static void test_hmacs(void **state)
{
    (void)state;
    // RFC 4231, 4.2, 4.3 and 4.7 (a key longer than a block); RFC 2202, 2; GitHub's documentation.
    struct span data = SPAN("what do ya want for nothing?");
    expect_hmac(MAC_SHA256,
                SPAN("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"
                     "\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"),
                SPAN("Hi There"),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    expect_hmac(MAC_SHA256, SPAN("Jefe"), data,
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    expect_hmac(MAC_SHA512, SPAN("Jefe"), data,
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
    expect_hmac(MAC_SHA1, SPAN("Jefe"), data, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    expect_hmac(MAC_MD5, SPAN("Jefe"), data, "750c783e6ab0b503eaa86e310a5db738");
    char long_key[131];
    memset(long_key, 0xaa, sizeof long_key);
    expect_hmac(MAC_SHA256, span_make(long_key, sizeof long_key),
                SPAN("Test Using Larger Than Block-Size Key - Hash Key First"),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    expect_hmac(MAC_SHA256, SPAN("It's a Secret to Everybody"), SPAN("Hello, World!"),
                "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
    expect_hmac(MAC_SHA256, (struct span){NULL, 0}, (struct span){NULL, 0},
                "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    mac_key_free(NULL);
}

static void test_keys_are_apart(void **state)
{
    (void)state;
    struct mac_key *one = mac_key_new(MAC_SHA1, SPAN("Jefe"));
    struct mac_key *other = mac_key_new(MAC_MD5, SPAN("Jefe"));
    uint8_t out[MAC_MAX_LEN];
    mac_hmac(one, SPAN("what do ya want for nothing?"), out);
    expect_hex(out, 20, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    mac_hmac(other, SPAN("what do ya want for nothing?"), out);
    expect_hex(out, 16, "750c783e6ab0b503eaa86e310a5db738");
    mac_key_free(one);
    mac_hmac(other, SPAN("what do ya want for nothing?"), out);
    expect_hex(out, 16, "750c783e6ab0b503eaa86e310a5db738");
    mac_key_free(other);
}

// RFC 8032, 7.1, tests 1 to 3.
static void test_ed25519(void **state)
{
    (void)state;
    static const struct {
        const char *seed;
        const char *public_key;
        const char *message;
        const char *signature;
    } vectors[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
         "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e"
         "458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    };
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        uint8_t seed[32];
        uint8_t message[1];
        uint8_t public_key[32];
        uint8_t signature[64];
        struct span text = span_make(message, strlen(vectors[i].message) / 2);
        from_hex(vectors[i].seed, seed, sizeof seed);
        from_hex(vectors[i].message, message, text.len);
        assert_int_equal(mac_ed25519_public(span_make(seed, 32), public_key), OK);
        expect_hex(public_key, sizeof public_key, vectors[i].public_key);
        assert_int_equal(mac_ed25519_sign(span_make(seed, 32), text, signature), OK);
        expect_hex(signature, sizeof signature, vectors[i].signature);
        struct span made = span_make(signature, sizeof signature);
        assert_true(mac_ed25519_verify(public_key, text, made));
        assert_false(mac_ed25519_verify(public_key, SPAN("another"), made));
        assert_false(mac_ed25519_verify(public_key, text, span_make(signature, 63)));
        signature[5] ^= 1;
        assert_false(mac_ed25519_verify(public_key, text, made));
    }
}

static void test_ed25519_refuses_seeds(void **state)
{
    (void)state;
    uint8_t out[64] = {7};
    char seed[64] = {0};
    assert_int_equal(mac_ed25519_sign(span_make(seed, 31), SPAN("x"), out), ERR_SYNTAX);
    assert_int_equal(mac_ed25519_sign(span_make(seed, 64), SPAN("x"), out), ERR_SYNTAX);
    assert_int_equal(mac_ed25519_public((struct span){NULL, 0}, out), ERR_SYNTAX);
    assert_int_equal(out[0], 7);
}

// Whoever is warm opens no file any more; a script host may not.
static void test_warm_up_lasts(void **state)
{
    (void)state;
    mac_warm_up();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit none = {0, 0};
        if (setrlimit(RLIMIT_NOFILE, &none) != 0 || open("/dev/null", O_RDONLY) >= 0)
            _exit(2);
        mac_warm_up();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),         cmocka_unit_test(test_digests),
        cmocka_unit_test(test_hmacs),         cmocka_unit_test(test_keys_are_apart),
        cmocka_unit_test(test_ed25519),       cmocka_unit_test(test_ed25519_refuses_seeds),
        cmocka_unit_test(test_warm_up_lasts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
