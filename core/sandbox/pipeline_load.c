// SPDX-License-Identifier: MIT
// Loads a script into a bare state: opens the sandbox, runs the file, checks the table it returns. Script host only.
#include <lauxlib.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "crypto/secret.h"
#include "json/json_write.h"
#include "sandbox/advice.h"
#include "sandbox/pipeline_inside.h"

#define API_VERSION 1
#define MAX_HELP    4096

static const char *const function_names[] = {"filter", "transform", "sign", "response"};
static const char *const members[] = {"api",       "help", "options",  "secret", "filter",
                                      "transform", "sign", "response", "tests"};

static const struct {
    const char *name;
    unsigned kinds;
} secrets[] = {
    {"symmetric", 1u << SECRET_SYMMETRIC},
    {"ed25519", 1u << SECRET_ED25519},
    {"shared", 1u << SECRET_SYMMETRIC | 1u << SECRET_PLAIN},
};

struct loading {
    struct pipeline_script *script;
    const struct pipeline_load *load;
    bool is_in_table; // the file has run, its table is being read
};

// ---- where ----

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The line on which a member is given: NAME =, or ["NAME"] =. 0: not found.
static int line_of(struct span source, struct span name)
{
    const char *end = source.at + source.len;
    const char *at = source.at;
    while (name.len && (at = memmem(at, (size_t)(end - at), name.at, name.len)) != NULL) {
        const char *behind = at + name.len;
        bool is_alone =
            (at == source.at || !is_word(at[-1])) && (behind == end || !is_word(*behind));
        while (behind < end && memchr(" \"']", *behind, 4))
            behind++;
        if (is_alone && behind < end && *behind == '=' && (behind + 1 == end || behind[1] != '='))
            break;
        at++;
    }
    int line = 1;
    for (const char *c = source.at; at && name.len && c < at; c++)
        line += *c == '\n';
    return at && name.len ? line : 0;
}

// What a message about the returned table is about: a member or an option.
static struct span subject_of(struct span text)
{
    struct span rest = text;
    struct span word;
    const char *unknown = memmem(text.at, text.len, "unknown ", 8);
    if (unknown) {
        rest = span_make(unknown, text.len - (size_t)(unknown - text.at));
        span_split(&rest, '\'', &word); // up to the quote
        if (span_split(&rest, '\'', &word))
            return word;
        rest = text;
    }
    if (memmem(text.at, text.len, "must say api", 12))
        return SPAN("api");
    if (span_starts_with(text, SPAN("options."))) {
        rest = span_make(text.at + 8, text.len - 8);
        return span_split(&rest, ':', &word) ? word : (struct span){0};
    }
    return span_split(&rest, ' ', &word) ? word : (struct span){0};
}

// "NAME: what is wrong" gets its line, as far as the source tells.
static void say_failure(const struct loading *loading, struct span text, struct errmsg *message)
{
    char start[PIPELINE_NAME + 8];
    snprintf(start, sizeof(start), "%s: ", loading->script->name);
    if (loading->is_in_table && span_starts_with(text, span_of(start))) {
        struct span what = span_make(text.at + strlen(start), text.len - strlen(start));
        int line = line_of(loading->load->source, subject_of(what));
        if (line > 0) {
            errmsg_set(message, "%s.lua:%d: %.*s", loading->script->name, line, SPAN_ARGS(what));
            return;
        }
    }
    errmsg_set(message, "%.*s", SPAN_ARGS(text));
}

// ---- the table that the file returns ----

static void check_members(lua_State *L, int table)
{
    lua_pushnil(L);              // nil
    while (lua_next(L, table)) { // key value
        lua_pop(L, 1);           // key
        struct span name = {0};
        bool is_known = false;
        if (lua_type(L, -1) == LUA_TSTRING)
            name.at = lua_tolstring(L, -1, &name.len);
        for (size_t i = 0; i < COUNT_OF(members); i++)
            is_known = is_known || span_is(name, members[i]);
        if (is_known)
            continue;
        char hint[NEAREST_HINT_LEN];
        luaL_error(L, "the script's table has an unknown member '%s'%s",
                   name.at ? name.at : luaL_typename(L, -1),
                   nearest_hint(name, members, COUNT_OF(members), hint));
    }
}

// Pushes a member without metamethods. [+1]
static int push_raw(lua_State *L, int table, const char *name)
{
    lua_pushstring(L, name);     // name
    return lua_rawget(L, table); // value
}

static void read_functions(struct pipeline_script *script, lua_State *L, int table)
{
    for (size_t i = 0; i < COUNT_OF(function_names); i++) {
        int type = push_raw(L, table, function_names[i]); // function
        if (type != LUA_TNIL && type != LUA_TFUNCTION)
            luaL_error(L, "%s must be a function, not a %s", function_names[i],
                       lua_typename(L, type));
        if (type == LUA_TFUNCTION)
            script->functions[i] = luaL_ref(L, LUA_REGISTRYINDEX); //
        else
            lua_pop(L, 1); //
    }
}

static void read_help(struct pipeline_script *script, lua_State *L, int table)
{
    int type = push_raw(L, table, "help"); // help
    if (type != LUA_TNIL && type != LUA_TSTRING)
        luaL_error(L, "help must be a string");
    size_t len = 0;
    const char *help = lua_tolstring(L, -1, &len);
    if (len > MAX_HELP)
        luaL_error(L, "help is longer than %d bytes", MAX_HELP);
    if (help)
        script->help = xmemdup0(help, len);
    lua_pop(L, 1); //
}

static void read_secret(struct pipeline_script *script, lua_State *L, int table)
{
    int type = push_raw(L, table, "secret"); // secret
    struct span name = {0};
    if (type == LUA_TSTRING)
        name.at = lua_tolstring(L, -1, &name.len);
    for (size_t i = 0; i < COUNT_OF(secrets) && !script->secret; i++) {
        if (span_is(name, secrets[i].name)) {
            script->secret = secrets[i].name;
            script->secret_kinds = secrets[i].kinds;
        }
    }
    if (type != LUA_TNIL && !script->secret)
        luaL_error(L,
                   "secret must be \"symmetric\", \"ed25519\" or \"shared\" (symmetric or plain)");
    if (script->secret && script->functions[VISIT_SIGN] == LUA_NOREF)
        luaL_error(L, "secret says what sign needs, and there is no function sign");
    lua_pop(L, 1); //
}

static void read_table(const struct loading *loading, lua_State *L)
{
    struct pipeline_script *script = loading->script;
    if (!lua_istable(L, -1))
        luaL_error(L,
                   "a script returns a table, such as return { api = 1, sign = … }; this one "
                   "returns %s",
                   lua_isnil(L, -1) ? "nothing" : luaL_typename(L, -1));
    int table = lua_gettop(L);
    check_members(L, table);
    push_raw(L, table, "api"); // api
    if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) != API_VERSION)
        luaL_error(L, "the script's table must say api = %d", API_VERSION);
    lua_pop(L, 1); //
    read_functions(script, L, table);
    read_help(script, L, table);
    read_secret(script, L, table);
    int type = push_raw(L, table, "options"); // options
    if (type == LUA_TTABLE) {
        lazy_fill(script->lazy, L, -1);
        options_read(script->options, script->lazy, L, -1);
    } else if (type != LUA_TNIL) {
        luaL_error(L, "options must be a table");
    }
    lua_pop(L, 1);                      //
    type = push_raw(L, table, "tests"); // tests
    if (type != LUA_TNIL && type != LUA_TTABLE)
        luaL_error(L, "tests must be a list");
    if (type == LUA_TTABLE && loading->load->keep_tests)
        script->tests = luaL_ref(L, LUA_REGISTRYINDEX); //
    else
        lua_pop(L, 1); //
}

// ---- loading, protected: (light userdata) ----

static int load_script(lua_State *L)
{
    struct loading *loading = lua_touserdata(L, 1);
    struct pipeline_script *script = loading->script;
    char chunk[PIPELINE_NAME + 8];
    snprintf(chunk, sizeof(chunk), "%s.lua", script->name);
    lazy_open(script->lazy, L);
    lazy_begin(script->lazy, PIPELINE_LAZY_BYTES);
    bind_open(script->bind, L);
    pipeline_open_objects(script, L);
    if (!bind_load(script->bind, L, loading->load->source, chunk)) // chunk
        lua_error(L);
    lua_call(L, 0, 1); // table
    loading->is_in_table = true;
    read_table(loading, L);
    lua_settop(L, 0);
    lazy_keep(script->lazy, L);
    lua_gc(L, LUA_GCCOLLECT);
    return 0;
}

static struct pipeline_script *new_script(struct pipeline *pipeline, lua_State *L, const char *name)
{
    struct pipeline_script *script = xcalloc(1, sizeof(*script));
    script->magic = PIPELINE_SCRIPT_MAGIC;
    script->pipeline = pipeline;
    script->L = L;
    script->lazy = lazy_new();
    script->bind = bind_new(script->lazy);
    script->options = options_new();
    script->tests = LUA_NOREF;
    for (size_t i = 0; i < VISIT_FUNCTIONS; i++)
        script->functions[i] = LUA_NOREF;
    snprintf(script->name, sizeof(script->name), "%s", name);
    return script;
}

enum visit_result pipeline_load(struct pipeline *pipeline, lua_State *L,
                                const struct pipeline_load *load, struct pipeline_script **out,
                                struct errmsg *message)
{
    CHECK(pipeline->magic == PIPELINE_MAGIC);
    if (!pipeline->in)
        arena_clear(&pipeline->arena); // messages of loads would add up
    struct loading loading = {new_script(pipeline, L, load->name), load, false};
    lua_pushcfunction(L, load_script);  // load
    lua_pushlightuserdata(L, &loading); // load loading
    enum visit_result result = pipeline->call(pipeline->context, L, 1, 0);
    if (result == VISIT_DONE) {
        *out = loading.script;
        pipeline_trim(loading.script);
        return result;
    }
    struct span text = pipeline_take_message(pipeline, loading.script, L);
    say_failure(&loading, text, message);
    pipeline_unload(loading.script);
    return result;
}

void pipeline_unload(struct pipeline_script *script)
{
    if (!script)
        return;
    CHECK(script->magic == PIPELINE_SCRIPT_MAGIC);
    bind_free(script->bind);
    lazy_free(script->lazy);
    options_free(script->options);
    xfree(script->help);
    script->magic = 0;
    xfree(script);
}

size_t pipeline_kept(const struct pipeline_script *script)
{
    return lazy_kept(script->lazy);
}

lua_State *pipeline_state(const struct pipeline_script *script)
{
    return script->L;
}

unsigned pipeline_functions(const struct pipeline_script *script)
{
    unsigned set = 0;
    for (unsigned i = 0; i < VISIT_FUNCTIONS; i++)
        set |= script->functions[i] != LUA_NOREF ? 1u << i : 0;
    return set;
}

const char *pipeline_secret(const struct pipeline_script *script, unsigned *kinds)
{
    *kinds = script->secret_kinds;
    return script->secret;
}

bool pipeline_describe(const struct pipeline_script *script, struct buf *out)
{
    struct json_writer w;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_member_text(&w, "help", script->help);
    if (script->secret)
        json_write_member_text(&w, "secret", script->secret);
    json_write_name(&w, "functions");
    json_write_array(&w);
    for (size_t i = 0; i < VISIT_FUNCTIONS; i++) {
        if (script->functions[i] != LUA_NOREF)
            json_write_text(&w, function_names[i]);
    }
    json_write_end_array(&w);
    struct buf options;
    buf_init(&options, out->max);
    options_print(script->options, &options);
    bool is_full = options.is_full;
    json_write_member_raw(&w, "options", buf_span(&options));
    json_write_end_object(&w);
    buf_deinit(&options);
    return !is_full && !out->is_full;
}

// ---- messages ----

// (message, light userdata of the script, function)
static int name_function(lua_State *L)
{
    const struct pipeline_script *script = lua_touserdata(L, 2);
    lua_Debug where;
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->functions[lua_tointeger(L, 3)]); // … function
    lua_getinfo(L, ">S", &where);                                              // …
    lua_pushfstring(L, "%s:%d: %s", where.short_src, where.linedefined, lua_tostring(L, 1));
    return 1;
}

void pipeline_name_function(struct pipeline_script *script, lua_State *L,
                            enum visit_function function)
{
    if (script->functions[function] == LUA_NOREF || lua_type(L, -1) != LUA_TSTRING ||
        !lua_checkstack(L, LUA_MINSTACK))
        return;
    lua_pushcfunction(L, name_function);       // message name
    lua_pushvalue(L, -2);                      // message name message
    lua_pushlightuserdata(L, script);          // message name message script
    lua_pushinteger(L, (lua_Integer)function); // message name message script function
    if (lua_pcall(L, 3, 1, 0) == LUA_OK)       // message whole
        lua_replace(L, -2);                    // whole
    else
        lua_pop(L, 1); // message
}

struct span pipeline_take_message(struct pipeline *pipeline, const struct pipeline_script *script,
                                  lua_State *L)
{
    char other[64];
    char start[PIPELINE_NAME + 8];
    snprintf(other, sizeof(other), "an error that is a %s, not a string", luaL_typename(L, -1));
    struct span text = span_of(other);
    snprintf(start, sizeof(start), "%s.lua:", script->name);
    if (lua_type(L, -1) == LUA_TSTRING)
        text.at = lua_tolstring(L, -1, &text.len);
    text.len = text.len > PIPELINE_REASON * 2 ? PIPELINE_REASON * 2 : text.len; // masking cuts it
    struct buf whole;
    buf_init(&whole, PIPELINE_REASON * 4);
    if (!span_starts_with(text, span_of(start)))
        buf_append_format(&whole, "%s: ", script->name);
    advice_write(&whole, text);
    lua_pop(L, 1);
    struct span reason = arena_copy(&pipeline->arena, buf_span(&whole));
    buf_deinit(&whole);
    return pipeline_mask(pipeline, reason);
}

// ---- a webhook's options: (light userdata) ----

struct checking {
    struct pipeline_script *script;
    struct span options;
    pipeline_problem_fn *on_problem;
    void *context;
};

static int check_options(lua_State *L)
{
    const struct checking *c = lua_touserdata(L, 1);
    lazy_begin(c->script->lazy, PIPELINE_LAZY_BYTES);
    lazy_let_go(c->script->lazy, L);
    bind_set_log(c->script->bind, NULL, NULL);
    options_convert(c->script->options, c->script->lazy, L, c->options, c->on_problem, c->context);
    return 0;
}

enum visit_result pipeline_check(struct pipeline *pipeline, struct pipeline_script *script,
                                 struct span options, pipeline_problem_fn *on_problem,
                                 void *context)
{
    CHECK(script->magic == PIPELINE_SCRIPT_MAGIC);
    struct checking checking = {script, options, on_problem, context};
    lua_State *L = script->L;
    script->visit = 0;
    lua_pushcfunction(L, check_options); // check
    lua_pushlightuserdata(L, &checking); // check checking
    enum visit_result result = pipeline->call(pipeline->context, L, 1, 0);
    if (result != VISIT_DONE)
        lua_pop(L, 1); // (message)
    pipeline_trim(script);
    return result;
}
