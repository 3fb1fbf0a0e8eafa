// SPDX-License-Identifier: MIT
// How documents spelled what Lua cannot hold: numbers that no double is, texts with half a character. Script host only.
//
// A number is its double's own when the double's shortest decimal says the same; any other ("foreign":
// 12345678901234567890) is given its nearest double, or, when a different number of the visit
// has that already, one beside it: so the script can tell them apart, and the spelling is found
// again wherever the value goes. Where that cannot be (infinity, a double whose own number comes
// later) both stay known, and writing the value anywhere but in its place is an error.
#include "sandbox/lazy_spelling.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "json/json_write.h"
#include "sandbox/lazy_inside.h"

#define FIRST_SLOTS 64
#define EXACT       15  // so many digits every double holds
#define EXPONENT    290 // up to here, and down to its negative
#define STEPS       64  // doubles that are tried to either side

// ---- decimals ----

// 0.d1d2d3… * 10^exponent, d1 and the last digit not 0; at == end: zero.
struct decimal {
    const char *at, *end; // digits, perhaps with a point between
    size_t digits;
    int64_t exponent;
    bool is_negative;
};

static int64_t exponent_of(const char *at, const char *end)
{
    int64_t exponent = 0;
    bool is_negative = at < end && *at == '-';
    for (; at < end; at++) {
        if (*at >= '0' && *at <= '9' && exponent < ((int64_t)1 << 40))
            exponent = exponent * 10 + (*at - '0');
    }
    return is_negative ? -exponent : exponent;
}

// One digit more; `*zeros` of them are waiting to be digits, if another one follows.
static void add_digit(struct decimal *d, const char *at, size_t *zeros)
{
    if (*at == '0') {
        ++*zeros;
        return;
    }
    d->digits += d->at ? *zeros + 1 : 1;
    *zeros = 0;
    d->at = d->at ? d->at : at;
    d->end = at + 1;
}

static struct decimal decimal_of(struct span lexeme)
{
    const char *end = lexeme.at + lexeme.len;
    const char *at = lexeme.at;
    struct decimal d = {.is_negative = at < end && *at == '-'};
    at += d.is_negative;
    bool is_behind_point = false;
    size_t zeros = 0;
    for (; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') {
            is_behind_point = true;
            continue;
        }
        add_digit(&d, at, &zeros);
        if ((d.at != NULL) != is_behind_point)
            d.exponent += d.at ? 1 : -1;
    }
    if (at < end && d.at)
        d.exponent += exponent_of(at + 1, end);
    return d;
}

static int compare_digits(const struct decimal *a, const struct decimal *b)
{
    const char *x = a->at;
    const char *y = b->at;
    for (;;) {
        x += x < a->end && *x == '.';
        y += y < b->end && *y == '.';
        if (x == a->end || y == b->end)
            return (x < a->end) - (y < b->end);
        if (*x != *y)
            return *x < *y ? -1 : 1;
        x++;
        y++;
    }
}

static int compare(struct span left, struct span right)
{
    struct decimal a = decimal_of(left);
    struct decimal b = decimal_of(right);
    if (!a.at || !b.at || a.is_negative != b.is_negative) {
        int sign_a = !a.at ? 0 : a.is_negative ? -1 : 1;
        int sign_b = !b.at ? 0 : b.is_negative ? -1 : 1;
        return sign_a - sign_b;
    }
    int order =
        a.exponent != b.exponent ? (a.exponent < b.exponent ? -1 : 1) : compare_digits(&a, &b);
    return a.is_negative ? -order : order;
}

// Is there a decimal that the double itself would be written as?
static bool is_own(struct span lexeme, double number)
{
    if (isinf(number))
        return false;
    struct decimal d = decimal_of(lexeme);
    if (d.digits <= EXACT && d.exponent < EXPONENT && d.exponent > -EXPONENT)
        return true;
    char text[JSON_DOUBLE_TEXT];
    size_t len = json_write_double_text(number, text);
    return compare(lexeme, span_make(text, len)) == 0;
}

// ---- floats ----

static uint64_t bits_of(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    return bits;
}

static struct lazy_float *slot_of(const struct lazy_floats *floats, uint64_t bits, uint32_t stamp)
{
    uint32_t i = (uint32_t)((bits * 0x9e3779b97f4a7c15u) >> 32) & (floats->capacity - 1);
    while (floats->slots[i].stamp == stamp && floats->slots[i].bits != bits)
        i = (i + 1) & (floats->capacity - 1);
    return &floats->slots[i];
}

static void grow(struct lazy *lazy, lua_State *L)
{
    struct lazy_floats *floats = &lazy->floats;
    struct lazy_floats larger = {.capacity = floats->capacity ? floats->capacity * 2 : FIRST_SLOTS};
    lazy_charge(lazy, L, (larger.capacity - floats->capacity) * sizeof(*floats->slots));
    larger.slots = xcalloc(larger.capacity, sizeof(*larger.slots));
    for (uint32_t i = 0; i < floats->capacity; i++) {
        const struct lazy_float *old = &floats->slots[i];
        if (old->stamp == lazy->stamp) {
            *slot_of(&larger, old->bits, lazy->stamp) = *old;
            larger.count++;
        }
    }
    xfree(floats->slots);
    *floats = larger;
}

// What is known of a double, or NULL.
static struct lazy_float *find(const struct lazy *lazy, double number)
{
    uint64_t bits = bits_of(number);
    if (lazy->floats.count) {
        struct lazy_float *slot = slot_of(&lazy->floats, bits, lazy->stamp);
        if (slot->stamp == lazy->stamp)
            return slot;
    }
    if (lazy->kept_floats.count) {
        struct lazy_float *slot = slot_of(&lazy->kept_floats, bits, UINT32_MAX);
        if (slot->stamp == UINT32_MAX)
            return slot;
    }
    return NULL;
}

static bool is_number(const char *at, uint32_t len, struct span lexeme)
{
    struct span spelled = {at, len};
    return at && (span_eq(spelled, lexeme) || compare(spelled, lexeme) == 0);
}

static bool says(const struct lazy_float *known, struct span lexeme)
{
    return is_number(known->at, known->len, lexeme) ||
           is_number(known->other, known->other_len, lexeme);
}

// The double that stands for a foreign number, or a free one for it. False: there is none.
static bool seek(const struct lazy *lazy, struct span lexeme, double nearest, double *number,
                 const struct lazy_float **known)
{
    *number = nearest;
    *known = find(lazy, nearest);
    if (!*known || says(*known, lexeme))
        return true;
    if (isinf(nearest))
        return false;
    // Towards where it belongs first, so that order is kept where it can be.
    double first =
        compare(lexeme, span_make((*known)->at, (*known)->len)) > 0 ? HUGE_VAL : -HUGE_VAL;
    for (int side = 0; side < 2; side++) {
        double at = nearest;
        for (int i = 0; i < STEPS; i++) {
            at = nextafter(at, side ? -first : first);
            if (isinf(at) || signbit(at) != signbit(nearest))
                break;
            *number = at;
            *known = find(lazy, at);
            if (!*known || says(*known, lexeme))
                return true;
        }
    }
    *number = nearest;
    *known = find(lazy, nearest);
    return false;
}

static void put(struct lazy *lazy, lua_State *L, double number, struct span lexeme,
                struct span other)
{
    struct lazy_floats *floats = &lazy->floats;
    if (floats->count >= floats->capacity / 4 * 3)
        grow(lazy, L);
    struct lazy_float *slot = slot_of(floats, bits_of(number), lazy->stamp);
    if (slot->stamp != lazy->stamp)
        floats->count++;
    *slot = (struct lazy_float){.bits = bits_of(number), .stamp = lazy->stamp};
    slot->at = lexeme.at;
    slot->len = (uint32_t)lexeme.len;
    slot->other = other.at;
    slot->other_len = (uint32_t)other.len;
    lazy->has_unclear = lazy->has_unclear || other.at;
}

double lazy_remember_float(struct lazy *lazy, lua_State *L, double nearest, struct span lexeme)
{
    struct span other = {0};
    const struct lazy_float *known;
    double number = nearest;
    if (is_own(lexeme, nearest)) {
        known = find(lazy, nearest);
        if (known && !is_number(known->at, known->len, lexeme))
            other = span_make(known->at, known->len);
        else if (known)
            other = span_make(known->other, known->other_len);
    } else {
        bool is_there = seek(lazy, lexeme, nearest, &number, &known);
        if (is_there && known)
            return number;
        if (!is_there)
            other = span_make(known->at, known->len);
    }
    put(lazy, L, number, lexeme, other);
    return number;
}

double lazy_float_of(const struct lazy *lazy, double nearest, struct span lexeme)
{
    const struct lazy_float *known;
    double number;
    if (is_own(lexeme, nearest) || !seek(lazy, lexeme, nearest, &number, &known))
        return nearest;
    return known ? number : nearest;
}

bool lazy_float_lexeme(const struct lazy *lazy, double number, struct span *lexeme)
{
    const struct lazy_float *known = find(lazy, number);
    if (!known)
        return false;
    *lexeme = span_make(known->at, known->len);
    return true;
}

void lazy_keep_floats(struct lazy *lazy)
{
    for (uint32_t i = 0; i < lazy->floats.capacity; i++) {
        struct lazy_float *slot = &lazy->floats.slots[i];
        slot->stamp = slot->stamp == lazy->stamp ? UINT32_MAX : 0;
    }
    xfree(lazy->kept_floats.slots);
    lazy->kept_floats = lazy->floats;
    lazy->floats = (struct lazy_floats){0};
}

// ---- halves of characters ----

static unsigned hex4(const char *at)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned c = (unsigned char)at[i];
        value = value * 16 + (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return value;
}

// The next U+FFFD of a text, by the half of a character that is one, or 0xfffd itself; 0: no more.
static unsigned next_mark(struct span *rest)
{
    const char *at = rest->at;
    const char *end = rest->at + rest->len;
    unsigned mark = 0;
    while (!mark && at < end) {
        size_t left = (size_t)(end - at);
        if (*at != '\\') {
            mark = left >= 3 && memcmp(at, "\xef\xbf\xbd", 3) == 0 ? 0xfffd : 0;
            at += mark ? 3 : 1;
        } else if (at[1] != 'u') {
            at += 2;
        } else {
            unsigned unit = hex4(at + 2);
            bool is_pair = unit >= 0xd800 && unit < 0xdc00 && left >= 12 && at[6] == '\\' &&
                           at[7] == 'u' && hex4(at + 8) >= 0xdc00 && hex4(at + 8) <= 0xdfff;
            bool is_half = unit >= 0xd800 && unit <= 0xdfff && !is_pair;
            mark = is_half || unit == 0xfffd ? unit : 0;
            at += is_pair ? 12 : 6;
        }
    }
    *rest = span_make(at, (size_t)(end - at));
    return mark;
}

// Of two lexemes that Lua sees as one text.
static bool are_halves_same(struct span a, struct span b)
{
    unsigned mark = next_mark(&a);
    while (mark == next_mark(&b)) {
        if (mark == 0)
            return true;
        mark = next_mark(&a);
    }
    return false;
}

void lazy_remember_half(struct lazy *lazy, lua_State *L, struct span lexeme)
{
    struct span rest = lexeme;
    if (!next_mark(&rest))
        return;
    luaL_checkstack(L, 5, "too many levels of tables");
    lazy->has_halves = true;
    lua_rawgeti(L, LUA_REGISTRYINDEX, lazy->halves); // text halves
    lua_pushvalue(L, -2);                            // text halves text
    int type = lua_rawget(L, -2);                    // text halves known
    struct span known = {0};
    if (type == LUA_TSTRING)
        known.at = lua_tolstring(L, -1, &known.len);
    lua_pop(L, 1); // text halves
    if (type == LUA_TBOOLEAN || (type == LUA_TSTRING && are_halves_same(known, lexeme))) {
        lua_pop(L, 1); // text
        return;
    }
    lua_pushvalue(L, -2); // text halves text
    if (type == LUA_TNIL)
        lua_pushlstring(L, lexeme.at, lexeme.len); // text halves text lexeme
    else
        lua_pushboolean(L, false); // text halves text false
    lazy->has_unclear = lazy->has_unclear || type != LUA_TNIL;
    lua_rawset(L, -3); // text halves
    lua_pop(L, 1);     // text
}

// What is known of the string at `index`: [+1] nil, how it was spelled, or false.
static int push_known(const struct lazy *lazy, lua_State *L, int index)
{
    luaL_checkstack(L, 4, "too many levels of tables");
    index = lua_absindex(L, index);
    lua_rawgeti(L, LUA_REGISTRYINDEX, lazy->halves); // halves
    lua_pushvalue(L, index);                         // halves text
    int type = lua_rawget(L, -2);                    // halves known
    lua_remove(L, -2);                               // known
    return type;
}

bool lazy_push_half(const struct lazy *lazy, lua_State *L, int index)
{
    if (!lazy->has_halves)
        return false;
    if (push_known(lazy, L, index) == LUA_TSTRING)
        return true;
    lua_pop(L, 1);
    return false;
}

// ---- both ----

bool lazy_is_unclear(const struct lazy *lazy, lua_State *L, int index, char text[LAZY_UNCLEAR_TEXT])
{
    if (!lazy->has_unclear)
        return false;
    if (lua_type(L, index) == LUA_TNUMBER && !lua_isinteger(L, index)) {
        const struct lazy_float *known = find(lazy, lua_tonumber(L, index));
        if (!known || !known->other)
            return false;
        snprintf(text, LAZY_UNCLEAR_TEXT,
                 "%.*s and %.*s are one number to Lua; move the tables that hold them",
                 known->len < 80 ? (int)known->len : 80, known->at,
                 known->other_len < 80 ? (int)known->other_len : 80, known->other);
        return true;
    }
    if (lua_type(L, index) != LUA_TSTRING || !lazy->has_halves)
        return false;
    int type = push_known(lazy, L, index);
    lua_pop(L, 1);
    if (type != LUA_TBOOLEAN)
        return false;
    snprintf(text, LAZY_UNCLEAR_TEXT,
             "two texts with half a character are one to Lua; move the tables that hold them");
    return true;
}
