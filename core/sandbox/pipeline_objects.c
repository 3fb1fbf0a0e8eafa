// SPDX-License-Identifier: MIT
// What scripts see: request, response, ctx. Each fills itself when it is looked at. Script host only.
#include <lauxlib.h>
#include <stdio.h>

#include "sandbox/form.h"
#include "sandbox/pipeline_inside.h"
#include "sandbox/pipeline_record.h"

#define CONVERTED_MAX 32 // option tables that a state keeps

static struct pipeline_script *upvalue_script(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

// The script and its visit, which must be on.
struct pipeline_script *pipeline_check_script(lua_State *L)
{
    struct pipeline_script *script = upvalue_script(L);
    if (!script->pipeline->in || script->visit != script->pipeline->visit)
        luaL_error(L, "this is of an earlier visit");
    return script;
}

void pipeline_push_span(lua_State *L, struct span text)
{
    lua_pushlstring(L, text.len ? text.at : "", text.len);
}

static void set_span(lua_State *L, const char *name, struct span text)
{
    pipeline_push_span(L, text); // t text
    lua_setfield(L, -2, name);   // t
}

struct span pipeline_keep(struct pipeline *pipeline, lua_State *L, struct span text)
{
    if (text.len > PIPELINE_TEXT - pipeline->text_used)
        luaL_error(L, "headers and addresses were set too often");
    pipeline->text_used += text.len;
    return arena_copy(&pipeline->arena, text);
}

// Pushes a document of the engine's; what is no JSON is a string. [+1]
static void push_json(struct pipeline_script *script, lua_State *L, struct span json)
{
    if (json.len == 0)
        lua_newtable(L);
    else if (lazy_push(script->lazy, L, json, true)) {
        lua_pop(L, 1);
        pipeline_push_span(L, json);
    }
}

// The script, in a function that gets the request.
static struct pipeline_script *check_request(lua_State *L)
{
    struct pipeline_script *script = pipeline_check_script(L);
    if (script->function != VISIT_TRANSFORM && script->function != VISIT_SIGN)
        luaL_error(L, "there is a request in transform and sign only");
    return script;
}

// ---- request ----

// The body is pushed, and kept as a value of this state. [+1]
static void push_body_value(struct pipeline_script *script, lua_State *L)
{
    struct pipeline *pipeline = script->pipeline;
    if (pipeline->kind == PIPELINE_VALUE && pipeline->owner == script) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, script->body);
        return;
    }
    if (pipeline->kind != PIPELINE_JSON) {
        pipeline_push_span(L, pipeline->body);
    } else if (pipeline->is_exported) { // by another state: that buffer will be written again
        if (lazy_push(script->lazy, L, pipeline->body, false))
            lua_error(L); // we have written it
    } else if (script->body_document != PIPELINE_NO_DOCUMENT ||
               lazy_parse(script->lazy, L, pipeline->body, &script->body_document) == OK) {
        lazy_push_document(script->lazy, L, script->body_document, (struct span){0});
    } else { // a golden test may give any bytes
        lua_pop(L, 1);
        pipeline_push_span(L, pipeline->body);
    }
    lua_pushvalue(L, -1);                            // body body
    lua_rawseti(L, LUA_REGISTRYINDEX, script->body); // body
    pipeline->kind = PIPELINE_VALUE;
    pipeline->owner = script;
}

static const char *const request_names[] = {"method", "url", "headers", "body"};

static int request_get(lua_State *L)
{
    struct pipeline_script *script = check_request(L);
    struct pipeline *pipeline = script->pipeline;
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    if (strcmp(name, "headers") == 0)
        lua_rawgeti(L, LUA_REGISTRYINDEX, script->headers);
    else if (strcmp(name, "body") == 0 && script->function == VISIT_SIGN)
        pipeline_push_span(L, pipeline->body);
    else if (strcmp(name, "body") == 0)
        push_body_value(script, L);
    else if (strcmp(name, "url") == 0)
        pipeline_push_span(L, pipeline->url);
    else if (strcmp(name, "method") == 0)
        pipeline_push_span(L, pipeline->method);
    else if (name[0])
        pipeline_refuse_unknown(L, "a request", request_names, COUNT_OF(request_names), "");
    else
        lua_pushnil(L);
    return 1;
}

static void set_body(lua_State *L, struct pipeline_script *script)
{
    if (script->function == VISIT_SIGN)
        luaL_error(L, "request.body cannot be set in sign: it is what is signed");
    lua_pushvalue(L, 3);                             // … body
    lua_rawseti(L, LUA_REGISTRYINDEX, script->body); // …
    script->pipeline->kind = PIPELINE_VALUE;
    script->pipeline->owner = script;
}

static struct span check_text(lua_State *L, const char *what)
{
    struct span text;
    if (lua_type(L, 3) != LUA_TSTRING)
        luaL_error(L, "request.%s must be a string, not a %s", what, luaL_typename(L, 3));
    text.at = lua_tolstring(L, 3, &text.len);
    return text;
}

static void set_url(lua_State *L, struct pipeline *pipeline)
{
    struct span url = check_text(L, "url");
    const char *problem = form_check_target(url);
    if (problem)
        luaL_error(L, "request.url: %s", problem);
    pipeline->url = pipeline_keep(pipeline, L, url);
}

static void set_method(lua_State *L, struct pipeline_script *script)
{
    struct span method = check_text(L, "method");
    if (script->function == VISIT_SIGN)
        luaL_error(L, "request.method cannot be set in sign");
    if (!span_is(method, "POST") && !span_is(method, "PUT") && !span_is(method, "PATCH"))
        luaL_error(L, "request.method must be POST, PUT or PATCH");
    script->pipeline->method = pipeline_keep(script->pipeline, L, method);
}

static int request_set(lua_State *L)
{
    struct pipeline_script *script = check_request(L);
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
    if (strcmp(name, "body") == 0)
        set_body(L, script);
    else if (strcmp(name, "url") == 0)
        set_url(L, script->pipeline);
    else if (strcmp(name, "method") == 0)
        set_method(L, script);
    else if (strcmp(name, "headers") == 0)
        return luaL_error(L, "request.headers cannot be replaced: set its members");
    else
        return luaL_error(L, "a request has no '%s'; it has method, url, headers, body", name);
    return 0;
}

static int request_pairs(lua_State *L)
{
    return luaL_error(L, "a request has method, url, headers and body");
}

void pipeline_push_request(struct pipeline_script *script, lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->request);
}

// ---- response ----

// Upvalues: the script, the body.
static int answer_json(lua_State *L)
{
    struct pipeline_script *script = pipeline_check_script(L);
    struct span text;
    lua_settop(L, 0);
    text.at = lua_tolstring(L, lua_upvalueindex(2), &text.len);
    if (lazy_push(script->lazy, L, text, false) == OK) // value
        return 1;
    lua_pushnil(L);    // message nil
    lua_insert(L, -2); // nil message
    return 2;
}

void pipeline_push_answer(struct pipeline_script *script, lua_State *L)
{
    const struct visit_in *in = script->pipeline->in;
    lua_createtable(L, 0, 5);                                      // t
    lua_pushinteger(L, in->status);                                // t status
    lua_setfield(L, -2, "status");                                 // t
    lua_pushboolean(L, in->is_truncated);                          // t truncated
    lua_setfield(L, -2, "truncated");                              // t
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->answer);             // t headers
    lua_setfield(L, -2, "headers");                                // t
    pipeline_push_span(L, in->response_body);                      // t body
    lua_pushlightuserdata(L, script);                              // t body script
    lua_pushvalue(L, -2);                                          // t body script body
    lua_pushcclosure(L, answer_json, 2);                           // t body json
    lua_setfield(L, -3, "json");                                   // t body
    lua_setfield(L, -2, "body");                                   // t
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->response_metatable); // t mt
    lua_setmetatable(L, -2);                                       // t
}

static int response_get(lua_State *L)
{
    static const char *const names[] = {"status", "headers", "body", "truncated", "json"};
    return pipeline_refuse_unknown(L, "a response", names, COUNT_OF(names), "");
}

static int answer_refuse(lua_State *L)
{
    return luaL_error(L, "the headers of an answer cannot be set");
}

// ---- ctx ----

struct first_problem {
    char text[256];
};

static void on_problem(void *context, struct span option, const char *message)
{
    struct first_problem *problem = context;
    if (!problem->text[0])
        snprintf(problem->text, sizeof(problem->text), "option %.*s: %s", SPAN_ARGS(option),
                 message);
}

void pipeline_push_options(struct pipeline_script *script, lua_State *L)
{
    struct span json = script->pipeline->in->scripts[script->index].options;
    struct first_problem problem = {{0}};
    luaL_checkstack(L, 8, NULL);
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->converted); // cache
    pipeline_push_span(L, json);                          // cache json
    if (lua_rawget(L, -2) == LUA_TNIL) {                  // cache nil
        lua_pop(L, 1);                                    // cache
        if (lua_rawgeti(L, -1, 1) == LUA_TNUMBER && lua_tointeger(L, -1) >= CONVERTED_MAX) {
            lua_newtable(L);                                      // cache count cache
            lua_pushvalue(L, -1);                                 // cache count cache cache
            lua_rawseti(L, LUA_REGISTRYINDEX, script->converted); // cache count cache
            lua_replace(L, -3);                                   // cache count
            lua_pop(L, 1);                                        // cache
            lua_pushinteger(L, 0);                                // cache count
        }
        lua_pushinteger(L, lua_tointeger(L, -1) + 1); // cache count count
        lua_rawseti(L, -3, 1);                        // cache count
        lua_pop(L, 1);                                // cache
        lua_createtable(L, 2, 0);                     // cache entry
        options_convert(script->options, script->lazy, L, json, on_problem, &problem);
        if (problem.text[0])
            luaL_error(L, "%s", problem.text);
        lua_rawseti(L, -3, 2);       // cache entry options
        lua_rawseti(L, -2, 1);       // cache entry
        pipeline_push_span(L, json); // cache entry json
        lua_pushvalue(L, -2);        // cache entry json entry
        lua_rawset(L, -4);           // cache entry
    }
    lua_replace(L, -2);    // entry
    lua_rawgeti(L, -1, 1); // entry options
    lua_rawgeti(L, -2, 2); // entry options secrets
    lua_remove(L, -3);     // options secrets
}

// An option that was not given is nil; one that the script does not declare is a mistake.
static int options_get(lua_State *L)
{
    struct span name;
    if (lua_type(L, 2) != LUA_TSTRING)
        return 0;
    name.at = lua_tolstring(L, 2, &name.len);
    options_check_name(upvalue_script(L)->options, L, name);
    return 0;
}

static int webhook_get(lua_State *L)
{
    static const char *const names[] = {"uuid",   "name",     "target",
                                        "tenant", "metadata", "extra_payload"};
    return pipeline_refuse_unknown(L, "ctx.webhook", names, COUNT_OF(names), "");
}

static void push_webhook(struct pipeline_script *script, lua_State *L)
{
    const struct visit_in *in = script->pipeline->in;
    lua_createtable(L, 0, 6); // t
    set_span(L, "uuid", in->webhook_uuid);
    if (in->webhook_name.len)
        set_span(L, "name", in->webhook_name);
    set_span(L, "target", in->target);
    set_span(L, "tenant", in->tenant);
    push_json(script, L, in->metadata);                           // t metadata
    lua_setfield(L, -2, "metadata");                              // t
    push_json(script, L, in->extra_payload);                      // t extra
    lua_setfield(L, -2, "extra_payload");                         // t
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->webhook_metatable); // t mt
    lua_setmetatable(L, -2);                                      // t
}

static int attempt_get(lua_State *L)
{
    static const char *const names[] = {"number", "id", "time"};
    return pipeline_refuse_unknown(L, "ctx.attempt", names, COUNT_OF(names), "");
}

static void push_attempt(struct pipeline_script *script, lua_State *L)
{
    const struct visit_in *in = script->pipeline->in;
    lua_createtable(L, 0, 3);               // t
    lua_pushinteger(L, in->attempt_number); // t number
    lua_setfield(L, -2, "number");          // t
    lua_pushinteger(L, in->attempt_at);     // t time
    lua_setfield(L, -2, "time");            // t
    set_span(L, "id", in->attempt_id);
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->attempt_metatable); // t mt
    lua_setmetatable(L, -2);                                      // t
}

static void push_env(lua_State *L, const struct visit_in *in)
{
    lua_createtable(L, 0, (int)in->env_count); // t
    for (size_t i = 0; i < in->env_count; i++) {
        pipeline_push_span(L, in->env[i].name);  // t name
        pipeline_push_span(L, in->env[i].value); // t name value
        lua_rawset(L, -3);                       // t
    }
}

static void push_secrets(lua_State *L, const struct visit_in *in)
{
    lua_createtable(L, (int)in->secret_count, 0); // t
    for (size_t i = 0; i < in->secret_count; i++) {
        pipeline_push_span(L, in->secrets[i]);  // t secret
        lua_rawseti(L, -2, (lua_Integer)i + 1); // t
    }
}

// Pushes that member of ctx, or nil. [+1]
static void push_member(struct pipeline_script *script, lua_State *L, const char *name)
{
    const struct visit_in *in = script->pipeline->in;
    bool is_sign = script->function == VISIT_SIGN;
    luaL_checkstack(L, 8, NULL);
    if (strcmp(name, "options") == 0) {
        pipeline_push_options(script, L);                             // options secrets
        lua_pop(L, 1);                                                // options
        options_push_copy(L, -1);                                     // options copy
        lua_replace(L, -2);                                           // copy
        lua_rawgeti(L, LUA_REGISTRYINDEX, script->options_metatable); // copy mt
        lua_setmetatable(L, -2);                                      // copy
    } else if (strcmp(name, "webhook") == 0) {
        push_webhook(script, L);
    } else if (strcmp(name, "attempt") == 0) {
        push_attempt(script, L);
    } else if (strcmp(name, "env") == 0) {
        push_env(L, in);
    } else if (is_sign && strcmp(name, "secrets") == 0) {
        push_secrets(L, in);
    } else if (is_sign && strcmp(name, "secret") == 0 && in->secret_count > 0) {
        pipeline_push_span(L, in->secrets[0]);
    } else {
        lua_pushnil(L);
    }
}

static const char *const context_names[] = {"options", "webhook", "attempt",
                                            "env",     "secret",  "secrets"};

static int context_get(lua_State *L)
{
    if (lua_type(L, 2) != LUA_TSTRING)
        return 0;
    pipeline_refuse_unknown(L, "ctx", context_names, COUNT_OF(context_names), "");
    struct pipeline_script *script = pipeline_check_script(L);
    const char *name = lua_tostring(L, 2);
    if (script->function != VISIT_SIGN && strncmp(name, "secret", 6) == 0)
        luaL_error(L, "ctx.%s is there in sign only", name);
    lua_settop(L, 2);             // t key
    push_member(script, L, name); // t key value
    lua_pushvalue(L, 2);          // t key value key
    lua_pushvalue(L, 3);          // t key value key value
    lua_rawset(L, 1);             // t key value
    return 1;
}

static int context_fill(lua_State *L)
{
    const char *const *names = context_names;
    struct pipeline_script *script = pipeline_check_script(L);
    lua_settop(L, 1); // t
    for (size_t i = 0; i < COUNT_OF(context_names); i++) {
        lua_pushstring(L, names[i]);          // t name
        lua_pushvalue(L, 2);                  // t name name
        if (lua_rawget(L, 1) == LUA_TNIL) {   // t name nil
            lua_pop(L, 1);                    // t name
            push_member(script, L, names[i]); // t name value
            lua_rawset(L, 1);                 // t
        }
        lua_settop(L, 1); // t
    }
    pipeline_set_plain(L, 1);
    return 0;
}

void pipeline_push_context(struct pipeline_script *script, lua_State *L)
{
    lua_newtable(L);                                              // ctx
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->context_metatable); // ctx mt
    lua_setmetatable(L, -2);                                      // ctx
}

// ---- making them ----

// A table that holds nothing itself. Answers its registry reference.
static int make_proxy(struct pipeline_script *script, lua_State *L, lua_CFunction get,
                      lua_CFunction set, lua_CFunction walk)
{
    lua_newtable(L);          // t
    lua_createtable(L, 0, 4); // t mt
    pipeline_set_method(script, L, "__index", get);
    pipeline_set_method(script, L, "__newindex", set);
    pipeline_set_method(script, L, "__pairs", walk);
    lua_pushboolean(L, false); // t mt false
    lazy_set_record(L);        // t mt
    lua_setmetatable(L, -2);   // t
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

void pipeline_open_objects(struct pipeline_script *script, lua_State *L)
{
    luaL_checkstack(L, 10, NULL);
    lua_pushboolean(L, false); // false
    script->body = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_newtable(L); // cache
    script->converted = luaL_ref(L, LUA_REGISTRYINDEX);
    script->request = make_proxy(script, L, request_get, request_set, request_pairs);
    script->headers =
        make_proxy(script, L, pipeline_headers_get, pipeline_headers_set, pipeline_headers_pairs);
    script->answer =
        make_proxy(script, L, pipeline_answer_get, answer_refuse, pipeline_answer_pairs);
    lua_createtable(L, 0, 2); // mt
    pipeline_set_method(script, L, "__index", options_get);
    lua_pushboolean(L, false);          // mt false
    lua_setfield(L, -2, "__metatable"); // mt
    script->options_metatable = luaL_ref(L, LUA_REGISTRYINDEX);
    pipeline_open_event(script, L);
    script->context_metatable = pipeline_make_record(script, L, context_get, context_fill);
    script->response_metatable =
        pipeline_make_record(script, L, response_get, pipeline_complete_fill);
    script->webhook_metatable =
        pipeline_make_record(script, L, webhook_get, pipeline_complete_fill);
    script->attempt_metatable =
        pipeline_make_record(script, L, attempt_get, pipeline_complete_fill);
}
