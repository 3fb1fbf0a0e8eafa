// SPDX-License-Identifier: MIT
// Digests, HMACs with a kept key and ed25519, by OpenSSL; any thread, one object at a time per thread.
#include "crypto/mac.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>

#include "base/mem.h"

#define ED25519_KEY_LEN       32
#define ED25519_SIGNATURE_LEN 64

static const struct {
    const char *name;    // as scripts and people write it
    const char *openssl; // as OpenSSL knows it
    size_t len;          // of a digest, bytes
} algorithms[] = {
    [MAC_SHA256] = {"sha256", "SHA2-256", 32},
    [MAC_SHA512] = {"sha512", "SHA2-512", 64},
    [MAC_SHA1] = {"sha1", "SHA1", 20},
    [MAC_MD5] = {"md5", "MD5", 16},
};

// Fetched once: finding an algorithm costs more than a short HMAC.
static pthread_once_t fetched_once = PTHREAD_ONCE_INIT;
static EVP_MD *digests[COUNT_OF(algorithms)]; // owned by the process
static EVP_MAC *hmac;                         // owned by the process

static void fetch(void)
{
    for (size_t i = 0; i < COUNT_OF(algorithms); i++) {
        digests[i] = EVP_MD_fetch(NULL, algorithms[i].openssl, NULL);
        CHECK(digests[i] != NULL && (size_t)EVP_MD_get_size(digests[i]) == algorithms[i].len);
    }
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    CHECK(hmac != NULL);
}

// OpenSSL's empty inputs still want a pointer.
static const unsigned char *bytes_of(struct span s)
{
    return (const unsigned char *)(s.at != NULL ? s.at : "");
}

bool mac_algorithm_parse(struct span name, enum mac_algorithm *out)
{
    for (size_t i = 0; i < COUNT_OF(algorithms); i++) {
        if (span_is(name, algorithms[i].name)) {
            *out = (enum mac_algorithm)i;
            return true;
        }
    }
    return false;
}

size_t mac_len(enum mac_algorithm algorithm)
{
    return algorithms[algorithm].len;
}

void mac_digest(enum mac_algorithm algorithm, struct span bytes, uint8_t *out)
{
    pthread_once(&fetched_once, fetch);
    unsigned len = 0;
    CHECK(EVP_Digest(bytes_of(bytes), bytes.len, out, &len, digests[algorithm], NULL) == 1);
    CHECK(len == algorithms[algorithm].len);
}

struct mac_key {
    EVP_MAC_CTX *context; // owned; holds the key's schedule
    size_t len;           // of an HMAC, bytes
};

struct mac_key *mac_key_new(enum mac_algorithm algorithm, struct span key)
{
    pthread_once(&fetched_once, fetch);
    struct mac_key *made = xmalloc(sizeof *made);
    made->context = EVP_MAC_CTX_new(hmac);
    made->len = algorithms[algorithm].len;
    CHECK(made->context != NULL);
    // The parameter is only read, but its type is the one of results.
    char name[16];
    size_t name_len = strlen(algorithms[algorithm].openssl);
    CHECK(name_len < sizeof name);
    memcpy(name, algorithms[algorithm].openssl, name_len + 1);
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, name_len),
        OSSL_PARAM_construct_end(),
    };
    CHECK(EVP_MAC_init(made->context, bytes_of(key), key.len, parameters) == 1);
    return made;
}

void mac_key_free(struct mac_key *key)
{
    if (key == NULL)
        return;
    EVP_MAC_CTX_free(key->context); // wipes
    xfree(key);
}

void mac_hmac(struct mac_key *key, struct span bytes, uint8_t *out)
{
    size_t len = 0;
    CHECK(EVP_MAC_init(key->context, NULL, 0, NULL) == 1); // keeps the key
    CHECK(EVP_MAC_update(key->context, bytes_of(bytes), bytes.len) == 1);
    CHECK(EVP_MAC_final(key->context, out, &len, key->len) == 1);
    CHECK(len == key->len);
}

// ---- ed25519 ---------------------------------------------------------------

// NULL when the seed has a wrong length.
static EVP_PKEY *private_key(struct span seed)
{
    if (seed.len != ED25519_KEY_LEN)
        return NULL;
    EVP_PKEY *key =
        EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, bytes_of(seed), seed.len);
    CHECK(key != NULL);
    return key;
}

enum err mac_ed25519_sign(struct span seed, struct span bytes, uint8_t out[64])
{
    EVP_PKEY *key = private_key(seed);
    if (key == NULL)
        return ERR_SYNTAX;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t signature[ED25519_SIGNATURE_LEN];
    size_t len = sizeof signature;
    CHECK(context != NULL);
    CHECK(EVP_DigestSignInit_ex(context, NULL, NULL, NULL, NULL, key, NULL) == 1);
    CHECK(EVP_DigestSign(context, signature, &len, bytes_of(bytes), bytes.len) == 1);
    CHECK(len == sizeof signature);
    memcpy(out, signature, sizeof signature);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return OK;
}

enum err mac_ed25519_public(struct span seed, uint8_t out[32])
{
    EVP_PKEY *key = private_key(seed);
    if (key == NULL)
        return ERR_SYNTAX;
    size_t len = ED25519_KEY_LEN;
    CHECK(EVP_PKEY_get_raw_public_key(key, out, &len) == 1 && len == ED25519_KEY_LEN);
    EVP_PKEY_free(key);
    return OK;
}

bool mac_ed25519_verify(const uint8_t public_key[32], struct span bytes, struct span signature)
{
    if (signature.len != ED25519_SIGNATURE_LEN)
        return false;
    EVP_PKEY *key =
        EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, public_key, ED25519_KEY_LEN);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    CHECK(key != NULL && context != NULL);
    bool is_valid = EVP_DigestVerifyInit_ex(context, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
                    EVP_DigestVerify(context, bytes_of(signature), signature.len, bytes_of(bytes),
                                     bytes.len) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    ERR_clear_error(); // a wrong signature is no error of ours
    return is_valid;
}

// ---- before a lockdown -----------------------------------------------------

void mac_warm_up(void)
{
    uint8_t out[MAC_MAX_LEN];
    struct span sample = SPAN("warm up with as many bytes as a seed has");
    for (size_t i = 0; i < COUNT_OF(algorithms); i++) {
        mac_digest((enum mac_algorithm)i, sample, out);
        struct mac_key *key = mac_key_new((enum mac_algorithm)i, sample);
        mac_hmac(key, sample, out);
        mac_key_free(key);
    }
    struct span seed = {sample.at, ED25519_KEY_LEN};
    uint8_t public_key[ED25519_KEY_LEN];
    CHECK(mac_ed25519_public(seed, public_key) == OK);
    CHECK(mac_ed25519_sign(seed, sample, out) == OK);
    struct span signature = span_make(out, ED25519_SIGNATURE_LEN);
    CHECK(mac_ed25519_verify(public_key, sample, signature));
    out[0] ^= 1; // the way of errors too
    CHECK(!mac_ed25519_verify(public_key, sample, signature));
}
