// SPDX-License-Identifier: MIT
// How documents spelled what Lua cannot hold: numbers that no double is, texts with half a character. Script host only.
//
// Of the visit's documents, and of those made at file level. What Lua cannot tell apart although
// documents do ("unclear": 1e400 and 2e400, "\\ud800" and "\\udc00") stays as it was where it stands;
// moved, it is an error. All functions that take a lua_State may throw.
#pragma once

#include "sandbox/lazy.h"

#define LAZY_UNCLEAR_TEXT 256 // bytes of a message

// A float that was read: how the document spelled it.
struct lazy_float {
    uint64_t bits;
    uint32_t stamp; // of the visit; UINT32_MAX: it stays; others are free slots
    uint32_t len;
    const char *at;    // borrowed from a tape's source
    const char *other; // so, too, and another number; NULL: none
    uint32_t other_len;
};

struct lazy_floats {
    struct lazy_float *slots; // owned, open addressing
    uint32_t capacity;        // a power of two, or 0
    uint32_t count;
};

// The double that Lua is to see for a number's lexeme; its spelling is known from now on.
double lazy_remember_float(struct lazy *lazy, lua_State *L, double nearest, struct span lexeme);
// The double that it has seen, or would.
double lazy_float_of(const struct lazy *lazy, double nearest, struct span lexeme);
bool lazy_float_lexeme(const struct lazy *lazy, double number, struct span *lexeme);
// What was read stays.
void lazy_keep_floats(struct lazy *lazy);

// The text on top is this string's: remembers the spelling if it has half a character, or U+FFFD,
// which is what Lua sees for one. [0]
void lazy_remember_half(struct lazy *lazy, lua_State *L, struct span lexeme);
// Is the string at `index` such a text? Then pushes how it was spelled [+1].
bool lazy_push_half(const struct lazy *lazy, lua_State *L, int index);

// May the value be either of two of the documents? Then `text` is filled with what is wrong.
bool lazy_is_unclear(const struct lazy *lazy, lua_State *L, int index,
                     char text[LAZY_UNCLEAR_TEXT]);
