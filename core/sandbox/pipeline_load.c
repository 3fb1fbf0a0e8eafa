// SPDX-License-Identifier: MIT
// Loads a script into a bare state: opens the sandbox, runs the file, checks the table it returns. Script host only.
#include <lauxlib.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "json/json_write.h"
#include "sandbox/pipeline_inside.h"

#define API_VERSION 1
#define MAX_HELP    4096

static const char *const function_names[] = {"filter", "transform", "sign", "response"};
static const char *const members[] = {"api",       "help", "options",  "filter",
                                      "transform", "sign", "response", "tests"};

struct loading {
    struct pipeline_script *script;
    const struct pipeline_load *load;
};

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
    const struct loading *loading = lua_touserdata(L, 1);
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
    struct loading loading = {new_script(pipeline, L, load->name), load};
    lua_pushcfunction(L, load_script);  // load
    lua_pushlightuserdata(L, &loading); // load loading
    enum visit_result result = pipeline->call(pipeline->context, L, 1, 0);
    if (result == VISIT_DONE) {
        *out = loading.script;
        return result;
    }
    struct span text = pipeline_take_message(pipeline, loading.script, L);
    errmsg_set(message, "%.*s", SPAN_ARGS(text));
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

bool pipeline_describe(const struct pipeline_script *script, struct buf *out)
{
    struct json_writer w;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_member_text(&w, "help", script->help);
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
    text.len = text.len > PIPELINE_REASON ? PIPELINE_REASON : text.len;
    const char *whole =
        span_starts_with(text, span_of(start))
            ? arena_format(&pipeline->arena, "%.*s", SPAN_ARGS(text))
            : arena_format(&pipeline->arena, "%s: %.*s", script->name, SPAN_ARGS(text));
    lua_pop(L, 1);
    struct span reason = span_of(whole);
    return pipeline->in ? pipeline_mask(pipeline, reason) : reason;
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
    return result;
}
