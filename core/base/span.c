// SPDX-License-Identifier: MIT
// Comparing, splitting, reading and hashing spans of bytes; any thread.
#include "base/span.h"

#include <endian.h>
#include <pthread.h>

#include "base/rand.h"

static unsigned char to_lower(char c)
{
    unsigned char u = (unsigned char)c;
    return u >= 'A' && u <= 'Z' ? (unsigned char)(u + ('a' - 'A')) : u;
}

bool span_eq_nocase(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (to_lower(a.at[i]) != to_lower(b.at[i]))
            return false;
    }
    return true;
}

int span_cmp(struct span a, struct span b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common > 0 ? memcmp(a.at, b.at, common) : 0;
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_trim(struct span s)
{
    while (s.len > 0 && is_blank(s.at[0])) {
        s.at++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.at[s.len - 1]))
        s.len--;
    return s;
}

bool span_split(struct span *rest, char separator, struct span *part)
{
    if (rest->at == NULL)
        return false;
    const char *found = rest->len > 0 ? memchr(rest->at, separator, rest->len) : NULL;
    if (found == NULL) {
        *part = *rest;
        *rest = (struct span){NULL, 0};
        return true;
    }
    size_t len = (size_t)(found - rest->at);
    *part = (struct span){rest->at, len};
    *rest = (struct span){found + 1, rest->len - len - 1};
    return true;
}

bool span_to_uint64(struct span s, uint64_t *out)
{
    if (s.len == 0)
        return false;
    uint64_t number = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)(unsigned char)s.at[i] - '0';
        if (digit > 9 || number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *out = number;
    return true;
}

bool span_to_int64(struct span s, int64_t *out)
{
    bool is_negative = s.len > 0 && s.at[0] == '-';
    if (is_negative) {
        s.at++;
        s.len--;
    }
    uint64_t size = 0;
    if (!span_to_uint64(s, &size) || size > (uint64_t)INT64_MAX + is_negative)
        return false;
    // The negation is made without sign, so that the smallest number is reached.
    *out = is_negative ? (int64_t)(0 - size) : (int64_t)size;
    return true;
}

// ---- SipHash-1-3 (Aumasson, Bernstein) ------------------------------------

static uint64_t hash_key[2]; // written once
static pthread_once_t hash_key_once = PTHREAD_ONCE_INIT;

static void make_hash_key(void)
{
    uint64_t seed = 0;
    if (rand_test_seed(&seed)) {
        hash_key[0] = seed;
        hash_key[1] = ~seed;
    } else {
        rand_bytes(hash_key, sizeof hash_key);
    }
}

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

uint64_t span_hash(struct span s)
{
    pthread_once(&hash_key_once, make_hash_key);
    uint64_t v[4] = {
        hash_key[0] ^ 0x736f6d6570736575U,
        hash_key[1] ^ 0x646f72616e646f6dU,
        hash_key[0] ^ 0x6c7967656e657261U,
        hash_key[1] ^ 0x7465646279746573U,
    };
    size_t at = 0;
    for (; s.len - at >= 8; at += 8) {
        uint64_t word = 0;
        memcpy(&word, s.at + at, sizeof word);
        word = le64toh(word);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)(s.len & 0xff) << 56;
    for (unsigned shift = 0; at < s.len; at++, shift += 8)
        last |= (uint64_t)(unsigned char)s.at[at] << shift;
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
