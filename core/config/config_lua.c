// SPDX-License-Identifier: MIT
// Reads the configuration file: a Lua chunk in an empty environment, with limits; main only.
#include <lauxlib.h>
#include <lua.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "config/config_build.h"

#define MEMORY_MAX       ((size_t)16 << 20) // bytes that the chunk may use
#define INSTRUCTIONS_MAX 10000000           // far more than any table needs
#define CHUNK_NAME       "=config"
#define CHUNK_PREFIX     "config:"

// What the protected call works on.
struct reader {
    struct config *config;  // borrowed
    const char *path;       // borrowed
    struct span text;       // borrowed
    struct errmsg *message; // borrowed
    enum err err;           // what was wrong with the options
    size_t used;            // bytes that Lua holds
};

// Lua's allocator; the size of a block that is new means nothing.
static void *allocate(void *context, void *memory, size_t old, size_t size)
{
    struct reader *r = context;
    if (memory == NULL)
        old = 0;
    if (size == 0) {
        xfree(memory);
        r->used -= old;
        return NULL;
    }
    if (size > old && size - old > MEMORY_MAX - r->used)
        return NULL;
    r->used += size - old;
    return xrealloc(memory, size);
}

static void on_too_long(lua_State *L, lua_Debug *debug)
{
    (void)debug;
    luaL_where(L, 0);                                                            // … where
    lua_pushfstring(L, "still running after %d instructions", INSTRUCTIONS_MAX); // … where text
    lua_concat(L, 2);                                                            // … message
    lua_error(L);
}

// ---- one option --------------------------------------------------------------------------------

// The string at the top of the stack, borrowed from it.
static struct span top_string(lua_State *L)
{
    size_t len = 0;
    const char *text = lua_tolstring(L, -1, &len);
    return span_make(text, len);
}

static enum err take_list(struct reader *r, lua_State *L, size_t option)
{
    static const char *const shape = "must be a list of texts, such as { \"a\", \"b\" }";
    if (!lua_istable(L, -1)) {
        errmsg_set(r->message, "%s", shape);
        return ERR_SYNTAX;
    }
    size_t count = (size_t)lua_rawlen(L, -1);
    if (count > CONFIG_MAX_LIST) {
        errmsg_set(r->message, "a list of more than %d items", CONFIG_MAX_LIST);
        return ERR_SYNTAX;
    }
    struct span items[CONFIG_MAX_LIST];
    size_t seen = 0;
    lua_pushnil(L);                // list key
    while (lua_next(L, -2) != 0) { // list key value
        seen++;
        lua_pop(L, 1); // list key
    }
    bool is_list = seen == count; // nothing beside 1..count
    for (size_t i = 0; is_list && i < count; i++) {
        is_list = lua_rawgeti(L, -1, (lua_Integer)i + 1) == LUA_TSTRING; // list item
        if (is_list)
            items[i] = top_string(L); // the list keeps it alive
        lua_pop(L, 1);                // list
    }
    if (!is_list) {
        errmsg_set(r->message, "%s", shape);
        return ERR_SYNTAX;
    }
    return config_set_list(r->config, option, items, count, false, r->message);
}

static enum err wrong_type(struct reader *r, lua_State *L, size_t option)
{
    struct buf range;
    buf_init(&range, 256);
    const char *example = config_rows[option].kind == CONFIG_DURATION ? ", such as \"30s\"" : "";
    errmsg_set(r->message, "must be a %s%s, not a %s", config_option_range(option, &range), example,
               lua_typename(L, lua_type(L, -1)));
    buf_deinit(&range);
    return ERR_SYNTAX;
}

static enum err take_number(struct reader *r, lua_State *L, size_t option)
{
    int is_whole = 0;
    lua_Integer number = lua_tointegerx(L, -1, &is_whole);
    if (!is_whole) {
        errmsg_set(r->message, "must be a whole number");
        return ERR_SYNTAX;
    }
    enum config_kind kind = config_rows[option].kind;
    if (kind == CONFIG_DURATION && number != 0) {
        errmsg_set(r->message, "must be a duration with its unit in quotes, such as \"30s\"");
        return ERR_SYNTAX;
    }
    if (kind != CONFIG_DURATION && kind != CONFIG_INT && kind != CONFIG_SIZE)
        return wrong_type(r, L, option);
    return config_set_number(r->config, option, number, r->message);
}

// The option's value is on top of the stack.
static enum err take_option(struct reader *r, lua_State *L, size_t option)
{
    enum config_kind kind = config_rows[option].kind;
    if (kind == CONFIG_LIST)
        return take_list(r, L, option);
    if (kind == CONFIG_TABLE)
        return config_set_table(r->config, option, L, r->message);
    switch (lua_type(L, -1)) {
    case LUA_TSTRING:
        if (kind == CONFIG_INT)
            return wrong_type(r, L, option);
        return config_set_text(r->config, option, top_string(L), r->message);
    case LUA_TNUMBER: return take_number(r, L, option);
    case LUA_TBOOLEAN:
        if (kind == CONFIG_CHOICE)
            return config_set_text(r->config, option,
                                   lua_toboolean(L, -1) ? SPAN("true") : SPAN("false"), r->message);
        return wrong_type(r, L, option);
    default: return wrong_type(r, L, option);
    }
}

// ---- the table ---------------------------------------------------------------------------------

// Puts the place of the option in front of the message.
static void place(struct reader *r, struct span name)
{
    int line = config_line_of(r->text, name);
    if (line > 0)
        errmsg_prefix(r->message, "%s:%d: ", r->path, line);
    else
        errmsg_prefix(r->message, "%s: ", r->path);
}

// Keys that are no options: the first of them in the file is told.
static enum err check_names(struct reader *r, lua_State *L)
{
    struct span first = {0};
    int first_line = 0;
    lua_pushnil(L);                // table key
    while (lua_next(L, -2) != 0) { // table key value
        lua_pop(L, 1);             // table key
        if (lua_type(L, -1) != LUA_TSTRING) {
            errmsg_set(r->message, "%s: a value without a name; options are written name = value",
                       r->path);
            return ERR_SYNTAX;
        }
        struct span name = top_string(L);
        if (config_find(name) < CONFIG_OPTION_COUNT)
            continue;
        int line = config_line_of(r->text, name);
        if (first.at == NULL || (line > 0 && (first_line == 0 || line < first_line))) {
            first = name; // the table keeps it alive
            first_line = line;
        }
    }
    if (first.at == NULL)
        return OK;
    config_unknown(first, r->message);
    place(r, first);
    return ERR_SYNTAX;
}

static enum err take_options(struct reader *r, lua_State *L)
{
    enum err err = check_names(r, L);
    for (size_t i = 0; err == OK && i < CONFIG_OPTION_COUNT; i++) {
        lua_pushstring(L, config_rows[i].name); // table name
        lua_rawget(L, -2);                      // table value
        if (!lua_isnil(L, -1)) {
            err = take_option(r, L, i);
            r->config->origins[i] = CONFIG_FILE;
        }
        lua_pop(L, 1); // table
        if (err != OK) {
            errmsg_prefix(r->message, "%s: ", config_rows[i].name);
            place(r, span_of(config_rows[i].name));
        }
    }
    return err;
}

// Protected: whatever Lua raises ends here.
static int run(lua_State *L)
{
    struct reader *r = lua_touserdata(L, 1);
    if (luaL_loadbufferx(L, r->text.at, r->text.len, CHUNK_NAME, "t") != LUA_OK) // reader chunk
        return lua_error(L);
    lua_newtable(L);          // reader chunk environment
    lua_setupvalue(L, -2, 1); // reader chunk
    lua_sethook(L, on_too_long, LUA_MASKCOUNT, INSTRUCTIONS_MAX);
    lua_call(L, 0, 1); // reader result
    lua_sethook(L, NULL, 0, 0);
    if (!lua_istable(L, -1)) {
        errmsg_set(r->message, "%s: the file must return a table: return { name = value, … }",
                   r->path);
        r->err = ERR_SYNTAX;
        return 0;
    }
    r->err = take_options(r, L);
    return 0;
}

// "config:12: text" becomes "PATH:12: text".
static void explain(struct reader *r, lua_State *L, int status)
{
    if (status == LUA_ERRMEM) {
        errmsg_set(r->message, "%s: needs more than %zu MiB of memory", r->path, MEMORY_MAX >> 20);
        return;
    }
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "failed";
    struct span prefix = SPAN(CHUNK_PREFIX);
    if (span_starts_with(span_of(text), prefix))
        errmsg_set(r->message, "%s:%s", r->path, text + prefix.len);
    else
        errmsg_set(r->message, "%s: %s", r->path, text);
}

enum err config_read_lua(struct config *config, const char *path, struct span text,
                         struct errmsg *message)
{
    struct reader r = {.config = config, .path = path, .text = text, .message = message};
    // A first line with # (for an interpreter) is a comment, as in any Lua file.
    struct span body = text;
    if (body.len > 0 && body.at[0] == '#') {
        const char *end = memchr(body.at, '\n', body.len);
        size_t skipped = end ? (size_t)(end - body.at) : body.len;
        body = span_make(body.at + skipped, body.len - skipped);
    }
    if (span_starts_with(body, SPAN("\xef\xbb\xbf")))
        body = span_make(body.at + 3, body.len - 3);
    r.text = body.at != NULL ? body : SPAN("");
    lua_State *L = lua_newstate(allocate, &r);
    CHECK(L != NULL);             // a new state needs some KiB
    lua_pushcfunction(L, run);    // run
    lua_pushlightuserdata(L, &r); // run reader
    int status = lua_pcall(L, 1, 0, 0);
    if (status != LUA_OK) {
        explain(&r, L, status);
        r.err = ERR_SYNTAX;
    }
    lua_close(L);
    return r.err;
}
