// SPDX-License-Identifier: MIT
// Reads one golden test from the table in which a script declares it. Script host only.
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/nearest.h"
#include "json/json.h"
#include "sandbox/golden_inside.h"

#define NEW_YEAR_2026 1767225600 // 2026-01-01T00:00:00Z

// clang-format off
static const char *const test_fields[] = {
    "name", "event", "options", "webhook", "secrets", "env", "attempt", "request", "response",
    "expect", NULL};
static const char *const event_fields[] = { // all of wire.md; the last ones say nothing to scripts
    "event", "id", "tenant", "key", "time", "data", "fields", "override", "traceparent",
    "webhook", "deliver_at", "expires_at", "ref", NULL};
static const char *const webhook_fields[] = { // all of webhook.md but scripts and secrets
    "uuid", "name", "target", "tenant", "metadata", "extra_payload", "extra_headers",
    "extra_payload_into", "events", "is_active", "is_paused", "timeout_ms", "retry", "rate_limit",
    "max_in_flight", "ordered", "tls", "keep_requests", NULL};
static const char *const expect_fields[] = {
    "body", "headers", "url", "method", "filtered", "verdict", "error", "invalid", NULL};
// clang-format on
static const char *const attempt_fields[] = {"number", "id", "time", NULL};
static const char *const request_fields[] = {"body", "headers", "url", NULL};
static const char *const response_fields[] = {"status", "headers", "body", NULL};

struct span golden_keep(struct golden_test *test, lua_State *L, struct span text)
{
    if (text.len > GOLDEN_TEXT - test->used)
        luaL_error(L, "the test is too large");
    test->used += text.len + 1;
    return arena_copy(&test->arena, text);
}

const char *golden_kind(lua_State *L, int index)
{
    switch (lua_type(L, index)) {
    case LUA_TNIL: return "nothing";
    case LUA_TBOOLEAN: return lua_toboolean(L, index) ? "true" : "false";
    case LUA_TNUMBER: return lua_isinteger(L, index) ? "an integer" : "a number";
    case LUA_TSTRING: return "a string";
    case LUA_TTABLE: return "a table";
    case LUA_TFUNCTION: return "a function";
    default: return lazy_is_null(L, index) ? "null" : "something else";
    }
}

// ---- reading tables ----

static struct span string_at(struct golden_test *test, lua_State *L, int index, const char *what)
{
    struct span text;
    if (lua_type(L, index) != LUA_TSTRING)
        luaL_error(L, "%s%s must be a string, not %s", test->where, what, golden_kind(L, index));
    text.at = lua_tolstring(L, index, &text.len);
    return golden_keep(test, L, text);
}

// A string member; false and untouched when it is not there.
static bool take_string(struct golden_test *test, lua_State *L, int table, const char *name,
                        struct span *out)
{
    bool is_there = lua_getfield(L, table, name) != LUA_TNIL; // value
    if (is_there)
        *out = string_at(test, L, -1, name);
    lua_pop(L, 1); //
    return is_there;
}

// An integer member; false and untouched when it is not there.
static bool take_integer(struct golden_test *test, lua_State *L, int table, const char *name,
                         int64_t *out)
{
    bool is_there = lua_getfield(L, table, name) != LUA_TNIL; // value
    int is_integer = 0;
    int64_t number = lua_tointegerx(L, -1, &is_integer);
    if (is_there && (!is_integer || lua_type(L, -1) != LUA_TNUMBER))
        luaL_error(L, "%s%s must be an integer, not %s", test->where, name, golden_kind(L, -1));
    if (is_there)
        *out = number;
    lua_pop(L, 1); //
    return is_there;
}

// Any member, as JSON.
static bool take_json(struct golden_test *test, struct lazy *lazy, lua_State *L, int table,
                      const char *name, struct span *out)
{
    bool is_there = lua_getfield(L, table, name) != LUA_TNIL; // value
    if (is_there) {
        struct buf *text = &test->in.scripts[0].script->pipeline->encoded;
        buf_clear(text);
        if (!lazy_encode(lazy, L, -1, name, text)) // value message
            lua_error(L);
        *out = golden_keep(test, L, buf_span(text));
    }
    lua_pop(L, 1); //
    return is_there;
}

static NORETURN void fail_unknown(lua_State *L, const char *name, const char *const *fields)
{
    struct span field = {0};
    size_t count = 0;
    char hint[NEAREST_HINT_LEN];
    if (lua_type(L, -2) == LUA_TSTRING)
        field.at = lua_tolstring(L, -2, &field.len);
    while (fields[count])
        count++;
    nearest_hint(field, fields, count, hint);
    bool is_beside = strcmp(name, "webhook") == 0 && span_is(field, "secrets");
    if (field.len == 0)
        luaL_error(L, "%s must have fields with names, such as %s", name, fields[0]);
    else if (is_beside)
        luaL_error(L, "webhook has no field 'secrets' here: secrets stand beside webhook");
    else
        luaL_error(L, "%s has an unknown field '%s'%s", name, field.at, hint);
    abort(); // not reached
}

// Pushes a member that must be a table or absent (then nil). [+1]
static bool push_table(lua_State *L, int table, const char *name, const char *const *fields)
{
    int type = lua_getfield(L, table, name); // t
    if (type == LUA_TNIL)
        return false;
    if (type != LUA_TTABLE)
        luaL_error(L, "%s must be a table, not %s", name, golden_kind(L, -1));
    int at = lua_gettop(L);
    for (lua_pushnil(L); fields && lua_next(L, at); lua_pop(L, 1)) { // t key value
        size_t i = 0;
        while (fields[i] &&
               (lua_type(L, -2) != LUA_TSTRING || strcmp(lua_tostring(L, -2), fields[i]) != 0))
            i++;
        if (!fields[i])
            fail_unknown(L, name, fields);
    }
    lua_settop(L, at); // t
    return true;
}

// The table on top as name and text; `false` as text sets is_set_by_sign. Sorted by name.
static size_t take_pairs(struct golden_test *test, lua_State *L, const char *what,
                         struct visit_header *out, size_t max)
{
    struct pipeline_headers list = {.list = out};
    int table = lua_gettop(L);
    char where[64];
    snprintf(where, sizeof(where), "%s.", what);
    test->where = where;
    lua_pushnil(L);              // t nil
    while (lua_next(L, table)) { // t name value
        if (list.count == max)
            luaL_error(L, "%s has more than %d members", what, (int)max);
        struct visit_header *pair = &out[list.count++];
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "%s must have names, as in { NAME = \"text\" }", what);
        *pair = (struct visit_header){.name = string_at(test, L, -2, "name")};
        if (lua_isboolean(L, -1) && !lua_toboolean(L, -1))
            pair->is_set_by_sign = true;
        else
            pair->value = string_at(test, L, -1, pair->name.at);
        lua_pop(L, 1); // t name
    }
    pipeline_sort_headers(&list);
    test->where = "";
    return list.count;
}

// ---- event ----

// Pushes the event's table: as it is, or the text of wire.md decoded. [+1]
static void push_event(struct pipeline_script *script, lua_State *L, int test)
{
    int type = lua_getfield(L, test, "event"); // event
    if (type == LUA_TSTRING) {
        struct span text;
        text.at = lua_tolstring(L, -1, &text.len);
        if (lazy_push(script->lazy, L, text, false)) // event message
            luaL_error(L, "event: %s", lua_tostring(L, -1));
        lua_remove(L, -2); // table
    } else if (type == LUA_TNIL) {
        lua_pop(L, 1);   //
        lua_newtable(L); // table
    }
    if (type != LUA_TSTRING && type != LUA_TNIL && type != LUA_TTABLE)
        luaL_error(L, "event must be a table, or a string: one event as a producer writes it");
    lua_createtable(L, 0, 1);     // table outer
    lua_insert(L, -2);            // outer table
    lua_setfield(L, -2, "event"); // outer
    int outer = lua_gettop(L);
    if (lua_getfield(L, outer, "event") == LUA_TTABLE) // outer table
        lazy_fill(script->lazy, L, -1);
    lua_pop(L, 1);                               // outer
    push_table(L, outer, "event", event_fields); // outer table
    lua_remove(L, outer);                        // table
}

// data, fields or override: at most one.
static void read_payload(struct golden_test *test, struct pipeline_script *script, lua_State *L,
                         int event)
{
    static const char *const names[] = {"data", "fields", "override"};
    struct visit_in *in = &test->in;
    int found = 0;
    in->form = VISIT_FORM_DATA;
    in->data = SPAN("{}");
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (!take_json(test, script->lazy, L, event, names[i], &in->data))
            continue;
        in->form = (enum visit_form)(VISIT_FORM_DATA + i);
        if (found++)
            luaL_error(L, "event has more than one of data, fields and override");
        struct span text = span_trim(in->data);
        if (i > 0 && text.at[0] != '{')
            luaL_error(L, "event.%s must be an object", names[i]);
    }
}

static void read_event(struct golden_test *test, struct pipeline_script *script, lua_State *L,
                       int table)
{
    struct visit_in *in = &test->in;
    push_event(script, L, table); // event
    int event = lua_gettop(L);
    in->event_id = SPAN("00000000-0000-7000-8000-000000000000");
    in->event_name = SPAN("test");
    in->event_time = SPAN("2026-01-01T00:00:00Z");
    test->where = "event.";
    take_string(test, L, event, "id", &in->event_id);
    take_string(test, L, event, "event", &in->event_name);
    take_string(test, L, event, "tenant", &in->tenant);
    take_string(test, L, event, "key", &in->event_key);
    take_string(test, L, event, "time", &in->event_time);
    take_string(test, L, event, "traceparent", &test->traceparent);
    read_payload(test, script, L, event);
    test->where = "";
    lua_pop(L, 1); //
}

// ---- webhook, attempt, answer ----

static void read_webhook(struct golden_test *test, struct pipeline_script *script, lua_State *L,
                         int webhook)
{
    struct visit_in *in = &test->in;
    in->webhook_uuid = SPAN("00000000-0000-4000-8000-000000000000");
    in->target = SPAN("https://example.com/");
    if (in->tenant.len == 0)
        in->tenant = SPAN("default");
    if (lua_isnil(L, webhook))
        return;
    struct span into = {0};
    test->where = "webhook.";
    take_string(test, L, webhook, "uuid", &in->webhook_uuid);
    take_string(test, L, webhook, "name", &in->webhook_name);
    take_string(test, L, webhook, "target", &in->target);
    take_string(test, L, webhook, "tenant", &in->tenant);
    take_json(test, script->lazy, L, webhook, "metadata", &in->metadata);
    take_json(test, script->lazy, L, webhook, "extra_payload", &in->extra_payload);
    take_string(test, L, webhook, "extra_payload_into", &into);
    in->extra_payload_into_data = span_is(into, "data");
    if (into.at && !in->extra_payload_into_data && !span_is(into, "body"))
        luaL_error(L, "webhook.extra_payload_into is \"body\" or \"data\"");
    test->where = "";
}

static void read_secrets(struct golden_test *test, lua_State *L, int table)
{
    struct visit_in *in = &test->in;
    in->secrets = test->secrets;
    if (!push_table(L, table, "secrets", NULL)) { // secrets
        test->secrets[0] = SPAN("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        in->secret_count = 1;
    } else {
        size_t count = lua_rawlen(L, -1);
        if (count > GOLDEN_SECRETS)
            luaL_error(L, "more than %d secrets", GOLDEN_SECRETS);
        for (size_t i = 0; i < count; i++) {
            lua_rawgeti(L, -1, (lua_Integer)i + 1); // secrets secret
            test->secrets[i] = string_at(test, L, -1, "each of secrets");
            lua_pop(L, 1); // secrets
        }
        in->secret_count = count;
    }
    lua_pop(L, 1); //
}

static void read_attempt(struct golden_test *test, lua_State *L, int table)
{
    struct visit_in *in = &test->in;
    in->attempt_id = SPAN("00000000-0000-7000-8000-000000000001");
    in->attempt_number = 1;
    in->attempt_at = NEW_YEAR_2026;
    if (push_table(L, table, "attempt", attempt_fields)) { // attempt
        int attempt = lua_gettop(L);
        int64_t number = 1;
        test->where = "attempt.";
        take_string(test, L, attempt, "id", &in->attempt_id);
        take_integer(test, L, attempt, "time", &in->attempt_at);
        if (take_integer(test, L, attempt, "number", &number) &&
            (number < 1 || number > UINT32_MAX))
            luaL_error(L, "attempt.number counts from 1");
        in->attempt_number = (uint32_t)number;
        test->where = "";
    }
    lua_pop(L, 1); //
}

static void read_answer(struct golden_test *test, lua_State *L, int table)
{
    struct visit_in *in = &test->in;
    in->is_response = push_table(L, table, "response", response_fields); // response
    if (in->is_response) {
        int response = lua_gettop(L);
        int64_t status = 200;
        test->where = "response.";
        take_integer(test, L, response, "status", &status);
        if (status < 100 || status > 999)
            luaL_error(L, "response.status is a number from 100 to 999");
        in->status = (int)status;
        take_string(test, L, response, "body", &in->response_body);
        if (in->response_body.len > GOLDEN_ANSWER) { // as the engine reads it
            in->response_body.len = GOLDEN_ANSWER;
            in->is_truncated = true;
        }
        test->where = "";
        if (push_table(L, response, "headers", NULL)) // response headers
            in->response_header_count =
                take_pairs(test, L, "response.headers", test->response_headers, GOLDEN_HEADERS);
        in->response_headers = test->response_headers;
        lua_pop(L, 1); // response
    }
    lua_pop(L, 1); //
}

// ---- expect ----

static void read_verdict(struct golden_test *test, lua_State *L, int expect)
{
    static const char *const names[] = {"", "ok", "retry", "fail", "disable"};
    struct golden_expect *e = &test->expect;
    int type = lua_getfield(L, expect, "verdict"); // verdict
    e->has_verdict = type != LUA_TNIL;
    if (type == LUA_TTABLE) {
        int second = lua_rawgeti(L, -1, 2); // verdict more
        if (second == LUA_TSTRING)
            e->reason = string_at(test, L, -1, "expect.verdict");
        else if (second == LUA_TNUMBER)
            e->seconds = (int64_t)ceil(lua_tonumber(L, -1));
        else if (second != LUA_TNIL)
            luaL_error(L, "expect.verdict is { \"retry\", seconds } or { \"fail\", reason }");
        e->has_reason = second == LUA_TSTRING;
        lua_pop(L, 1);         // verdict
        lua_rawgeti(L, -1, 1); // verdict word
        lua_replace(L, -2);    // word
        type = lua_type(L, -1);
    }
    for (size_t i = VISIT_OK; type == LUA_TSTRING && i < COUNT_OF(names); i++) {
        if (strcmp(lua_tostring(L, -1), names[i]) == 0)
            e->verdict = (enum visit_verdict)i;
    }
    if (type != LUA_TNIL && e->verdict == VISIT_NONE &&
        (type != LUA_TBOOLEAN || lua_toboolean(L, -1)))
        luaL_error(L,
                   "expect.verdict is \"ok\", \"retry\", \"fail\" or \"disable\", a list of one of "
                   "them and its seconds or reason, or false");
    lua_pop(L, 1); //
}

static void read_expected_body(struct golden_test *test, struct pipeline_script *script,
                               lua_State *L, int expect)
{
    struct golden_expect *e = &test->expect;
    int type = lua_getfield(L, expect, "body"); // body
    lua_pop(L, 1);                              //
    e->has_body = type != LUA_TNIL;
    e->is_body_json = type == LUA_TTABLE;
    if (type == LUA_TTABLE)
        take_json(test, script->lazy, L, expect, "body", &e->body);
    else if (type == LUA_TSTRING)
        take_string(test, L, expect, "body", &e->body);
    else if (type != LUA_TNIL)
        luaL_error(L, "expect.body is a string (exact bytes) or a table (the same JSON)");
}

// What can never come true is a mistake of the test.
static void check_expect(const struct golden_test *test, struct pipeline_script *script,
                         lua_State *L)
{
    const struct golden_expect *e = &test->expect;
    bool is_of_request =
        e->has_body || e->has_url || e->has_method || e->has_filtered || e->header_count > 0;
    if (test->in.is_response && script->functions[VISIT_RESPONSE] == LUA_NOREF)
        luaL_error(L, "it has a response, but the script has no response function");
    if (test->in.is_response && is_of_request)
        luaL_error(L, "with a response only response runs: expect a verdict or an error");
    if (!test->in.is_response && e->has_verdict)
        luaL_error(L, "a verdict needs a response: add response = { status = 200 } to the test");
    if (e->is_filtered && (e->has_body || e->has_url || e->has_method || e->header_count > 0))
        luaL_error(L, "what is filtered is not sent: expect either filtered or a request");
}

static void read_expect(struct golden_test *test, struct pipeline_script *script, lua_State *L,
                        int table)
{
    struct golden_expect *e = &test->expect;
    if (!push_table(L, table, "expect", expect_fields)) // expect
        luaL_error(L, "expect is missing");
    int expect = lua_gettop(L);
    test->where = "expect.";
    read_expected_body(test, script, L, expect);
    e->has_url = take_string(test, L, expect, "url", &e->url);
    e->has_method = take_string(test, L, expect, "method", &e->method);
    e->has_error = take_string(test, L, expect, "error", &e->error);
    e->has_filtered = lua_getfield(L, expect, "filtered") != LUA_TNIL; // expect filtered
    e->is_filtered = lua_toboolean(L, -1);
    if (e->is_filtered)
        e->filtered = string_at(test, L, -1, "filtered");
    lua_pop(L, 1); // expect
    test->where = "";
    read_verdict(test, L, expect);
    if (push_table(L, expect, "headers", NULL)) // expect headers
        e->header_count = take_pairs(test, L, "expect.headers", e->headers, GOLDEN_HEADERS);
    lua_pop(L, 1);                                           // expect
    e->has_invalid = push_table(L, expect, "invalid", NULL); // expect invalid
    if (e->has_invalid)
        e->invalid_count = take_pairs(test, L, "expect.invalid", e->invalid, GOLDEN_HEADERS);
    lua_pop(L, 2); //
    check_expect(test, script, L);
}

void golden_read(struct golden_test *test, struct pipeline_script *script, lua_State *L,
                 lua_Integer number)
{
    luaL_checkstack(L, 30, NULL);
    test->use.script = script;
    test->in.scripts = &test->use;
    test->in.script_count = 1;
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->tests); // tests
    lua_createtable(L, 0, 1);                         // tests outer
    lua_rawgeti(L, -2, number);                       // tests outer test
    lua_setfield(L, -2, "the test");                  // tests outer
    int outer = lua_gettop(L);
    if (!push_table(L, outer, "the test", test_fields)) // tests outer test
        luaL_error(L, "a test must be a table");
    int table = outer + 1;
    test->where = "";
    test->name = SPAN("?");
    if (!take_string(test, L, table, "name", &test->name))
        luaL_error(L, "a test must have a name");
    read_event(test, script, L, table);
    take_json(test, script->lazy, L, table, "options", &test->use.options);
    if (push_table(L, table, "env", NULL)) // … env
        test->in.env_count = take_pairs(test, L, "env", test->env, GOLDEN_SECRETS);
    test->in.env = test->env;
    lua_pop(L, 1); // …
    read_secrets(test, L, table);
    read_attempt(test, L, table);
    read_answer(test, L, table);
    push_table(L, table, "webhook", webhook_fields); // … webhook
    read_webhook(test, script, L, table + 1);
    push_table(L, table, "request", request_fields); // … webhook request
    golden_build_request(test, L, table + 1, table + 2);
    lua_settop(L, table); // …
    read_expect(test, script, L, table);
    lua_settop(L, outer - 2);
}
