// SPDX-License-Identifier: MIT
// RFC 3339 and HTTP dates to and from milliseconds, always UTC inside; any thread.
#pragma once

#include "base/span.h"

#define DATE_TEXT_LEN 40

// RFC 3339 with a zone; up to 9 digits of fraction (`nanoseconds`, may be NULL); years 0001-9999;
// a leap second counts as the next one. False when it is none.
bool date_parse(struct span text, int64_t *seconds, int *nanoseconds);
// The same as milliseconds since 1970, rounded down.
bool date_parse_ms(struct span text, int64_t *wall_ms);
// "2026-11-23T14:03:22.118Z".
void date_print_ms(int64_t wall_ms, char out[DATE_TEXT_LEN]);
// "2026-11-23T14:03:22Z".
void date_print(int64_t seconds, char out[DATE_TEXT_LEN]);
// "Mon, 23 Nov 2026 14:03:22 GMT" (RFC 9110 IMF-fixdate).
void date_print_http(int64_t seconds, char out[DATE_TEXT_LEN]);
// All three forms of RFC 9110; false when it is none.
bool date_parse_http(struct span text, int64_t *seconds);

struct date_parts {
    int year, month, day, hour, minute, second, weekday, yearday; // month 1-12, weekday 0 = Sunday
};
// What is outside of years 1-9999 becomes their first or last second, when printing too.
void date_split(int64_t seconds, struct date_parts *out);
