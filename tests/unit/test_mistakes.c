// SPDX-License-Identifier: MIT
// Tests what people are told who write scripts: each mistake names file, line and what to do.
#include <lauxlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sandbox/advice.h"
#include "sandbox/pipeline.h"

#define BODY                                                                           \
    "{\"hook\":{\"uuid\":\"u\",\"event\":\"e\",\"target\":\"t\"},\"data\":{\"title\":" \
    "\"T\",\"user\":null,\"amount\":null}}"

struct mistake {
    const char *source;   // a script's file
    const char *expected; // the whole message
};

static struct span run(struct pipeline *pipeline, struct pipeline_script *script, bool is_response)
{
    static const char body[] = BODY;
    const char *data = strstr(body, "{\"title");
    struct visit_script use = {script, {0}};
    struct visit_in in = {.scripts = &use,
                          .script_count = 1,
                          .is_response = is_response,
                          .event_id = SPAN("id"),
                          .event_name = SPAN("e"),
                          .event_time = SPAN("2026-01-01T00:00:00Z"),
                          .form = VISIT_FORM_DATA,
                          .data = span_make(data, strlen(data) - 1),
                          .tenant = SPAN("default"),
                          .method = SPAN("POST"),
                          .url = SPAN("https://h/"),
                          .target = SPAN("https://h/"),
                          .status = 200,
                          .response_body = SPAN("{}"),
                          .body = span_make(body, sizeof(body) - 1)};
    struct visit_out out;
    pipeline_visit(pipeline, &in, &out);
    return out.result == VISIT_ERROR ? out.reason : SPAN("(no error)");
}

// The first thing that goes wrong: loading, a request, or an answer.
static void check(const struct mistake *mistakes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct pipeline *pipeline = pipeline_new(NULL, NULL, 1 << 16);
        struct pipeline_script *script = NULL;
        struct errmsg message = {""};
        struct pipeline_load load = {.name = "urgent", .source = span_of(mistakes[i].source)};
        lua_State *L = luaL_newstate();
        struct span got;
        if (pipeline_load(pipeline, L, &load, &script, &message) == VISIT_DONE) {
            bool is_response = pipeline_functions(script) == 1u << VISIT_RESPONSE;
            got = run(pipeline, script, is_response);
        } else {
            got = span_of(message.text);
        }
        if (!span_is(got, mistakes[i].expected))
            fail_msg("%s\nexpected %s\ngot      %.*s", mistakes[i].source, mistakes[i].expected,
                     SPAN_ARGS(got));
        pipeline_unload(script);
        lua_close(L);
        pipeline_free(pipeline);
    }
}

// clang-format off
#define FILTER(line)    "return {\n  api = 1,\n  filter = function(event, ctx)\n    " line "\n  end,\n}\n"
#define TRANSFORM(line) "local json = require 'grapnel.json'\nreturn {\n  api = 1,\n  transform = function(request, event, ctx)\n    " line "\n  end,\n}\n"
#define SIGN(line)      "local crypto = require 'grapnel.crypto'\nreturn {\n  api = 1,\n  sign = function(request, event, ctx)\n    " line "\n  end,\n}\n"
#define RESPONSE(line)  "return {\n  api = 1,\n  response = function(response, event, ctx)\n    " line "\n  end,\n}\n"

static void test_names(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        // functions that are not there
        {SIGN("request.headers.S = crypto.hmca('sha256', 'k', request.body)"),
         "urgent.lua:5: grapnel.crypto has no 'hmca'; did you mean \"hmac\"?"},
        {"local json = require 'grapnel.json'\nlocal none = json.Null\nreturn { api = 1 }\n",
         "urgent.lua:2: grapnel.json has no 'Null'; did you mean \"null\"?"},
        {TRANSFORM("json.parse('{}')"), "urgent.lua:5: grapnel.json has no 'parse'"},
        {TRANSFORM("request.body = table.conact({ 'a' })"),
         "urgent.lua:5: attempt to call a nil value (field 'conact'); did you mean table.concat?"},
        {TRANSFORM("request.body = event.data.title:uper()"),
         "urgent.lua:5: attempt to call a nil value (method 'uper'); did you mean string.upper?"},
        {TRANSFORM("request.body = event.data.title:trim()"),
         "urgent.lua:5: attempt to call a nil value (method 'trim'); a string without blanks around it is s:match(\"^%s*(.-)%s*$\")"},
        {TRANSFORM("request.body = tostrin(1)"),
         "urgent.lua:5: attempt to call a nil value (global 'tostrin'); did you mean \"tostring\"?"},
        {TRANSFORM("request.body = build(event)") "local function build() end\n",
         "urgent.lua:8: <eof> expected near 'local'; return is the last statement of a file"},
        {"local function outer() return inner() end\nlocal function inner() return true end\nreturn { api = 1, filter = function() return outer() or inner() end }\n",
         "urgent.lua:1: attempt to call a nil value (global 'inner'); a local function must stand above the line that calls it"},
        // what is not there on purpose
        {FILTER("return os.time() > 0"),
         "urgent.lua:4: attempt to index a nil value (global 'os'); there is no os: the time is ctx.attempt.time, settings are ctx.options and ctx.env"},
        {FILTER("return io.open('/etc/passwd') ~= nil"),
         "urgent.lua:4: attempt to index a nil value (global 'io'); there are no files: keep texts in the script or in an option"},
        {FILTER("return math.random(2) == 1"),
         "urgent.lua:4: attempt to call a nil value (field 'random'); there is no randomness: an attempt must give the same bytes again"},
        {FILTER("return load('return true')()"),
         "urgent.lua:4: attempt to call a nil value (global 'load'); there is no load: scripts are compiled once"},
        {FILTER("return unpack({ true })"),
         "urgent.lua:4: attempt to call a nil value (global 'unpack'); it is table.unpack"},
        // modules
        {FILTER("return json.get(event, 'data.title') ~= nil"),
         "urgent.lua:4: attempt to index a nil value (global 'json'); write local json = require \"grapnel.json\" at the top"},
        {"local crypto = require 'grapnel.crypt'\nreturn { api = 1 }\n",
         "urgent.lua:1: no module 'grapnel.crypt'; did you mean \"grapnel.crypto\"?"},
        {"local crypto = require 'crypto'\nreturn { api = 1 }\n",
         "urgent.lua:1: no module 'crypto'; did you mean \"grapnel.crypto\"?"},
        // globals
        {FILTER("found = event.data.title return found"),
         "urgent.lua:4: cannot set the global 'found': write local found"},
        {"function helper() end\nreturn { api = 1 }\n",
         "urgent.lua:1: cannot set the global 'helper': write local helper"},
        {FILTER("return evnt.data.title == 'T'"),
         "urgent.lua:4: attempt to index a nil value (global 'evnt'); nothing is called evnt here: is it a member, as in event.data, or a local of another function?"},
        // of request, ctx and options
        {TRANSFORM("request.header['X-A'] = 'a'"),
         "urgent.lua:5: a request has no 'header'; did you mean \"headers\"?"},
        {TRANSFORM("request.bdy = {}"),
         "urgent.lua:5: a request has no 'bdy'; it has method, url, headers, body"},
        {TRANSFORM("request.body = ctx.optiosn.channel"),
         "urgent.lua:5: ctx has no 'optiosn'; did you mean \"options\"?"},
        {TRANSFORM("local x = event.priority"), "urgent.lua:5: an event has no 'priority'; what was sent is in event.data"},
        {TRANSFORM("local d = event.data; local x = event.nmae"), "urgent.lua:5: an event has no 'nmae'; what was sent is in event.data"},
        {TRANSFORM("local d = event.id; local x = event.dtaa"),
         "urgent.lua:5: an event has no 'dtaa'; did you mean \"data\"?"},
        {TRANSFORM("local x = ctx.attempt.nubmer"),
         "urgent.lua:5: ctx.attempt has no 'nubmer'; did you mean \"number\"?"},
        {TRANSFORM("local x = ctx.webhook.url"), "urgent.lua:5: ctx.webhook has no 'url'"},
        {TRANSFORM("local x = ctx.secret"), "urgent.lua:5: ctx.secret is there in sign only"},
        {"return {\n  api = 1,\n  options = { channel = { type = 'string' } },\n  filter = function(event, ctx)\n    return ctx.options.chanel ~= nil\n  end,\n}\n",
         "urgent.lua:5: the script declares no option 'chanel'; did you mean \"channel\"?"},
        {FILTER("return ctx.options.channel ~= nil"),
         "urgent.lua:4: the script declares no option 'channel'; add it to options = { … } in the script's table"},
        {FILTER("return event.dta.title == 'T'"),
         "urgent.lua:4: an event has no 'dta'; did you mean \"data\"?"},
    };
    check(mistakes, COUNT_OF(mistakes));
}

static void test_values(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        // a step into nothing
        {FILTER("return event.data.reporter.name == 'joe'"),
         "urgent.lua:4: attempt to index a nil value (field 'reporter'); where a step may be missing, json.get(t, \"a.b\") gives nil, and json.set makes the steps"},
        {FILTER("return event.data.user.name == 'joe'"),
         "urgent.lua:4: attempt to index null (field 'user'); where a step may be missing, json.get(t, \"a.b\") gives nil, and json.set makes the steps"},
        {FILTER("local reporter = event.data.reporter return reporter.name == 'joe'"),
         "urgent.lua:4: attempt to index a nil value (local 'reporter'); where a step may be missing, json.get(t, \"a.b\") gives nil, and json.set makes the steps"},
        // missing and null in operations
        {FILTER("return event.data.price > 5"),
         "urgent.lua:4: attempt to compare number with nil; see that it is there first: if x and x > 1 then"},
        {FILTER("return event.data.amount > 5"),
         "urgent.lua:4: attempt to compare number with null; null is a value: json.get(t, \"a.b\") gives nil for it"},
        {FILTER("return event.data.price * 2 == 4"),
         "urgent.lua:4: attempt to perform arithmetic on a nil value (field 'price'); where it may be missing, write (x or 0)"},
        {FILTER("return event.data.amount * 2 == 4"),
         "urgent.lua:4: attempt to perform arithmetic on null (field 'amount'); null is a value: json.get(t, \"a.b\") gives nil for it"},
        {TRANSFORM("request.body = 'by ' .. event.data.reporter"),
         "urgent.lua:5: attempt to concatenate a nil value (field 'reporter'); where it may be missing, write (x or \"\")"},
        {TRANSFORM("request.body = 'by ' .. event.data.user"),
         "urgent.lua:5: attempt to concatenate null (field 'user'); null is a value: json.get(t, \"a.b\") gives nil for it"},
        // arguments
        {SIGN("request.headers.S = crypto.hmac('sha256', ctx.secret, request.body)"),
         "urgent.lua:5: bad argument #2 to 'hmac' (string expected, got nil); the key is nil: ctx.secret is there in sign only, and only if the webhook has a secret"},
        {SIGN("request.headers.S = crypto.hex(crypto.digest('sha3', request.body))"),
         "urgent.lua:5: bad argument #1 to 'digest' (one of sha256, sha512, sha1, md5 expected); it is crypto.digest(algorithm, s)"},
        {SIGN("request.headers.S = crypto.hex(5)"),
         "urgent.lua:5: bad argument #1 to 'hex' (string expected, got number); it is crypto.hex(bytes)"},
        {TRANSFORM("request.body = json.decode(event.data.user)"),
         "urgent.lua:5: bad argument #1 to 'decode' (string expected, got null); it is json.decode(s), or cjson.decode(s)"},
        {TRANSFORM("for _, x in ipairs(event.data.items) do print(x) end"),
         "urgent.lua:5: bad argument #1 to 'ipairs' (table expected, got nil); where the list may be missing, write (t or {})"},
        {TRANSFORM("for _, x in ipairs(event.data.user) do print(x) end"),
         "urgent.lua:5: bad argument #1 to 'ipairs' (table expected, got null); it is ipairs(t)"},
        {TRANSFORM("for k in pairs(event.data.items) do print(k) end"),
         "urgent.lua:5: bad argument #1 to 'pairs' (table expected, got nil); where the list may be missing, write (t or {})"},
        {TRANSFORM("request.body = #event.data.items"),
         "urgent.lua:5: attempt to get length of a nil value (field 'items'); where the list may be missing, write #(t or {})"},
        {TRANSFORM("request.body = table.concat(event.data.items)"),
         "urgent.lua:5: bad argument #1 to 'concat' (table expected, got nil); it is table.concat(list[, separator[, i[, j]]])"},
        {TRANSFORM("request.body = table.concat({ {} })"),
         "urgent.lua:5: invalid value (table) at index 1 in table for 'concat'; the list must hold strings and numbers: tostring(x)"},
        {TRANSFORM("request.body = table.concat({ json.null })"),
         "urgent.lua:5: invalid value (null) at index 1 in table for 'concat'; the list must hold strings and numbers: tostring(x)"},
        {TRANSFORM("table.insert(event.data.items, 1)"),
         "urgent.lua:5: bad argument #1 to 'insert' (table expected, got nil); it is table.insert(list[, position], value)"},
        {TRANSFORM("request.body = ('%d'):format('x')"),
         "urgent.lua:5: bad argument #2 to 'string.format' (number expected, got string); it is string.format(format, ...)"},
        {TRANSFORM("request.body = string.rep('x')"),
         "urgent.lua:5: bad argument #2 to 'rep' (number expected, got no value); it is string.rep(s, n[, separator])"},
        {TRANSFORM("request.body = json.get(event.data.items, 'a')"),
         "urgent.lua:4: request.body is nil; leave a table in it, or a string (\"\": no body)"},
        {TRANSFORM("json.set(event.data, 'a')"),
         "urgent.lua:5: bad argument #3 to 'set' (value expected); it is json.set(t, path, value)"},
        {TRANSFORM("for p, k in json.each(event.data, 'a..b') do print(p, k) end"),
         "urgent.lua:5: a path must not have an empty name"},
        {TRANSFORM("request.body = json.encode({ f = print })"),
         "urgent.lua:5: value.f: a function is not JSON"},
        {TRANSFORM("request.body = require('grapnel.time').format('x')"),
         "urgent.lua:5: bad argument #1 to 'format' (number expected, got string); it is string.format(format, ...), or time.format(seconds[, layout])"},
        {TRANSFORM("request.body = require('grapnel.text').truncate(event.data.user, 5)"),
         "urgent.lua:5: bad argument #1 to 'truncate' (string expected, got null); it is text.truncate(s, n[, tail])"},
        {TRANSFORM("request.body = require('grapnel.text').template('{{a', event.data, 5)"),
         "urgent.lua:5: bad argument #3 to 'template' (function expected, got number); it is text.template(s, t[, escape])"},
        {TRANSFORM("request.body = require('grapnel.url').build({ path = '/' })"),
         "urgent.lua:5: build: host must be a string"},
        {TRANSFORM("request.body = require('grapnel.url').query({ a = {} })"),
         "urgent.lua:5: query.a: a form holds strings, numbers, booleans and lists of these"},
        {TRANSFORM("request.url = 'example.com/x'"),
         "urgent.lua:5: request.url: a scheme such as https: is missing"},
        {TRANSFORM("request.method = 'GET'"),
         "urgent.lua:5: request.method must be POST, PUT or PATCH"},
        {TRANSFORM("request.headers.Host = 'x'"),
         "urgent.lua:5: header \"Host\" belongs to the connection and cannot be set"},
        {TRANSFORM("request.headers['X Y'] = 'x'"),
         "urgent.lua:5: header \"X Y\" has a name that is no token of RFC 9110"},
        {TRANSFORM("table.sort(request.body.data)"),
         "(no error)"},
        {TRANSFORM("table.sort({ 1, 'a' })"),
         "urgent.lua:5: attempt to compare string with number"},
        {TRANSFORM("request.body[1] = 'x'"),
         "urgent.lua:4: body: list elements and members in one table"},
        {TRANSFORM("request.body = json.array({ a = 1 })"),
         "urgent.lua:4: body: a list cannot have members"},
        {TRANSFORM("error('no title')"),
         "urgent.lua:5: no title"},
        {TRANSFORM("assert(event.data.x, 'no x')"),
         "urgent.lua:5: no x"},
        {TRANSFORM("assert(event.data.x)"),
         "urgent.lua:5: assertion failed!"},
        {TRANSFORM("assert(json.decode('{'))"),
         "urgent.lua:5: the text ends inside an object at byte 2"},
        {TRANSFORM("request.body = nil"),
         "urgent.lua:4: request.body is nil; leave a table in it, or a string (\"\": no body)"},
        {TRANSFORM("request.body = 5"),
         "urgent.lua:4: request.body is a number; leave a table in it, or a string (\"\": no body)"},
        {TRANSFORM("error({ 'x' })"),
         "urgent: an error that is a table, not a string"},
        {TRANSFORM("request.body.a.b = 1"),
         "urgent.lua:5: attempt to index a nil value (field 'a'); where a step may be missing, json.get(t, \"a.b\") gives nil, and json.set makes the steps"},
        {TRANSFORM("event.data.title.x = 1"),
         "urgent.lua:5: attempt to index a string value (field 'title')"},
        {TRANSFORM("request.body = require('cjson').encode(print)"),
         "urgent.lua:5: Cannot serialise function: type not supported"},
        // the request
        {TRANSFORM("request.headers['X-N'] = 5"),
         "urgent.lua:5: header \"X-N\": a string expected, not a number"},
        {TRANSFORM("request.headers = { A = 'b' }"),
         "urgent.lua:5: request.headers cannot be replaced: set its members"},
        {SIGN("request.body = request.body .. '!'"),
         "urgent.lua:5: request.body cannot be set in sign: it is what is signed"},
        {TRANSFORM("request.body = { price = 0/0 }"),
         "urgent.lua:4: body.price: NaN is not JSON"},
    };
    check(mistakes, COUNT_OF(mistakes));
}

static void test_returns(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {FILTER("event.data.title = event.data.title == 'T'"),
         "urgent.lua:3: filter returned nothing; it returns true or false: is a return missing?"},
        {FILTER("return event.data.title"),
         "urgent.lua:3: filter returned a string; it returns true or false: is a return missing?"},
        {TRANSFORM("return { text = 'x' }"),
         "urgent.lua:4: transform returned a table; it changes request and returns nothing, or false and a reason"},
        {SIGN("return request.body"),
         "urgent.lua:4: sign returned a string; it sets request.headers and returns nothing"},
        {RESPONSE("return response.status == 200"),
         "urgent.lua:3: response returned true; it returns \"ok\", \"retry\", \"fail\", \"disable\" or nothing"},
        {RESPONSE("return 'retyr', 60"),
         "urgent.lua:3: response returned \"retyr\"; it returns \"ok\", \"retry\", \"fail\", \"disable\" or nothing; did you mean \"retry\"?"},
        {RESPONSE("return 'retry', '60s'"),
         "urgent.lua:3: response returned \"retry\" with a string, where seconds must stand"},
    };
    check(mistakes, COUNT_OF(mistakes));
}

static void test_tables(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"return {\n  api = 1,\n  transfrm = function() end,\n}\n",
         "urgent.lua:3: the script's table has an unknown member 'transfrm'; did you mean \"transform\"?"},
        {"return {\n  api = 1,\n  option = { a = { type = 'string' } },\n}\n",
         "urgent.lua:3: the script's table has an unknown member 'option'; did you mean \"options\"?"},
        {"return {\n  filter = function() return true end,\n}\n",
         "urgent: the script's table must say api = 1"},
        {"return {\n  api = 2,\n}\n", "urgent.lua:2: the script's table must say api = 1"},
        {"return {\n  api = 1,\n  sign = 'github',\n}\n",
         "urgent.lua:3: sign must be a function, not a string"},
        {"local t = {}\n",
         "urgent: a script returns a table, such as return { api = 1, sign = … }; this one returns nothing"},
        {"return {\n  api = 1,\n  options = {\n    channel = { type = 'string', requirde = true },\n  },\n}\n",
         "urgent.lua:4: options.channel: unknown field 'requirde'; did you mean \"required\"?"},
        {"return {\n  api = 1,\n  options = {\n    channel = { type = 'strin' },\n  },\n}\n",
         "urgent.lua:4: options.channel: type must be one of string, text, integer, number, boolean, duration, path, secret, list, map"},
        {"return {\n  api = 1,\n  options = {\n    [\"min-size\"] = { type = 'integer', default = 'x' },\n  },\n}\n",
         "urgent.lua:4: options.min-size: default: an integer expected, not a string"},
        // syntax
        {"return {\n  api = 1\n  filter = function() return true end,\n}\n",
         "urgent.lua:3: '}' expected (to close '{' at line 1) near 'filter'; is a comma missing on the line before?"},
        {FILTER("if event.data.title != 'T' then return true end"),
         "urgent.lua:4: 'then' expected near '!'; in Lua, not equal is ~= and not is not"},
        {FILTER("return true"
                "\n"),
         "(no error)"},
    };
    check(mistakes, COUNT_OF(mistakes));
}
// clang-format on

// A message that is nobody's but the script's own stays as it is.
static void test_untouched(void **state)
{
    (void)state;
    static const char *const messages[] = {
        "",
        "x",
        "s.lua:1: no 'userdata' (here)",
        "s.lua:1: bad secret",
        "s.lua:7: attempt to call a table value (local 'x')",
        "s.lua:7: attempt to index a number value (local 'v')",
        "s.lua:7: attempt to compare two table values",
    };
    struct buf out;
    buf_init(&out, 4096);
    for (size_t i = 0; i < COUNT_OF(messages); i++) {
        buf_clear(&out);
        advice_write(&out, span_of(messages[i]));
        assert_true(span_is(buf_span(&out), messages[i]));
    }
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),     cmocka_unit_test(test_values),
        cmocka_unit_test(test_returns),   cmocka_unit_test(test_tables),
        cmocka_unit_test(test_untouched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
