// SPDX-License-Identifier: MIT
// Checks one value against an option's spec and converts it. Script host only.
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>

#include "base/units.h"
#include "json/json.h"
#include "sandbox/options_inside.h"

#define EXACT_INTEGER 9007199254740992.0 // 2^53

struct check {
    const struct option *option;
    lua_State *L;
    int secrets;   // index of the list; 0: none
    int key;       // index of the element's number or the member's name; 0: the value is alone
    char *message; // OPTIONS_MESSAGE bytes
};

static bool fail(const struct check *c, const char *format, ...) PRINTF_LIKE(2, 3);
static bool fail(const struct check *c, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->message, OPTIONS_MESSAGE, format, arguments);
    va_end(arguments);
    return false;
}

static const char *article(enum option_type type)
{
    return type == OPTION_INTEGER ? "an" : "a";
}

static const char *kind_of(lua_State *L, int index)
{
    switch (lua_type(L, index)) {
    case LUA_TTABLE: return lua_rawlen(L, index) > 0 ? "a list" : "an object";
    case LUA_TNUMBER: return "a number";
    case LUA_TSTRING: return "a string";
    case LUA_TBOOLEAN: return "a boolean";
    case LUA_TNIL: return "nothing";
    default: return lazy_is_null(L, index) ? "null" : "something else";
    }
}

static bool fail_type(const struct check *c, enum option_type type, int index)
{
    if (type == OPTION_DURATION)
        return fail(c, "a duration such as 10ms, 5s or 2h expected, not %s", kind_of(c->L, index));
    if (type == OPTION_TEXT || type == OPTION_SECRET)
        return fail(c, "a string expected, not %s", kind_of(c->L, index));
    return fail(c, "%s %s expected, not %s", article(type), options_type_name(type),
                kind_of(c->L, index));
}

static bool check_bounds(const struct check *c, double number, const char *what)
{
    const struct option *o = c->option;
    if (o->has_min && number < o->min)
        return fail(c, "%s must be at least %.14g", what, o->min);
    if (o->has_max && number > o->max)
        return fail(c, "%s must be at most %.14g", what, o->max);
    return true;
}

// ---- scalars: leave the converted value on top, or a message ----

static bool check_string(const struct check *c, enum option_type type, int index, bool is_alone)
{
    struct span text;
    if (lua_type(c->L, index) != LUA_TSTRING)
        return fail_type(c, type, index);
    text.at = lua_tolstring(c->L, index, &text.len);
    if (type == OPTION_STRING && memchr(text.at, '\n', text.len))
        return fail(c, "one line expected");
    if (type == OPTION_SECRET && text.len == 0)
        return fail(c, "a secret must not be empty");
    if (type == OPTION_PATH) {
        const char *problem = lazy_check_path(text, true);
        if (problem)
            return fail(c, "%s", problem);
    }
    size_t characters = 0;
    for (size_t i = 0; i < text.len; i++)
        characters += ((unsigned char)text.at[i] & 0xc0) != 0x80;
    if (is_alone && !check_bounds(c, (double)characters, "its length"))
        return false;
    lua_pushvalue(c->L, index);
    return true;
}

static bool check_number(const struct check *c, enum option_type type, int index, bool is_alone)
{
    if (lua_type(c->L, index) != LUA_TNUMBER)
        return fail_type(c, type, index);
    double number = lua_tonumber(c->L, index);
    if (!isfinite(number))
        return fail(c, "a finite number expected");
    if (is_alone && !check_bounds(c, number, "it"))
        return false;
    if (type == OPTION_NUMBER || lua_isinteger(c->L, index)) {
        lua_pushvalue(c->L, index);
        return true;
    }
    if (number != floor(number) || fabs(number) > EXACT_INTEGER)
        return fail(c, "an integer expected, not a fraction");
    lua_pushinteger(c->L, (lua_Integer)number);
    return true;
}

static bool check_duration(const struct check *c, int index, bool is_alone)
{
    lua_State *L = c->L;
    if (lua_type(L, index) == LUA_TNUMBER) {
        if (!isfinite(lua_tonumber(L, index)) || lua_tonumber(L, index) < 0)
            return fail(c, "a duration must not be negative");
        lua_pushvalue(L, index);
    } else {
        struct span text = {0};
        int64_t ms;
        if (lua_type(L, index) != LUA_TSTRING)
            return fail_type(c, OPTION_DURATION, index);
        text.at = lua_tolstring(L, index, &text.len);
        if (!units_parse_duration(text, &ms))
            return fail(c, "a duration such as 10ms, 5s or 2h expected");
        if (ms % 1000 == 0)
            lua_pushinteger(L, ms / 1000);
        else
            lua_pushnumber(L, (double)ms / 1000);
    }
    if (!is_alone || check_bounds(c, lua_tonumber(L, -1), "it"))
        return true;
    lua_pop(L, 1);
    return false;
}

static bool convert_scalar(const struct check *c, enum option_type type, int index, bool is_alone)
{
    switch (type) {
    case OPTION_STRING:
    case OPTION_TEXT:
    case OPTION_PATH:
    case OPTION_SECRET: return check_string(c, type, index, is_alone);
    case OPTION_INTEGER:
    case OPTION_NUMBER: return check_number(c, type, index, is_alone);
    case OPTION_DURATION: return check_duration(c, index, is_alone);
    case OPTION_BOOLEAN:
        if (!lua_isboolean(c->L, index))
            return fail_type(c, type, index);
        lua_pushvalue(c->L, index);
        return true;
    case OPTION_LIST:
    case OPTION_MAP:
    case OPTION_TYPES: break;
    }
    return fail(c, "not a value");
}

// ---- choices and check: about the value on top ----

static bool check_choices(const struct check *c)
{
    lua_State *L = c->L;
    if (c->option->choices_ref == LUA_NOREF)
        return true;
    int value = lua_gettop(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, c->option->choices_ref); // value choices
    char list[OPTIONS_MESSAGE] = "";
    size_t len = 0;
    bool is_one = false;
    for (lua_Integer i = 1; lua_rawgeti(L, value + 1, i) != LUA_TNIL; i++) { // value choices one
        is_one = is_one || lua_compare(L, value, -1, LUA_OPEQ);
        const char *text = luaL_tolstring(L, -1, NULL); // value choices one text
        if (len < sizeof(list))
            len +=
                (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i > 1 ? ", " : "", text);
        lua_pop(L, 2); // value choices
    }
    lua_settop(L, value); // value
    return is_one || fail(c, "one of %.200s expected", list);
}

static bool call_check(const struct check *c)
{
    lua_State *L = c->L;
    if (c->option->check_ref == LUA_NOREF)
        return true;
    int value = lua_gettop(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, c->option->check_ref); // value check
    lua_pushvalue(L, value);                                 // value check value
    if (c->key)
        lua_pushvalue(L, c->key); // value check value key
    else
        lua_pushnil(L);                    // value check value nil
    if (lua_pcall(L, 2, 2, 0) != LUA_OK) { // value message
        fail(c, "its check failed: %.200s", lua_isstring(L, -1) ? lua_tostring(L, -1) : "?");
        lua_settop(L, value); // value
        return false;
    }
    bool is_ok = lua_toboolean(L, value + 1); // value ok message
    if (!is_ok)
        fail(c, "%.250s", lua_isstring(L, value + 2) ? lua_tostring(L, value + 2) : "not accepted");
    lua_settop(L, value); // value
    return is_ok;
}

static bool check_scalar(const struct check *c, enum option_type type, int index, bool is_alone)
{
    lua_State *L = c->L;
    luaL_checkstack(L, 10, NULL);
    int top = lua_gettop(L);
    bool is_ok = convert_scalar(c, type, index, is_alone) && check_choices(c) && call_check(c);
    lua_settop(L, is_ok ? top + 1 : top);
    if (is_ok && type == OPTION_SECRET && c->secrets) {
        lua_pushvalue(L, -1); // value value
        lua_rawseti(L, c->secrets, (lua_Integer)lua_rawlen(L, c->secrets) + 1);
    }
    return is_ok;
}

// ---- lists and maps ----

// The value at `index`, whose number or name is at `key`.
static bool check_element(const struct check *whole, int index, int key, const char *where)
{
    struct check one = *whole;
    one.key = key;
    if (check_scalar(&one, one.option->of, index, false))
        return true;
    char inner[OPTIONS_MESSAGE];
    memcpy(inner, one.message, sizeof(inner));
    inner[sizeof(inner) - 1] = 0;
    return fail(&one, "%.80s: %.160s", where, inner);
}

static bool is_empty(lua_State *L, int table)
{
    lua_pushnil(L); // nil
    if (!lua_next(L, table))
        return true;
    lua_pop(L, 2); // (key value)
    return false;
}

static bool check_list(const struct check *c, int index)
{
    lua_State *L = c->L;
    if (!lua_istable(L, index))
        return fail_type(c, OPTION_LIST, index);
    size_t count = lua_rawlen(L, index);
    if (count == 0 && !is_empty(L, index))
        return fail_type(c, OPTION_LIST, index);
    if (!check_bounds(c, (double)count, "the number of elements"))
        return false;
    lua_createtable(L, (int)count, 0); // list
    int list = lua_gettop(L);
    for (size_t i = 1; i <= count; i++) {
        char where[32];
        snprintf(where, sizeof(where), "element %zu", i);
        lua_pushinteger(L, (lua_Integer)i);               // list i
        lua_rawgeti(L, index, (lua_Integer)i);            // list i value
        if (!check_element(c, list + 2, list + 1, where)) // list i value result
            return false;
        lua_rawseti(L, list, (lua_Integer)i); // list i value
        lua_settop(L, list);                  // list
    }
    return true;
}

static bool check_map(const struct check *c, int index)
{
    lua_State *L = c->L;
    if (!lua_istable(L, index) || lua_rawlen(L, index) > 0)
        return fail_type(c, OPTION_MAP, index);
    lua_newtable(L); // map
    int map = lua_gettop(L);
    size_t count = 0;
    lua_pushnil(L);              // map nil
    while (lua_next(L, index)) { // map key value
        if (lua_type(L, map + 1) != LUA_TSTRING)
            return fail_type(c, OPTION_MAP, index);
        if (!check_element(c, map + 2, map + 1, lua_tostring(L, map + 1))) // map key value result
            return false;
        lua_pushvalue(L, map + 1); // map key value result key
        lua_insert(L, -2);         // map key value key result
        lua_rawset(L, map);        // map key value
        lua_pop(L, 1);             // map key
        count++;
    }
    return check_bounds(c, (double)count, "the number of members");
}

bool options_check_value(const struct option *option, lua_State *L, int index, int secrets,
                         // NOLINTNEXTLINE(readability-non-const-parameter): written by fail()
                         char message[OPTIONS_MESSAGE])
{
    struct check c = {.option = option, .L = L, .secrets = secrets, .message = message};
    int top = lua_gettop(L);
    bool is_ok;
    luaL_checkstack(L, 10, NULL);
    if (option->type == OPTION_LIST)
        is_ok = check_list(&c, index);
    else if (option->type == OPTION_MAP)
        is_ok = check_map(&c, index);
    else
        is_ok = check_scalar(&c, option->type, index, true);
    lua_settop(L, is_ok ? top + 1 : top);
    return is_ok;
}
