// SPDX-License-Identifier: MIT
// UUIDs (RFC 9562): parse, print, make versions 4 and 7; any thread.
#include "base/uid.h"

#include <uuid/uuid.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

// Whether a hyphen stands in front of byte `i`.
static bool has_hyphen(size_t i)
{
    return i == 4 || i == 6 || i == 8 || i == 10;
}

bool uid_parse(struct span text, struct uid *out)
{
    if (text.len != UID_TEXT_LEN)
        return false;
    struct uid uid;
    const char *at = text.at;
    for (size_t i = 0; i < sizeof uid.bytes; i++) {
        if (has_hyphen(i) && *at++ != '-')
            return false;
        int high = hex_digit(at[0]);
        int low = hex_digit(at[1]);
        if (high < 0 || low < 0)
            return false;
        uid.bytes[i] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    *out = uid;
    return true;
}

void uid_print(const struct uid *uid, char out[UID_TEXT_LEN + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof uid->bytes; i++) {
        if (has_hyphen(i))
            *out++ = '-';
        *out++ = digits[uid->bytes[i] >> 4];
        *out++ = digits[uid->bytes[i] & 0xf];
    }
    *out = '\0';
}

bool uid_eq(const struct uid *a, const struct uid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool uid_is_nil(const struct uid *uid)
{
    static const struct uid nil;
    return uid_eq(uid, &nil);
}

struct uid uid_random(void)
{
    struct uid uid;
    uuid_generate_random(uid.bytes);
    return uid;
}

struct uid uid_v7(int64_t wall_ms, uint16_t high, uint64_t low)
{
    struct uid uid;
    uint64_t ms = (uint64_t)wall_ms;
    for (size_t i = 0; i < 6; i++)
        uid.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    uid.bytes[6] = (uint8_t)(0x70 | (high >> 8 & 0x0f));
    uid.bytes[7] = (uint8_t)high;
    for (size_t i = 0; i < 8; i++)
        uid.bytes[8 + i] = (uint8_t)(low >> (56 - 8 * i));
    uid.bytes[8] = (uint8_t)(0x80 | (uid.bytes[8] & 0x3f));
    return uid;
}

void uid_v7_read(const struct uid *uid, int64_t *wall_ms, uint16_t *high, uint64_t *low)
{
    uint64_t ms = 0;
    for (size_t i = 0; i < 6; i++)
        ms = ms << 8 | uid->bytes[i];
    uint64_t rest = uid->bytes[8] & 0x3f;
    for (size_t i = 9; i < 16; i++)
        rest = rest << 8 | uid->bytes[i];
    *wall_ms = (int64_t)ms;
    *high = (uint16_t)((uid->bytes[6] & 0x0f) << 8 | uid->bytes[7]);
    *low = rest;
}
