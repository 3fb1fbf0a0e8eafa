// SPDX-License-Identifier: MIT
// Runs filter, transform, sign and response inside of Lua and checks what they return. Script host only.
#include <lauxlib.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/nearest.h"
#include "sandbox/pipeline_inside.h"

#define MAX_SECONDS (366.0 * 86400 * 10) // a verdict's delay

// What a function returned stands from `first` to the top.
struct returned {
    lua_State *L;
    lua_Debug function; // where it is defined
    int first;
    int count;
};

// Raises what is wrong with what was returned, with the line of the function.
static NORETURN void fail(const struct returned *r, const char *format, ...) PRINTF_LIKE(2, 3);
static NORETURN void fail(const struct returned *r, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (r->function.linedefined > 0)
        lua_pushfstring(r->L, "%s:%d: %s", r->function.short_src, r->function.linedefined, text);
    else
        lua_pushstring(r->L, text);
    lua_error(r->L);
    abort(); // not reached
}

// "a table", "nothing"
static const char *kind_at(const struct returned *r, int i)
{
    if (i >= r->count || lua_isnil(r->L, r->first + i))
        return i >= r->count ? "nothing" : "nil";
    if (lua_isinteger(r->L, r->first + i))
        return "an integer";
    switch (lua_type(r->L, r->first + i)) {
    case LUA_TBOOLEAN: return lua_toboolean(r->L, r->first + i) ? "true" : "false";
    case LUA_TNUMBER: return "a number";
    case LUA_TSTRING: return "a string";
    case LUA_TTABLE: return "a table";
    case LUA_TFUNCTION: return "a function";
    default: return "null";
    }
}

// A reason for people, masked; throws when it is none. `otherwise`: when there is none.
static struct span take_reason(struct pipeline *pipeline, const struct returned *r, int i,
                               const char *function, const char *otherwise)
{
    if (i >= r->count || lua_isnil(r->L, r->first + i))
        return arena_copy(&pipeline->arena, span_of(otherwise));
    if (lua_type(r->L, r->first + i) != LUA_TSTRING)
        fail(r, "%s returned a reason that is %s, where a string must stand", function,
             kind_at(r, i));
    struct span text;
    text.at = lua_tolstring(r->L, r->first + i, &text.len);
    return pipeline_mask(pipeline, text);
}

static void end_filtered(struct pipeline *pipeline, struct span reason)
{
    pipeline->out->result = VISIT_FILTERED;
    pipeline->out->reason = reason;
    pipeline->step_count = pipeline->cursor; // nothing follows
}

// ---- the four functions ----

static void call(struct pipeline_script *script, lua_State *L, int arguments, struct returned *r)
{
    r->L = L;
    r->first = lua_gettop(L) - arguments;
    lua_pushvalue(L, r->first);         // … function
    lua_getinfo(L, ">S", &r->function); // …
    lua_call(L, arguments, LUA_MULTRET);
    r->count = lua_gettop(L) - r->first + 1;
    (void)script;
}

static void run_filter(struct pipeline_script *script, lua_State *L)
{
    struct returned r;
    pipeline_push_event(script, L);   // function event
    pipeline_push_context(script, L); // function event ctx
    call(script, L, 2, &r);
    if (r.count == 0 || !lua_isboolean(L, r.first))
        fail(&r, "filter returned %s; it returns true or false: is a return missing?",
             kind_at(&r, 0));
    if (lua_toboolean(L, r.first))
        return;
    end_filtered(script->pipeline, take_reason(script->pipeline, &r, 1, "filter", script->name));
}

static void run_transform(struct pipeline_script *script, lua_State *L)
{
    struct returned r;
    pipeline_push_request(script, L); // function request
    pipeline_push_event(script, L);   // function request event
    pipeline_push_context(script, L); // function request event ctx
    script->pipeline->is_transformed = true;
    call(script, L, 3, &r);
    if (r.count == 0 || lua_isnil(L, r.first))
        return;
    if (!lua_isboolean(L, r.first) || lua_toboolean(L, r.first))
        fail(&r,
             "transform returned %s; it changes request and returns nothing, or false and a reason",
             kind_at(&r, 0));
    end_filtered(script->pipeline, take_reason(script->pipeline, &r, 1, "transform", script->name));
}

static void run_sign(struct pipeline_script *script, lua_State *L)
{
    struct returned r;
    pipeline_push_request(script, L); // function request
    pipeline_push_event(script, L);   // function request event
    pipeline_push_context(script, L); // function request event ctx
    call(script, L, 3, &r);
    if (r.count > 0 && !lua_isnil(L, r.first))
        fail(&r, "sign returned %s; it sets request.headers and returns nothing", kind_at(&r, 0));
}

static int64_t take_seconds(const struct returned *r)
{
    if (r->count < 2 || lua_isnil(r->L, r->first + 1))
        return 0;
    double seconds = lua_tonumber(r->L, r->first + 1);
    if (lua_type(r->L, r->first + 1) != LUA_TNUMBER || !(seconds >= 0 && seconds <= MAX_SECONDS))
        fail(r, "response returned \"retry\" with %s, where seconds must stand", kind_at(r, 1));
    return (int64_t)ceil(seconds);
}

static NORETURN void fail_verdict(const struct returned *r, const char *const *names, size_t count)
{
    char hint[NEAREST_HINT_LEN] = "";
    char what[64];
    struct span word = {0};
    if (lua_type(r->L, r->first) == LUA_TSTRING)
        word.at = lua_tolstring(r->L, r->first, &word.len);
    if (word.at)
        nearest_hint(word, names, count, hint);
    if (word.at)
        snprintf(what, sizeof(what), "\"%.40s\"", word.at);
    else
        snprintf(what, sizeof(what), "%s", kind_at(r, 0));
    fail(r,
         "response returned %s; it returns \"ok\", \"retry\", \"fail\", \"disable\" or nothing%s",
         what, hint);
}

static void run_response(struct pipeline_script *script, lua_State *L)
{
    static const char *const names[] = {"", "ok", "retry", "fail", "disable"};
    struct visit_out *out = script->pipeline->out;
    struct returned r;
    pipeline_push_answer(script, L);  // function response
    pipeline_push_event(script, L);   // function response event
    pipeline_push_context(script, L); // function response event ctx
    call(script, L, 3, &r);
    if (r.count == 0 || lua_isnil(L, r.first))
        return;
    enum visit_verdict verdict = VISIT_NONE;
    struct span word = {0};
    if (lua_type(L, r.first) == LUA_TSTRING)
        word.at = lua_tolstring(L, r.first, &word.len);
    for (size_t i = VISIT_OK; i < COUNT_OF(names); i++) {
        if (span_is(word, names[i]))
            verdict = (enum visit_verdict)i;
    }
    if (verdict == VISIT_NONE)
        fail_verdict(&r, names + 1, COUNT_OF(names) - 1);
    if (verdict == VISIT_RETRY)
        out->verdict_seconds = take_seconds(&r);
    else if (verdict != VISIT_OK)
        out->reason = take_reason(script->pipeline, &r, 1, "response", "");
    out->verdict = verdict;
    out->script = (int)script->index;
    script->pipeline->step_count = script->pipeline->cursor; // the first verdict counts
}

// ---- in one state ----

// The first time that a visit comes to a state.
static void prepare(struct pipeline_script *script, lua_State *L)
{
    struct pipeline *pipeline = script->pipeline;
    const struct visit_in *in = pipeline->in;
    size_t bytes = in->body.len > in->data.len ? in->body.len : in->data.len;
    bytes = bytes > in->response_body.len ? bytes : in->response_body.len;
    lazy_begin(script->lazy, PIPELINE_LAZY_BYTES + PIPELINE_LAZY_FACTOR * bytes);
    lazy_let_go(script->lazy, L);
    lua_pushboolean(L, false);                       // false
    lua_rawseti(L, LUA_REGISTRYINDEX, script->body); //
    script->body_document = PIPELINE_NO_DOCUMENT;
    script->data_document = PIPELINE_NO_DOCUMENT;
    script->visit = pipeline->visit;
    bind_set_log(script->bind, pipeline_log, script);
}

static void run_step(struct pipeline_script *script, lua_State *L, const struct pipeline_step *step)
{
    script->index = step->index;
    script->function = step->function;
    // Not when ctx is looked at: that may be in the middle of an encoding, and checks are the
    // script's own code.
    if (options_have_checks(script->options)) {
        pipeline_push_options(script, L); // options secrets
        lua_pop(L, 2);                    //
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->functions[step->function]); // function
    switch (step->function) {
    case VISIT_FILTER: run_filter(script, L); break;
    case VISIT_TRANSFORM: run_transform(script, L); break;
    case VISIT_SIGN: run_sign(script, L); break;
    case VISIT_RESPONSE: run_response(script, L); break;
    case VISIT_FUNCTIONS: break;
    }
}

int pipeline_run_steps(lua_State *L)
{
    struct pipeline_script *script = lua_touserdata(L, 1);
    struct pipeline *pipeline = script->pipeline;
    if (script->visit != pipeline->visit)
        prepare(script, L);
    while (pipeline->cursor < pipeline->step_count) {
        const struct pipeline_step *step = &pipeline->steps[pipeline->cursor];
        if (step->script != script)
            break;
        lua_settop(L, 1);
        run_step(script, L, step);
        pipeline->cursor++;
    }
    lua_settop(L, 1);
    bool is_over = pipeline->cursor >= pipeline->step_count; // filtered, or judged
    if (!is_over && pipeline->kind == PIPELINE_VALUE && pipeline->owner == script)
        pipeline_export_body(pipeline, L);
    return 0;
}
