// SPDX-License-Identifier: MIT
// Reads one golden test from the table in which a script declares it. Script host only.
#include <lauxlib.h>
#include <math.h>

#include "base/date.h"
#include "sandbox/golden_inside.h"

#define NEW_YEAR_2026 1767225600 // 2026-01-01T00:00:00Z

static const char *const test_fields[] = {"name",     "event",  "options", "webhook",
                                          "secrets",  "env",    "attempt", "request",
                                          "response", "expect", NULL};
static const char *const event_fields[] = {"event", "id",     "tenant",   "key", "time",
                                           "data",  "fields", "override", NULL};
static const char *const webhook_fields[] = {
    "uuid",     "name",          "target",        "tenant",
    "metadata", "extra_payload", "extra_headers", "extra_payload_into",
    NULL};
static const char *const expect_fields[] = {"body",    "headers", "url",     "method", "filtered",
                                            "verdict", "error",   "invalid", NULL};
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

// ---- reading tables ----

static struct span string_at(struct golden_test *test, lua_State *L, int index, const char *what)
{
    struct span text;
    if (lua_type(L, index) != LUA_TSTRING)
        luaL_error(L, "%s must be a string, not a %s", what, luaL_typename(L, index));
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

// Pushes a member that must be a table or absent (then nil). [+1]
static bool push_table(lua_State *L, int table, const char *name, const char *const *fields)
{
    int type = lua_getfield(L, table, name); // t
    if (type == LUA_TNIL)
        return false;
    if (type != LUA_TTABLE)
        luaL_error(L, "%s must be a table, not a %s", name, lua_typename(L, type));
    int at = lua_gettop(L);
    for (lua_pushnil(L); fields && lua_next(L, at); lua_pop(L, 1)) { // t key value
        size_t i = 0;
        while (fields[i] &&
               (lua_type(L, -2) != LUA_TSTRING || strcmp(lua_tostring(L, -2), fields[i]) != 0))
            i++;
        if (!fields[i])
            luaL_error(L, "%s has an unknown field '%s'", name,
                       lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "[1]");
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
    lua_pushnil(L);              // t nil
    while (lua_next(L, table)) { // t name value
        if (list.count == max)
            luaL_error(L, "%s has too many members", what);
        struct visit_header *pair = &out[list.count++];
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "%s must have names", what);
        *pair = (struct visit_header){.name = string_at(test, L, -2, what)};
        if (lua_isboolean(L, -1) && !lua_toboolean(L, -1))
            pair->is_set_by_sign = true;
        else
            pair->value = string_at(test, L, -1, what);
        lua_pop(L, 1); // t name
    }
    pipeline_sort_headers(&list);
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

static void read_event(struct golden_test *test, struct pipeline_script *script, lua_State *L,
                       int table)
{
    struct visit_in *in = &test->in;
    push_event(script, L, table); // event
    int event = lua_gettop(L);
    in->event_id = SPAN("00000000-0000-7000-8000-000000000000");
    in->event_name = SPAN("test");
    in->event_time = SPAN("2026-01-01T00:00:00Z");
    take_string(test, L, event, "id", &in->event_id);
    take_string(test, L, event, "event", &in->event_name);
    take_string(test, L, event, "tenant", &in->tenant);
    take_string(test, L, event, "key", &in->event_key);
    take_string(test, L, event, "time", &in->event_time);
    in->form = VISIT_FORM_DATA;
    in->data = SPAN("{}");
    if (take_json(test, script->lazy, L, event, "fields", &in->data))
        in->form = VISIT_FORM_FIELDS;
    else if (take_json(test, script->lazy, L, event, "override", &in->data))
        in->form = VISIT_FORM_OVERRIDE;
    else
        take_json(test, script->lazy, L, event, "data", &in->data);
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
    take_string(test, L, webhook, "uuid", &in->webhook_uuid);
    take_string(test, L, webhook, "name", &in->webhook_name);
    take_string(test, L, webhook, "target", &in->target);
    take_string(test, L, webhook, "tenant", &in->tenant);
    take_json(test, script->lazy, L, webhook, "metadata", &in->metadata);
    take_json(test, script->lazy, L, webhook, "extra_payload", &in->extra_payload);
    take_string(test, L, webhook, "extra_payload_into", &into);
    in->extra_payload_into_data = span_is(into, "data");
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
            luaL_error(L, "too many secrets");
        for (size_t i = 0; i < count; i++) {
            lua_rawgeti(L, -1, (lua_Integer)i + 1); // secrets secret
            test->secrets[i] = string_at(test, L, -1, "secrets");
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
        take_string(test, L, attempt, "id", &in->attempt_id);
        if (lua_getfield(L, attempt, "number") != LUA_TNIL) // attempt number
            in->attempt_number = (uint32_t)luaL_checkinteger(L, -1);
        lua_pop(L, 1);                                    // attempt
        if (lua_getfield(L, attempt, "time") != LUA_TNIL) // attempt time
            in->attempt_at = (int64_t)luaL_checkinteger(L, -1);
        lua_pop(L, 1); // attempt
    }
    lua_pop(L, 1); //
}

static void read_answer(struct golden_test *test, lua_State *L, int table)
{
    struct visit_in *in = &test->in;
    in->is_response = push_table(L, table, "response", response_fields); // response
    if (in->is_response) {
        int response = lua_gettop(L);
        in->status = 200;
        if (lua_getfield(L, response, "status") != LUA_TNIL) // response status
            in->status = (int)luaL_checkinteger(L, -1);
        lua_pop(L, 1); // response
        take_string(test, L, response, "body", &in->response_body);
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
        lua_rawgeti(L, -1, 2);                           // verdict seconds
        e->seconds = (int64_t)ceil(lua_tonumber(L, -1)); // none: 0
        lua_pop(L, 1);                                   // verdict
        lua_rawgeti(L, -1, 1);                           // verdict word
        lua_replace(L, -2);                              // word
        type = lua_type(L, -1);
    }
    for (size_t i = VISIT_OK; type == LUA_TSTRING && i < COUNT_OF(names); i++) {
        if (strcmp(lua_tostring(L, -1), names[i]) == 0)
            e->verdict = (enum visit_verdict)i;
    }
    if (type != LUA_TNIL && type != LUA_TBOOLEAN && e->verdict == VISIT_NONE)
        luaL_error(L, "expect.verdict is one of ok, retry, fail, disable, or false");
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
    else
        take_string(test, L, expect, "body", &e->body);
}

static void read_expect(struct golden_test *test, struct pipeline_script *script, lua_State *L,
                        int table)
{
    struct golden_expect *e = &test->expect;
    if (!push_table(L, table, "expect", expect_fields)) // expect
        luaL_error(L, "expect is missing");
    int expect = lua_gettop(L);
    read_expected_body(test, script, L, expect);
    e->has_url = take_string(test, L, expect, "url", &e->url);
    e->has_method = take_string(test, L, expect, "method", &e->method);
    e->has_error = take_string(test, L, expect, "error", &e->error);
    e->has_filtered = lua_getfield(L, expect, "filtered") != LUA_TNIL; // expect filtered
    e->is_filtered = lua_toboolean(L, -1);
    if (e->is_filtered)
        e->filtered = string_at(test, L, -1, "expect.filtered");
    lua_pop(L, 1); // expect
    read_verdict(test, L, expect);
    if (push_table(L, expect, "headers", NULL)) // expect headers
        e->header_count = take_pairs(test, L, "expect.headers", e->headers, GOLDEN_HEADERS);
    lua_pop(L, 1);                                           // expect
    e->has_invalid = push_table(L, expect, "invalid", NULL); // expect invalid
    if (e->has_invalid)
        e->invalid_count = take_pairs(test, L, "expect.invalid", e->invalid, GOLDEN_HEADERS);
    lua_pop(L, 2); //
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
