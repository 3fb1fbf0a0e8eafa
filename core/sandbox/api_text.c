// SPDX-License-Identifier: MIT
// The module grapnel.text. Script host only.
#include <lauxlib.h>

#include "json/json.h"
#include "sandbox/bind_inside.h"

// ---- escapes ----

struct escape {
    char c;
    const char *text;
};

static int escape_by(lua_State *L, const struct escape *table)
{
    struct bind *bind = bind_upvalue(L);
    struct span text = bind_check_span(L, 1);
    buf_clear(&bind->scratch);
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        const struct escape *e = table;
        while (e->text && e->c != text.at[i])
            e++;
        if (!e->text)
            continue;
        buf_append(&bind->scratch, text.at + from, i - from);
        buf_append_text(&bind->scratch, e->text);
        from = i + 1;
    }
    if (from == 0) {
        lua_settop(L, 1);
        return 1;
    }
    buf_append(&bind->scratch, text.at + from, text.len - from);
    return bind_push_scratch(L, bind);
}

static int text_escape_html(lua_State *L)
{
    static const struct escape table[] = {{'&', "&amp;"},  {'<', "&lt;"},   {'>', "&gt;"},
                                          {'"', "&quot;"}, {'\'', "&#39;"}, {0, NULL}};
    return escape_by(L, table);
}

static int text_escape_slack(lua_State *L)
{
    static const struct escape table[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {0, NULL}};
    return escape_by(L, table);
}

static int text_escape_markdown(lua_State *L)
{
    static const struct escape table[] = {
        {'\\', "\\\\"}, {'`', "\\`"}, {'*', "\\*"}, {'_', "\\_"}, {'{', "\\{"},
        {'}', "\\}"},   {'[', "\\["}, {']', "\\]"}, {'(', "\\("}, {')', "\\)"},
        {'#', "\\#"},   {'+', "\\+"}, {'-', "\\-"}, {'.', "\\."}, {'!', "\\!"},
        {'|', "\\|"},   {'>', "\\>"}, {'<', "\\<"}, {'~', "\\~"}, {0, NULL},
    };
    return escape_by(L, table);
}

// ---- truncate ----

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

// The offset behind `count` characters, or the length; how many there were.
static size_t skip_characters(struct span text, size_t count, size_t *found)
{
    size_t at = 0;
    *found = 0;
    while (at < text.len && *found < count) {
        at++;
        while (at < text.len && is_continuation(text.at[at]))
            at++;
        ++*found;
    }
    return at;
}

static int text_truncate(lua_State *L)
{
    struct bind *bind = bind_upvalue(L);
    struct span text = bind_check_span(L, 1);
    lua_Integer n = luaL_checkinteger(L, 2);
    bool has_tail = !lua_isnoneornil(L, 3);
    struct span tail = has_tail ? bind_check_span(L, 3) : SPAN("");
    luaL_argcheck(L, n >= 0, 2, "a number that is not negative expected");
    size_t found;
    if (skip_characters(text, (size_t)n, &found) == text.len) {
        lua_settop(L, 1);
        return 1;
    }
    size_t tail_len;
    skip_characters(tail, SIZE_MAX, &tail_len);
    luaL_argcheck(L, tail_len <= (size_t)n, 3, "the tail is longer than the whole may be");
    size_t end = skip_characters(text, (size_t)n - tail_len, &found);
    buf_clear(&bind->scratch);
    buf_append(&bind->scratch, text.at, end);
    buf_append_span(&bind->scratch, tail);
    return bind_push_scratch(L, bind);
}

// ---- template ----

// Pushes what the value on top is in a text. [-1, +1]
static void push_spelled(lua_State *L, struct bind *bind)
{
    int type = lua_type(L, -1);
    if (type == LUA_TSTRING)
        return;
    if (type == LUA_TNIL) {
        lua_pop(L, 1);
        lua_pushliteral(L, "");
        return;
    }
    buf_clear(&bind->scratch);
    if (type == LUA_TNUMBER)
        lazy_append_number(bind->lazy, L, -1, &bind->scratch);
    else if (!lazy_encode(bind->lazy, L, -1, "value", &bind->scratch)) // value message
        lua_error(L);
    bind_push_scratch(L, bind); // value text
    lua_remove(L, -2);          // text
}

// Adds what stands at `path` of the table at 2, through the function at 3, if there is one.
static void add_path(lua_State *L, struct bind *bind, luaL_Buffer *b, struct span path)
{
    const char *problem = lazy_check_path(path, false);
    if (problem) {
        lua_pushlstring(L, path.len ? path.at : "", path.len); // path
        luaL_error(L, "template: {{%s}}: %s", lua_tostring(L, -1), problem);
    }
    lazy_get_path(bind->lazy, L, 2, path); // value
    bool is_there = !lua_isnil(L, -1);
    push_spelled(L, bind); // text
    if (is_there && lua_isfunction(L, 3)) {
        lua_pushvalue(L, 3); // text escape
        lua_insert(L, -2);   // escape text
        lua_call(L, 1, 1);   // text
        if (!lua_isstring(L, -1))
            luaL_error(L, "template: escape must return a string");
    }
    luaL_addvalue(b);
}

static int text_template(lua_State *L)
{
    struct bind *bind = bind_upvalue(L);
    struct span rest = bind_check_span(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    if (!lua_isnoneornil(L, 3))
        luaL_checktype(L, 3, LUA_TFUNCTION);
    lua_settop(L, 3); // s t escape
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (;;) {
        const char *open = rest.len ? memmem(rest.at, rest.len, "{{", 2) : NULL;
        if (!open)
            break;
        size_t before = (size_t)(open - rest.at);
        const char *close = memmem(open + 2, rest.len - before - 2, "}}", 2);
        if (!close)
            break;
        luaL_addlstring(&b, rest.at, before);
        add_path(L, bind, &b, span_trim(span_make(open + 2, (size_t)(close - open) - 2)));
        rest.len -= (size_t)(close + 2 - rest.at);
        rest.at = close + 2;
    }
    luaL_addlstring(&b, rest.at, rest.len);
    luaL_pushresult(&b);
    return 1;
}

int api_text_open(lua_State *L)
{
    static const struct luaL_Reg functions[] = {
        {"template", text_template},
        {"truncate", text_truncate},
        {"escape_html", text_escape_html},
        {"escape_slack", text_escape_slack},
        {"escape_markdown", text_escape_markdown},
        {NULL, NULL},
    };
    luaL_newlibtable(L, functions);        // text
    lua_pushvalue(L, lua_upvalueindex(1)); // text bind
    luaL_setfuncs(L, functions, 1);        // text
    return 1;
}
