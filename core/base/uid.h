// SPDX-License-Identifier: MIT
// UUIDs (RFC 9562): parse, print, make versions 4 and 7; any thread.
#pragma once

#include "base/span.h"

#define UID_TEXT_LEN 36

struct uid {
    uint8_t bytes[16];
};

// Lower or upper case, with hyphens; false when it is none.
bool uid_parse(struct span text, struct uid *out);
// 36 characters, lower case, and a NUL.
void uid_print(const struct uid *uid, char out[UID_TEXT_LEN + 1]);
bool uid_eq(const struct uid *a, const struct uid *b);
bool uid_is_nil(const struct uid *uid);
// Version 4, by libuuid.
struct uid uid_random(void);
// Version 7: 48 bits of milliseconds, then 74 bits of `high` (its low 12 bits) and `low` (62 bits).
struct uid uid_v7(int64_t wall_ms, uint16_t high, uint64_t low);
void uid_v7_read(const struct uid *uid, int64_t *wall_ms, uint16_t *high, uint64_t *low);
