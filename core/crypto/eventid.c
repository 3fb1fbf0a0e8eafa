// SPDX-License-Identifier: MIT
// Event ids: a UUID version 7 that carries the event's encrypted sequence number; any thread.
#include "crypto/eventid.h"

#include <openssl/evp.h>

#include "base/check.h"
#include "base/mem.h"

#define HALF_BITS           37 // of the 74 that are permuted
#define HALF_MASK           ((UINT64_C(1) << HALF_BITS) - 1)
#define ROUNDS              10 // as FF1 of NIST SP 800-38G has them, for halves that are this short
#define CHECK_BITS          26
#define SEQ_BITS            48
#define DELIVERY_CHECK_BITS 11 // a delivery's number has 63 bits
#define SEQ_LIMIT           (UINT64_C(1) << 47)
#define MS_MASK             ((UINT64_C(1) << 48) - 1)
#define BLOCK_LEN           16 // of AES, bytes

_Static_assert(SEQ_BITS + CHECK_BITS == 2 * HALF_BITS, "what is permuted fills both halves");

struct eventid_key {
    EVP_CIPHER *cipher;      // owned; fetched once
    EVP_CIPHER_CTX *context; // owned; holds the key schedule, is only copied from
};

// The two halves of what the id carries.
struct halves {
    uint64_t left;  // the sequence number's high bits first
    uint64_t right; // its low bits, then the check bits
};

struct eventid_key *eventid_key_new(const uint8_t key[32])
{
    struct eventid_key *made = xmalloc(sizeof *made);
    made->cipher = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
    made->context = EVP_CIPHER_CTX_new();
    CHECK(made->cipher != NULL && made->context != NULL);
    CHECK(EVP_EncryptInit_ex2(made->context, made->cipher, key, NULL, NULL) == 1);
    CHECK(EVP_CIPHER_CTX_set_padding(made->context, 0) == 1);
    return made;
}

void eventid_key_free(struct eventid_key *key)
{
    if (key == NULL)
        return;
    EVP_CIPHER_CTX_free(key->context); // wipes
    EVP_CIPHER_free(key->cipher);
    xfree(key);
}

// Threads share the key; each call works on its own copy of the context.
static EVP_CIPHER_CTX *copy_context(const struct eventid_key *key)
{
    EVP_CIPHER_CTX *copy = EVP_CIPHER_CTX_new();
    CHECK(copy != NULL && EVP_CIPHER_CTX_copy(copy, key->context) == 1);
    return copy;
}

// AES of (round, milliseconds, half) as 37 bits.
static uint64_t scramble(EVP_CIPHER_CTX *context, unsigned round, uint64_t ms, uint64_t half)
{
    uint8_t in[BLOCK_LEN] = {(uint8_t)round};
    uint8_t out[BLOCK_LEN];
    for (size_t i = 0; i < 6; i++)
        in[1 + i] = (uint8_t)(ms >> (40 - 8 * i));
    for (size_t i = 0; i < 5; i++)
        in[7 + i] = (uint8_t)(half >> (32 - 8 * i));
    int len = 0;
    CHECK(EVP_EncryptUpdate(context, out, &len, in, sizeof in) == 1 && len == (int)sizeof in);
    uint64_t word = 0;
    for (size_t i = 0; i < 8; i++)
        word = word << 8 | out[i];
    return word & HALF_MASK;
}

// What is permuted: events and deliveries never share an id.
enum domain { DOMAIN_EVENT = 0x00, DOMAIN_DELIVERY = 0x80 };

static struct uid seal(const struct eventid_key *key, enum domain domain, int64_t wall_ms,
                       struct halves h)
{
    EVP_CIPHER_CTX *context = copy_context(key);
    uint64_t ms = (uint64_t)wall_ms & MS_MASK;
    for (unsigned round = 0; round < ROUNDS; round++)
        h = (struct halves){h.right, h.left ^ scramble(context, round | domain, ms, h.right)};
    EVP_CIPHER_CTX_free(context);
    // 12 bits in front of the variant, 62 behind it.
    return uid_v7(wall_ms, (uint16_t)(h.left >> 25),
                  (h.left & ((UINT64_C(1) << 25) - 1)) << HALF_BITS | h.right);
}

// False for what is no version 7.
static bool unseal(const struct eventid_key *key, enum domain domain, const struct uid *id,
                   struct halves *out)
{
    if (id->bytes[6] >> 4 != 7 || id->bytes[8] >> 6 != 2)
        return false;
    int64_t wall_ms = 0;
    uint16_t high = 0;
    uint64_t low = 0;
    uid_v7_read(id, &wall_ms, &high, &low);
    EVP_CIPHER_CTX *context = copy_context(key);
    struct halves h = {(uint64_t)high << 25 | low >> HALF_BITS, low & HALF_MASK};
    for (unsigned round = ROUNDS; round-- > 0;)
        h = (struct halves){h.right ^ scramble(context, round | domain, (uint64_t)wall_ms, h.left),
                            h.left};
    EVP_CIPHER_CTX_free(context);
    *out = h;
    return true;
}

// The low `bits` of a half must be zero, or the id was not made with this key.
static bool has_check_bits(const struct halves *h, unsigned bits)
{
    return (h->right & ((UINT64_C(1) << bits) - 1)) == 0;
}

struct uid eventid_make(const struct eventid_key *key, int64_t wall_ms, uint64_t seq)
{
    CHECK(seq < SEQ_LIMIT);
    struct halves h = {seq >> (HALF_BITS - CHECK_BITS), seq << CHECK_BITS & HALF_MASK};
    return seal(key, DOMAIN_EVENT, wall_ms, h);
}

bool eventid_open(const struct eventid_key *key, const struct uid *id, uint64_t *seq)
{
    struct halves h;
    if (!unseal(key, DOMAIN_EVENT, id, &h) || !has_check_bits(&h, CHECK_BITS))
        return false;
    uint64_t found = h.left << (HALF_BITS - CHECK_BITS) | h.right >> CHECK_BITS;
    if (found >= SEQ_LIMIT)
        return false;
    *seq = found;
    return true;
}

struct uid eventid_make_delivery(const struct eventid_key *key, int64_t wall_ms, uint64_t delivery)
{
    CHECK(delivery >> 63 == 0);
    struct halves h = {delivery >> (HALF_BITS - DELIVERY_CHECK_BITS),
                       delivery << DELIVERY_CHECK_BITS & HALF_MASK};
    return seal(key, DOMAIN_DELIVERY, wall_ms, h);
}

bool eventid_open_delivery(const struct eventid_key *key, const struct uid *id, uint64_t *delivery)
{
    struct halves h;
    if (!unseal(key, DOMAIN_DELIVERY, id, &h) || !has_check_bits(&h, DELIVERY_CHECK_BITS))
        return false;
    *delivery = h.left << (HALF_BITS - DELIVERY_CHECK_BITS) | h.right >> DELIVERY_CHECK_BITS;
    return true;
}
