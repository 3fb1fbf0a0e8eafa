// SPDX-License-Identifier: MIT
// Finds the bytes of a string that need attention, many at a time; any thread.
//
// Three ways to do the same: 16 bytes at a time with SSE2, 8 at a time with ordinary arithmetic on
// any machine, and byte by byte for what is left. Nothing is read at or behind `end`.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#    include <emmintrin.h>
#endif

#define JSON_SCAN_ONES (UINT64_MAX / 0xff) // 0x01 in each byte

static inline uint64_t json_scan_load8(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

// The high bit of a byte is set if that byte is zero; exact as far as "none is".
static inline uint64_t json_scan_zeroes(uint64_t word)
{
    return (word - JSON_SCAN_ONES) & ~word & (JSON_SCAN_ONES * 0x80);
}

// Not 0 when a quote, a backslash or a control character is among the 8 bytes.
static inline uint64_t json_scan_special8(uint64_t word)
{
    uint64_t control = (word - JSON_SCAN_ONES * 0x20) & ~word & (JSON_SCAN_ONES * 0x80);
    return control | json_scan_zeroes(word ^ (JSON_SCAN_ONES * '"')) |
           json_scan_zeroes(word ^ (JSON_SCAN_ONES * '\\'));
}

// The first quote, backslash, control character or byte above 127; `end` if there is none.
static inline const uint8_t *json_scan_plain_portable(const uint8_t *at, const uint8_t *end)
{
    while (end - at >= 8) {
        uint64_t word = json_scan_load8(at);
        if (json_scan_special8(word) | (word & (JSON_SCAN_ONES * 0x80)))
            break;
        at += 8;
    }
    while (at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
        at++;
    return at;
}

// The first quote, backslash or control character: what a writer has to escape.
static inline const uint8_t *json_scan_escape_portable(const uint8_t *at, const uint8_t *end)
{
    while (end - at >= 8 && !json_scan_special8(json_scan_load8(at)))
        at += 8;
    while (at < end && *at >= 0x20 && *at != '"' && *at != '\\')
        at++;
    return at;
}

// The first byte above 127.
static inline const uint8_t *json_scan_ascii(const uint8_t *at, const uint8_t *end)
{
    while (end - at >= 8 && !(json_scan_load8(at) & (JSON_SCAN_ONES * 0x80)))
        at += 8;
    while (at < end && *at < 0x80)
        at++;
    return at;
}

#ifdef __SSE2__
static inline const uint8_t *json_scan_plain(const uint8_t *at, const uint8_t *end)
{
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(' ');
    while (end - at >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i below = _mm_cmplt_epi8(bytes, space); // signed: also all above 127
        __m128i either =
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
        unsigned found = (unsigned)_mm_movemask_epi8(_mm_or_si128(below, either));
        if (found)
            return at + __builtin_ctz(found);
        at += 16;
    }
    return json_scan_plain_portable(at, end);
}

static inline const uint8_t *json_scan_escape(const uint8_t *at, const uint8_t *end)
{
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i last_control = _mm_set1_epi8(0x1f);
    while (end - at >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
        __m128i either =
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
        unsigned found = (unsigned)_mm_movemask_epi8(_mm_or_si128(control, either));
        if (found)
            return at + __builtin_ctz(found);
        at += 16;
    }
    return json_scan_escape_portable(at, end);
}
#else
static inline const uint8_t *json_scan_plain(const uint8_t *at, const uint8_t *end)
{
    return json_scan_plain_portable(at, end);
}

static inline const uint8_t *json_scan_escape(const uint8_t *at, const uint8_t *end)
{
    return json_scan_escape_portable(at, end);
}
#endif

// The length of the UTF-8 sequence that starts at `at` (at < end, *at above 127): 2 to 4, or 0 when
// it is malformed, cut off, overlong, a surrogate or above U+10FFFF (RFC 3629).
static inline unsigned json_scan_utf8(const uint8_t *at, const uint8_t *end)
{
    size_t left = (size_t)(end - at);
    if (at[0] < 0xe0)
        return at[0] >= 0xc2 && left >= 2 && (at[1] & 0xc0) == 0x80 ? 2 : 0;
    if (at[0] < 0xf0) {
        if (left < 3 || (at[1] & 0xc0) != 0x80 || (at[2] & 0xc0) != 0x80)
            return 0;
        uint32_t code = (at[0] & 0x0fU) << 12 | (at[1] & 0x3fU) << 6;
        return code >= 0x800 && (code & 0xf800) != 0xd800 ? 3 : 0;
    }
    if (at[0] > 0xf4 || left < 4)
        return 0;
    if ((at[1] & 0xc0) != 0x80 || (at[2] & 0xc0) != 0x80 || (at[3] & 0xc0) != 0x80)
        return 0;
    uint32_t code = (at[0] & 0x07U) << 18 | (at[1] & 0x3fU) << 12;
    return code >= 0x10000 && code < 0x110000 ? 4 : 0;
}
