// SPDX-License-Identifier: MIT
// Runs a script's golden tests, each in a fresh state and in one that has been used. Script host only.
#include "sandbox/golden.h"

#include <lauxlib.h>

#include "base/mem.h"
#include "sandbox/golden_inside.h"
#include "sandbox/limits.h"

#define MAX_BYTES  ((size_t)8 * 1024 * 1024) // of what is compared between two states
#define MAX_REPORT 4096                      // bytes, of one test

struct golden {
    struct pipeline *pipeline;          // borrowed
    const struct golden_states *states; // borrowed
    struct pipeline_load load;
    struct buf *report;           // borrowed; of all tests
    struct buf one;               // of the test at hand
    bool is_stopped;              // a test ran out of time: nothing more can run
    struct pipeline_script *used; // owned; runs every test, and the first twice
    struct buf first, second;     // what a visit gave, as bytes
};

// ---- states ----

static lua_State *make_state(const struct golden *g)
{
    return g->states && g->states->make ? g->states->make(g->states->context) : luaL_newstate();
}

static void drop_state(const struct golden *g, lua_State *L)
{
    if (g->states && g->states->drop)
        g->states->drop(g->states->context, L);
    else if (L)
        lua_close(L);
}

static struct pipeline_script *load(struct golden *g, bool keep_tests, struct errmsg *message)
{
    struct pipeline_script *script = NULL;
    lua_State *L = make_state(g);
    g->load.keep_tests = keep_tests;
    if (!L) {
        errmsg_set(message, "%s: no memory for a state", g->load.name);
        return NULL;
    }
    if (pipeline_load(g->pipeline, L, &g->load, &script, message) != VISIT_DONE)
        drop_state(g, L);
    return script;
}

static void drop(struct golden *g, struct pipeline_script *script)
{
    if (!script)
        return;
    lua_State *L = script->L;
    pipeline_unload(script);
    drop_state(g, L);
}

// ---- one test ----

// Everything that must be the same in both states.
static void append_outcome(struct buf *out, const struct visit_out *visit)
{
    buf_clear(out);
    buf_append_format(out, "result %d verdict %d %lld\nreason %.*s\n", (int)visit->result,
                      (int)visit->verdict, (long long)visit->verdict_seconds,
                      SPAN_ARGS(visit->reason));
    buf_append_format(out, "%.*s %.*s\n", SPAN_ARGS(visit->method), SPAN_ARGS(visit->url));
    for (size_t i = 0; i < visit->header_count; i++)
        buf_append_format(out, "%.*s: %.*s\n", SPAN_ARGS(visit->headers[i].name),
                          SPAN_ARGS(visit->headers[i].value));
    buf_append_span(out, visit->body);
    buf_append_char(out, '\n');
    buf_append_span(out, visit->logs);
}

struct complaints {
    const struct golden_expect *expect;
    bool is_met[GOLDEN_HEADERS];
    struct buf *report;
};

static void on_problem(void *context, struct span option, const char *message)
{
    struct complaints *c = context;
    for (size_t i = 0; i < c->expect->invalid_count; i++) {
        const struct visit_header *expected = &c->expect->invalid[i];
        if (span_eq(expected->name, option) &&
            memmem(message, strlen(message), expected->value.at, expected->value.len)) {
            c->is_met[i] = true;
            return;
        }
    }
    buf_append_format(c->report, "  option %.*s: %s\n", SPAN_ARGS(option), message);
}

static void check_options(struct golden *g, const struct golden_test *test,
                          struct pipeline_script *script)
{
    struct complaints c = {.expect = &test->expect, .report = &g->one};
    if (pipeline_check(g->pipeline, script, test->use.options, on_problem, &c) != VISIT_DONE)
        buf_append_text(&g->one, "  the options could not be checked\n");
    for (size_t i = 0; i < test->expect.invalid_count; i++) {
        if (!c.is_met[i])
            buf_append_format(&g->one, "  option %.*s: a complaint with \"%.*s\" was expected\n",
                              SPAN_ARGS(test->expect.invalid[i].name),
                              SPAN_ARGS(test->expect.invalid[i].value));
    }
}

static void visit(struct golden *g, struct golden_test *test, struct pipeline_script *script,
                  struct buf *bytes, bool is_compared)
{
    struct visit_out out;
    test->use.script = script;
    pipeline_visit(g->pipeline, &test->in, &out);
    g->is_stopped |= out.result == VISIT_TIMEOUT;
    if (g->is_stopped)
        buf_append_format(&g->one, "  stopped in line %d: it does not end in time\n",
                          limits_stopped_line());
    else if (is_compared)
        golden_compare(test, &out, &g->one);
    append_outcome(bytes, &out);
}

static bool is_quoted(struct span source, const char *at, size_t len)
{
    const char *end = source.at + source.len;
    return at > source.at && at + len < end && memchr("\"'[", at[-1], 3) &&
           memchr("\"']", at[len], 3);
}

// The line of a test: where its name stands as a string for the first time. 0: not found.
static int line_of(struct span source, struct span name)
{
    const char *at = source.at;
    const char *end = source.at + source.len;
    const char *found = NULL;
    while (name.len && (found = memmem(at, (size_t)(end - at), name.at, name.len)) != NULL) {
        if (is_quoted(source, found, name.len))
            break;
        at = found + 1;
    }
    int line = 1;
    for (at = source.at; found && at < found; at++)
        line += *at == '\n';
    return found ? line : 0;
}

// Hands on what came of a test, and puts a failure into the report.
static bool tell(struct golden *g, struct golden_outcome *outcome)
{
    outcome->report = buf_span(&g->one);
    if (outcome->name.at == NULL)
        outcome->name = SPAN("?");
    outcome->name.len = outcome->name.len < 200 ? outcome->name.len : 200;
    outcome->line = line_of(g->load.source, outcome->name);
    if (g->states && g->states->on_end)
        g->states->on_end(g->states->context, outcome);
    if (outcome->report.len == 0)
        return true;
    buf_append_format(g->report, "%s", g->load.name);
    if (outcome->line > 0)
        buf_append_format(g->report, ".lua:%d", outcome->line);
    buf_append_format(g->report, ": test %zu (%.*s)\n", outcome->number, SPAN_ARGS(outcome->name));
    buf_append_span(g->report, outcome->report);
    return false;
}

static void run_in_states(struct golden *g, struct golden_test *test, bool is_first)
{
    struct errmsg message;
    struct pipeline_script *fresh = load(g, false, &message);
    if (!fresh) {
        buf_append_format(&g->one, "  %s\n", message.text);
        return;
    }
    size_t before = g->one.len;
    check_options(g, test, fresh);
    if (test->expect.has_invalid || g->one.len > before) {
        drop(g, fresh);
        return;
    }
    visit(g, test, fresh, &g->first, true);
    for (int i = is_first ? 0 : 1; i < 2 && !g->is_stopped; i++)
        visit(g, test, g->used, &g->second, false);
    if (!g->is_stopped && !span_eq(buf_span(&g->first), buf_span(&g->second)))
        buf_append_text(&g->one, "  a used state gives something else than a fresh one: does the "
                                 "script keep something between visits?\n");
    drop(g, fresh);
}

// ---- reading, protected: (light userdata) ----

struct reading {
    struct pipeline_script *script;
    struct golden_test *test;
    lua_Integer number;
};

static int read_test(lua_State *L)
{
    const struct reading *reading = lua_touserdata(L, 1);
    lazy_begin(reading->script->lazy, PIPELINE_LAZY_BYTES);
    lazy_let_go(reading->script->lazy, L);
    golden_read(reading->test, reading->script, L, reading->number);
    return 0;
}

static int count_tests(lua_State *L)
{
    const struct pipeline_script *script = lua_touserdata(L, 1);
    lua_Integer count = 0;
    if (script->tests != LUA_NOREF) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, script->tests); // script tests
        count = (lua_Integer)lua_rawlen(L, -1);
        if (count > GOLDEN_TESTS)
            return luaL_error(L, "tests: more than %d", GOLDEN_TESTS);
        lua_Integer members = 0;
        for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) // script tests key value
            members += lua_isinteger(L, -2) ? 1 : count + 1;
        if (members != count)
            return luaL_error(L, "tests must be a list: { { name = …, expect = … }, … }");
    }
    lua_pushinteger(L, count); // … count
    return 1;
}

// False: there is a list of tests that cannot be used; the report says why.
static bool count_of(struct golden *g, struct pipeline_script *script, size_t *count)
{
    lua_pushcfunction(script->L, count_tests); // count
    lua_pushlightuserdata(script->L, script);  // count script
    enum visit_result result = g->pipeline->call(g->pipeline->context, script->L, 1, 1);
    *count = result == VISIT_DONE ? (size_t)lua_tointeger(script->L, -1) : 0;
    if (result != VISIT_DONE) {
        const char *text = lua_tostring(script->L, -1);
        buf_append_format(g->report, "%s: %s\n", g->load.name,
                          text ? text : "tests cannot be read");
    }
    lua_settop(script->L, 0);
    return result == VISIT_DONE;
}

static void read_and_run(struct golden *g, struct pipeline_script *script, struct golden_test *test,
                         size_t number)
{
    struct reading reading = {script, test, (lua_Integer)number};
    lua_pushcfunction(script->L, read_test);    // read
    lua_pushlightuserdata(script->L, &reading); // read reading
    enum visit_result result = g->pipeline->call(g->pipeline->context, script->L, 1, 0);
    if (result == VISIT_DONE) {
        run_in_states(g, test, number == 1);
        return;
    }
    const char *text = lua_tostring(script->L, -1);
    buf_append_format(&g->one, "  %s\n", text ? text : "cannot be read");
    g->is_stopped |= result == VISIT_TIMEOUT;
    lua_settop(script->L, 0);
}

// True when the test has passed.
static bool run_test(struct golden *g, struct pipeline_script *script, size_t number)
{
    struct golden_outcome outcome = {.number = number};
    buf_clear(&g->one);
    if (g->is_stopped) {
        buf_append_text(&g->one, "  not run: an earlier test does not end\n");
        return tell(g, &outcome);
    }
    struct golden_test *test = xcalloc(1, sizeof(*test));
    arena_init(&test->arena, GOLDEN_TEXT * 2);
    if (g->states && g->states->on_begin)
        g->states->on_begin(g->states->context, number);
    read_and_run(g, script, test, number);
    outcome.name = test->name;
    bool is_passed = tell(g, &outcome);
    arena_deinit(&test->arena);
    xfree(test);
    return is_passed;
}

enum err golden_run(struct pipeline *pipeline, const struct golden_states *states,
                    const struct pipeline_load *what, struct golden_result *result,
                    struct buf *report)
{
    struct golden g = {.pipeline = pipeline, .states = states, .load = *what, .report = report};
    struct errmsg message;
    *result = (struct golden_result){0};
    buf_init(&g.first, MAX_BYTES);
    buf_init(&g.second, MAX_BYTES);
    buf_init(&g.one, MAX_REPORT);
    struct pipeline_script *declared = load(&g, true, &message);
    g.used = declared ? load(&g, false, &message) : NULL;
    bool is_usable = true;
    if (g.used) {
        is_usable = count_of(&g, declared, &result->tests);
        for (size_t i = 1; i <= result->tests; i++)
            result->failures += !run_test(&g, declared, i);
    } else {
        buf_append_format(report, "%s\n", message.text);
    }
    bool is_loaded = g.used != NULL && is_usable;
    drop(&g, g.used);
    drop(&g, declared);
    buf_deinit(&g.first);
    buf_deinit(&g.second);
    buf_deinit(&g.one);
    return is_loaded ? OK : ERR_SYNTAX;
}
