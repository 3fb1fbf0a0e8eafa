// SPDX-License-Identifier: MIT
// Reads a parsed document: walks, finds, decodes strings and numbers; any thread.
#include "json/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "json/json_names.h"
#include "json/json_scan.h"

#define DOUBLE_TEXT 128 // bytes of a number that is converted without allocating
#define EXACT_POWER 22  // 10^22 is the greatest power of ten that a double holds exactly

void json_init(struct json_doc *doc)
{
    *doc = (struct json_doc){0};
}

void json_deinit(struct json_doc *doc)
{
    xfree(doc->nodes);
    json_init(doc);
}

void json_trim(struct json_doc *doc, uint32_t keep)
{
    if (doc->capacity > keep)
        json_deinit(doc);
}

// ---- walking ----

bool json_next_member(const struct json_doc *doc, uint32_t object, uint32_t *at, uint32_t *name,
                      uint32_t *value)
{
    if (*at >= doc->nodes[object].next)
        return false;
    *name = *at;
    *value = *at + 1;
    *at = doc->nodes[*value].next;
    return true;
}

bool json_next_element(const struct json_doc *doc, uint32_t array, uint32_t *at, uint32_t *value)
{
    if (*at >= doc->nodes[array].next)
        return false;
    *value = *at;
    *at = doc->nodes[*value].next;
    return true;
}

uint32_t json_get(const struct json_doc *doc, uint32_t object, struct span name)
{
    if (object >= doc->count || json_type(doc, object) != JSON_OBJECT)
        return JSON_NONE;
    uint32_t found = JSON_NONE;
    uint32_t at = object + 1;
    uint32_t member;
    uint32_t value;
    while (json_next_member(doc, object, &at, &member, &value)) {
        if (json_string_is(doc, member, name))
            found = value;
    }
    return found;
}

uint32_t json_duplicate(const struct json_doc *doc, uint32_t object)
{
    CHECK(json_type(doc, object) == JSON_OBJECT);
    struct json_names names;
    json_names_init(&names, doc, object);
    uint32_t duplicate = names.duplicate;
    json_names_deinit(&names);
    return duplicate;
}

// ---- strings ----

static unsigned hex4(const char *at)
{
    unsigned code = 0;
    for (int i = 0; i < 4; i++) {
        unsigned c = (uint8_t)at[i];
        code = code << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return code;
}

static size_t encode_utf8(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

static bool is_surrogate(unsigned code, unsigned first)
{
    return (code & 0xfc00) == first;
}

// `*at` is the u of \uXXXX, which the parser has checked; moves it behind the escape, or the pair.
static size_t decode_unicode(const char **at, const char *end, char out[4])
{
    uint32_t code = hex4(*at + 1);
    *at += 5;
    if (is_surrogate(code, 0xd800) && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u') {
        uint32_t low = hex4(*at + 2);
        if (is_surrogate(low, 0xdc00)) {
            *at += 6;
            return encode_utf8(0x10000 + ((code & 0x3ff) << 10 | (low & 0x3ff)), out);
        }
    }
    if ((code & 0xf800) == 0xd800)
        code = 0xfffd;
    return encode_utf8(code, out);
}

// `*at` is a backslash; moves it behind the escape.
static size_t decode_escape(const char **at, const char *end, char out[4])
{
    char c = (*at)[1];
    if (c == 'u') {
        ++*at;
        return decode_unicode(at, end, out);
    }
    *at += 2;
    switch (c) {
    case 'b': out[0] = '\b'; break;
    case 'f': out[0] = '\f'; break;
    case 'n': out[0] = '\n'; break;
    case 'r': out[0] = '\r'; break;
    case 't': out[0] = '\t'; break;
    default: out[0] = c; break;
    }
    return 1;
}

// The bytes up to the next backslash, or to the end.
static size_t plain_len(const char *at, const char *end)
{
    const char *stop = memchr(at, '\\', (size_t)(end - at));
    return (size_t)((stop ? stop : end) - at);
}

size_t json_decode_string(const struct json_doc *doc, uint32_t string, char *out)
{
    struct span s = json_inside(doc, string);
    const char *at = s.at;
    const char *end = s.at + s.len;
    char *to = out;
    while (at < end) {
        size_t plain = plain_len(at, end);
        memcpy(to, at, plain);
        at += plain;
        to += plain;
        if (at < end) {
            char code[4];
            size_t len = decode_escape(&at, end, code);
            memcpy(to, code, len);
            to += len;
        }
    }
    return (size_t)(to - out);
}

static bool take_prefix(struct span *s, const char *bytes, size_t len)
{
    if (s->len < len || (len && memcmp(s->at, bytes, len) != 0))
        return false;
    s->at += len;
    s->len -= len;
    return true;
}

bool json_string_is(const struct json_doc *doc, uint32_t string, struct span decoded)
{
    struct span s = json_inside(doc, string);
    if (!doc->nodes[string].has_escape)
        return span_eq(s, decoded);
    if (decoded.len > s.len)
        return false;
    const char *at = s.at;
    const char *end = s.at + s.len;
    while (at < end) {
        size_t plain = plain_len(at, end);
        if (!take_prefix(&decoded, at, plain))
            return false;
        at += plain;
        if (at < end) {
            char code[4];
            size_t len = decode_escape(&at, end, code);
            if (!take_prefix(&decoded, code, len))
                return false;
        }
    }
    return decoded.len == 0;
}

size_t json_utf8_prefix(struct span text)
{
    if (text.len == 0)
        return 0;
    const uint8_t *start = (const uint8_t *)text.at;
    const uint8_t *end = start + text.len;
    const uint8_t *at = start;
    while ((at = json_scan_ascii(at, end)) < end) {
        unsigned len = json_scan_utf8(at, end);
        while (len && (at += len) < end && *at >= 0x80)
            len = json_scan_utf8(at, end);
        if (!len)
            break;
    }
    return (size_t)(at - start);
}

// ---- numbers ----

bool json_to_int64(const struct json_doc *doc, uint32_t number, int64_t *out)
{
    if (json_type(doc, number) != JSON_NUMBER)
        return false;
    struct span s = json_raw(doc, number);
    bool is_negative = s.at[0] == '-';
    uint64_t most = is_negative ? (uint64_t)1 << 63 : INT64_MAX;
    uint64_t magnitude = 0;
    for (size_t i = is_negative; i < s.len; i++) {
        unsigned digit = (unsigned)(uint8_t)s.at[i] - '0';
        if (digit > 9 || magnitude > (most - digit) / 10)
            return false;
        magnitude = magnitude * 10 + digit;
    }
    if (is_negative && magnitude == 0)
        return false;
    // Negated unsigned, because INT64_MIN has no positive twin.
    *out = (int64_t)(is_negative ? 0 - magnitude : magnitude);
    return true;
}

// A number as digits and a power of ten: 12.5e3 is 125 and 2.
struct decimal {
    char *digits;         // with a minus in front if negative; room for the whole lexeme
    size_t len;           // bytes of digits
    int64_t power;        // of ten
    uint64_t significand; // the digits as a number, if `is_small`
    bool is_small;        // significand < 2^53
    bool is_negative;
};

static int64_t read_power(const char *at, const char *end)
{
    bool is_negative = *at == '-';
    int64_t power = 0;
    for (at += *at == '-' || *at == '+'; at < end; at++) {
        if (power < INT64_MAX / 100) // sizes are below 2^31: more changes nothing
            power = power * 10 + (*at - '0');
    }
    return is_negative ? -power : power;
}

static void split_decimal(struct span lexeme, struct decimal *d)
{
    const char *at = lexeme.at;
    const char *end = lexeme.at + lexeme.len;
    bool is_fraction = false;
    d->is_small = true;
    d->is_negative = *at == '-';
    if (d->is_negative)
        d->digits[d->len++] = *at++;
    for (; at < end && (*at | 0x20) != 'e'; at++) {
        if (*at == '.') {
            is_fraction = true;
            continue;
        }
        d->digits[d->len++] = *at;
        d->power -= is_fraction;
        if (d->is_small)
            d->significand = d->significand * 10 + (uint64_t)(*at - '0');
        d->is_small = d->significand < (uint64_t)1 << 53;
    }
    if (at < end)
        d->power += read_power(at + 1, end);
}

// Both operands are exact then, and the one operation rounds correctly (Clinger's fast path).
static bool convert_exactly(const struct decimal *d, double *out)
{
    static const double powers[EXACT_POWER + 1] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    };
    if (!d->is_small || d->power < -EXACT_POWER || d->power > EXACT_POWER)
        return false;
    double value = (double)d->significand;
    value = d->power < 0 ? value / powers[-d->power] : value * powers[d->power];
    *out = d->is_negative ? -value : value;
    return true;
}

bool json_to_double(const struct json_doc *doc, uint32_t number, double *out)
{
    return json_type(doc, number) == JSON_NUMBER &&
           json_lexeme_to_double(json_raw(doc, number), out);
}

bool json_lexeme_to_double(struct span lexeme, double *out)
{
    char fixed[DOUBLE_TEXT];
    size_t room = lexeme.len + 32; // e, sign and digits of the power, NUL
    char *digits = room <= sizeof(fixed) ? fixed : xmalloc(room);
    struct decimal d = {.digits = digits};
    split_decimal(lexeme, &d);
    double value;
    if (!convert_exactly(&d, &value)) {
        // Without a point there is nothing in it that a locale could spell otherwise.
        snprintf(digits + d.len, room - d.len, "e%lld", (long long)d.power);
        value = strtod(digits, NULL);
    }
    if (digits != fixed)
        xfree(digits);
    if (!isfinite(value))
        return false;
    *out = value;
    return true;
}
