// SPDX-License-Identifier: MIT
// A borrowed piece of bytes: pointer and length, not terminated; any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *at; // borrowed; may be NULL when len is 0
    size_t len;     // bytes
};

// For printf: "%.*s", SPAN_ARGS(s).
#define SPAN_ARGS(s) (int)(s).len, (s).at ? (s).at : ""
// From a string literal.
#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})

static inline struct span span_make(const void *at, size_t len)
{
    return (struct span){at, len};
}

// NULL gives the empty span.
static inline struct span span_of(const char *text)
{
    return (struct span){text, text ? strlen(text) : 0};
}

static inline bool span_eq(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool span_is(struct span a, const char *text)
{
    return span_eq(a, span_of(text));
}

static inline bool span_starts_with(struct span a, struct span prefix)
{
    return a.len >= prefix.len && (prefix.len == 0 || memcmp(a.at, prefix.at, prefix.len) == 0);
}

// ASCII letters compare without case.
bool span_eq_nocase(struct span a, struct span b);
// <0, 0, >0 by bytes, the shorter first.
int span_cmp(struct span a, struct span b);
// Without blanks, tabs, CR and LF at both ends.
struct span span_trim(struct span s);
// Takes the part before the first `separator` off `rest` and skips the separator; false when `rest`
// is exhausted (its `at` is then NULL).
bool span_split(struct span *rest, char separator, struct span *part);
// A decimal number that fills the whole span; false when it is none or overflows.
bool span_to_int64(struct span s, int64_t *out);
bool span_to_uint64(struct span s, uint64_t *out);
// 64-bit hash of the bytes, keyed once per process (SipHash-1-3 or the like: safe for names that
// strangers choose). The first call makes the key: before a process locks itself down.
uint64_t span_hash(struct span s);
