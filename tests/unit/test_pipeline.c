// SPDX-License-Identifier: MIT
// Tests one visit: order, return values, request rules, bodies, headers, verdicts, several scripts.
#include <lauxlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sandbox/pipeline.h"

#define MAX_SCRIPTS 4
#define BODY                                                                \
    "{\"hook\":{\"uuid\":\"u\",\"event\":\"e\",\"target\":\"t\"},\"data\":" \
    "{ \"title\" : \"T\", "                                                 \
    "\"price\":1999.90,\"big\":12345678901234567890,\"none\":null,\"list\":[1 , 2]}}"

struct world {
    struct pipeline *pipeline;
    struct pipeline_script *scripts[MAX_SCRIPTS];
    struct visit_script uses[MAX_SCRIPTS];
    struct visit_header headers[8];
    struct span secrets[2];
    struct visit_in in;
    struct visit_out out;
    char text[65536]; // what came, as lines
};

// Scripts are members of the returned table ("filter = …"), or whole files ("return …").
static void start(struct world *w, const char *const *sources, size_t count)
{
    *w = (struct world){.pipeline = pipeline_new(NULL, NULL, 1 << 16)};
    for (size_t i = 0; i < count; i++) {
        char source[8192];
        char name[32];
        struct errmsg message;
        bool is_file = strstr(sources[i], "return {") == sources[i] ||
                       strstr(sources[i], "local ") == sources[i];
        snprintf(source, sizeof(source),
                 is_file ? "%s" : "local json = require 'grapnel.json' return { api = 1, %s }",
                 sources[i]);
        snprintf(name, sizeof(name), "s%zu", i + 1);
        struct pipeline_load load = {.name = name, .source = span_of(source)};
        lua_State *L = luaL_newstate();
        if (pipeline_load(w->pipeline, L, &load, &w->scripts[i], &message) != VISIT_DONE)
            fail_msg("%s: %s", sources[i], message.text);
        w->uses[i].script = w->scripts[i];
    }
    static const char body[] = BODY;
    const char *data = strstr(body, "{ \"title");
    w->headers[0] = (struct visit_header){SPAN("Content-Type"), SPAN("application/json"), false};
    w->headers[1] = (struct visit_header){SPAN("webhook-id"), SPAN("id-1"), false};
    w->secrets[0] = SPAN("topsecret");
    w->in = (struct visit_in){
        .scripts = w->uses,
        .script_count = count,
        .event_id = SPAN("id-1"),
        .event_name = SPAN("request.added"),
        .event_time = SPAN("2026-01-01T00:00:00Z"),
        .form = VISIT_FORM_DATA,
        .data = span_make(data, strlen(data) - 1),
        .tenant = SPAN("default"),
        .webhook_uuid = SPAN("u"),
        .target = SPAN("https://example.com/"),
        .secrets = w->secrets,
        .secret_count = 1,
        .attempt_id = SPAN("a-1"),
        .attempt_number = 2,
        .attempt_at = 1700000000,
        .method = SPAN("POST"),
        .url = SPAN("https://example.com/"),
        .body = span_make(body, sizeof(body) - 1),
        .headers = w->headers,
        .header_count = 2,
    };
}

static void stop(struct world *w)
{
    for (size_t i = 0; i < MAX_SCRIPTS; i++) {
        if (!w->scripts[i])
            continue;
        lua_State *L = pipeline_state(w->scripts[i]);
        pipeline_unload(w->scripts[i]);
        lua_close(L);
    }
    pipeline_free(w->pipeline);
}

// "filtered s1: reason", "error s1: …", or the request's lines.
static const char *visit(struct world *w)
{
    static const char *const results[] = {"done", "filtered", "error", "timeout", "memory"};
    struct visit_out *out = &w->out;
    struct buf text;
    pipeline_visit(w->pipeline, &w->in, out);
    buf_init(&text, sizeof(w->text) - 1);
    if (out->result != VISIT_DONE) {
        buf_append_format(&text, "%s %d: %.*s", results[out->result], out->script + 1,
                          SPAN_ARGS(out->reason));
    } else if (w->in.is_response) {
        buf_append_format(&text, "verdict %d %lld %.*s", (int)out->verdict,
                          (long long)out->verdict_seconds, SPAN_ARGS(out->reason));
    } else {
        for (size_t i = 0; i < out->header_count; i++)
            buf_append_format(&text, "%.*s: %.*s%s\n", SPAN_ARGS(out->headers[i].name),
                              SPAN_ARGS(out->headers[i].value),
                              out->headers[i].is_set_by_sign ? " [sign]" : "");
        buf_append_span(&text, out->body);
    }
    snprintf(w->text, sizeof(w->text), "%s", buf_text(&text));
    buf_deinit(&text);
    return w->text;
}

static const char *last_line(const char *text)
{
    const char *line = strrchr(text, '\n');
    return line ? line + 1 : text;
}

struct example {
    const char *script;
    const char *expected; // the last line of what came; with a ! in front, a part of the error
};

static void check(const struct example *examples, size_t count, void (*prepare)(struct world *w))
{
    for (size_t i = 0; i < count; i++) {
        struct world w;
        start(&w, &examples[i].script, 1);
        if (prepare)
            prepare(&w);
        for (int again = 0; again < 2; again++) { // a state is used more than once
            const char *got = visit(&w);
            const char *expected = examples[i].expected;
            bool is_expected = expected[0] == '!' ? w.out.result == VISIT_ERROR &&
                                                        strstr(got, expected + 1) != NULL
                                                  : strcmp(last_line(got), expected) == 0;
            if (!is_expected)
                fail_msg("%s\nexpected %s\ngot      %s", examples[i].script, expected, got);
        }
        stop(&w);
    }
}

static void test_filter(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"filter = function() return true end", BODY},
        {"filter = function() return false end", "filtered 1: s1"},
        {"filter = function() return false, 'not urgent' end", "filtered 1: not urgent"},
        {"filter = function(e) return e.data.title == 'T' and e.event == 'request.added' and e.id "
         "== "
         "'id-1' and e.form == 'data' and e.tenant == 'default' and e.key == nil end",
         BODY},
        {"filter = function() end", "!s1.lua:1: filter returned nothing; it returns true or false"},
        {"filter = function() return nil end", "!filter returned nil"},
        {"filter = function() return 1 end", "!filter returned an integer"},
        {"filter = function() return false, 5 end", "!a reason that is an integer"},
        {"filter = function() error('boom') end", "!s1.lua:1: boom"},
        {"filter = function() error({}) end", "!an error that is a table"},
        {"filter = function(e, c) return not pcall(function() return c.secret end) and "
         "c.attempt.number == 2 and "
         "c.attempt.time == 1700000000 and c.attempt.id == 'a-1' and c.webhook.target == "
         "'https://example.com/' and next(c.webhook.metadata) == nil and next(c.env) == nil end",
         BODY},
        // every function has its own event
        {"filter = function(e) e.data.title = 'changed' e.event = 'x' return true end, transform = "
         "function(r, e) r.body = {e.data.title, e.event, r.body.data.title} end",
         "[\"T\",\"request.added\",\"T\"]"},
        {"filter = function(e) local n = 0 for k in pairs(e) do n = n + 1 end return n == 6 end",
         BODY},
        {"filter = function(e) e.extra = 1 e.data = nil return e.data == nil and e.extra == 1 end",
         BODY},
    };
    check(examples, COUNT_OF(examples), NULL);
}

static void test_transform(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"transform = function() end", BODY},
        {"transform = function(r) local _ = r.body.data.list[1] end", BODY},
        {"transform = function() return nil end", BODY},
        {"transform = function() return false end", "filtered 1: s1"},
        {"transform = function() return false, 'why' end", "filtered 1: why"},
        {"transform = function() return true end", "!transform returned true; it changes request"},
        {"transform = function(r) return r end", "!transform returned a table"},
        {"transform = function(r) r.body = 'text' end", "text"},
        {"transform = function(r) r.body = '' end", ""},
        {"transform = function(r) r.body = nil end",
         "!s1.lua:1: request.body is nil; leave a table"},
        {"transform = function(r) r.body = 5 end", "!request.body is a number"},
        {"transform = function(r) r.body = json.null end", "!request.body is null"},
        {"transform = function(r) r.body = {a = print} end", "!body.a: a function is not JSON"},
        {"transform = function(r) r.body = {s = ('x'):rep(70000)} end", "!too much output"},
        {"transform = function(r) r.body = ('x'):rep(70000) end", "!too much output"},
        {"transform = function(r, e) r.body = e.data end",
         "{ \"title\" : \"T\", \"price\":1999.90,\"big\":12345678901234567890,\"none\":null,"
         "\"list\":[1 , 2]}"},
        {"transform = function(r) r.body = {x = r.body.data.big, y = r.body.data.price} end",
         "{\"x\":12345678901234567890,\"y\":1999.90}"},
        {"transform = function(r, e) r.body = {e = e, h = 1} r.body.e.data = nil end",
         "{\"e\":{\"event\":\"request.added\",\"form\":\"data\",\"id\":\"id-1\",\"tenant\":"
         "\"default\","
         "\"time\":\"2026-01-01T00:00:00Z\"},\"h\":1}"},
        {"transform = function(r, e) e.data = {1} r.body = e end",
         "{\"data\":[1],\"event\":\"request.added\",\"form\":\"data\",\"id\":\"id-1\",\"tenant\":"
         "\"default\",\"time\":\"2026-01-01T00:00:00Z\"}"},
        {"transform = function(r) r.body = r.headers end", "!body: not a plain table"},
        {"transform = function(r) r.body = r end", "!body: not a plain table"},
        {"transform = function(r) r.foo = 1 end", "!a request has no 'foo'"},
        {"transform = function(r) r.headers = {} end", "!request.headers cannot be replaced"},
        {"transform = function(r) r.method = 'DELETE' end", "!must be POST, PUT or PATCH"},
        {"transform = function(r) r.url = 'ftp://h/' end", "!request.url: the scheme must be"},
        {"transform = function(r) r.url = 'https://u@h/' end", "!user information"},
        {"transform = function(r) r.url = 'https://h/#f' end", "!fragment"},
        {"transform = function(r) r.url = 5 end", "!request.url must be a string"},
        {"transform = function(r) r.url = 'https://h/' .. ('x'):rep(2048) end", "!2048 bytes"},
        {"transform = function(r, e, c) r.body = {c.options} end", "[{}]"},
        // forms
        {"transform = function(r) r.headers['content-type'] = 'application/x-www-form-urlencoded; "
         "charset=utf-8' r.body = {b = 'x y', a = {1, true}, p = r.body.data.price, n = json.null} "
         "end",
         "a=1&a=true&b=x+y&n=&p=1999.90"},
        {"transform = function(r) r.headers['Content-Type'] = 'application/x-www-form-urlencoded' "
         "end",
         "!body.hook: a form holds strings"},
        {"transform = function(r) r.headers['Content-Type'] = 'application/x-www-form-urlencoded' "
         "r.body = 'a=1' end",
         "a=1"},
    };
    check(examples, COUNT_OF(examples), NULL);
}

static void test_headers(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"transform = function(r) r.headers['X-A'] = 'old' r.headers['x-a'] = 'new' r.body = "
         "{r.headers['X-A']} end",
         "[\"new\"]"},
        {"transform = function(r) r.headers['content-type'] = nil r.body = "
         "{r.headers['Content-Type'] == nil} end",
         "[true]"},
        {"transform = function(r) local k = {} r.headers.Zz = '1' r.headers.aa = '2' for n, v in "
         "pairs(r.headers) do k[#k+1] = n .. '=' .. v end r.body = k end",
         "[\"aa=2\",\"Content-Type=application/json\",\"webhook-id=id-1\",\"Zz=1\"]"},
        {"transform = function(r) r.headers['X'] = 5 end",
         "!header \"X\": a string expected, not a number"},
        {"transform = function(r) r.headers['X'] = {} end", "!header \"X\": a string expected"},
        {"transform = function(r) r.headers['X'] = json.null end", "!not a null"},
        {"transform = function(r) r.headers[1] = 'x' end", "!the name of a header is a string"},
        {"transform = function(r) r.headers['a b'] = 'x' end", "!header \"a b\" "},
        {"transform = function(r) r.headers['X'] = 'a\\nb' end", "!header \"X\" "},
        {"transform = function(r) r.headers.Host = 'x' end", "!header \"Host\" "},
        {"transform = function(r) r.headers['content-length'] = '1' end",
         "!header \"content-length\""},
        {"transform = function(r) r.headers['Proxy-Anything'] = '1' end",
         "!header \"Proxy-Anything\""},
        {"transform = function(r) r.headers['Webhook-Id'] = 'x' end", "!header \"Webhook-Id\" "},
        {"transform = function(r) r.headers['webhook-timestamp'] = nil end",
         "!header \"webhook-timestamp\""},
        {"transform = function(r) for i = 1, 80 do r.headers['X-' .. i] = 'x' end end",
         "!more than 64 headers"},
        {"transform = function(r) r.headers.X = ('x'):rep(20000) end", "!8192 bytes"},
        {"transform = function(r) for i = 1, 1e6 do r.headers.X = ('x'):rep(8000) end end",
         "!set too often"},
        {"transform = function(r) r.headers.X = '' r.body = {r.headers.X} end", "[\"\"]"},
    };
    check(examples, COUNT_OF(examples), NULL);
    struct world w;
    const char *source = "transform = function(r) r.headers['X-B'] = '1' end, sign = function(r) "
                         "r.headers['x-a'] = 's' r.headers['CONTENT-TYPE'] = 't' end";
    start(&w, &source, 1);
    assert_string_equal(visit(&w),
                        "CONTENT-TYPE: t [sign]\nwebhook-id: id-1\nx-a: s [sign]\nX-B: 1\n" BODY);
    stop(&w);
}

static void test_sign(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"sign = function(r, e, c) assert(r.body:sub(1, 5) == '{\"hoo') assert(c.secret == "
         "'topsecret' "
         "and #c.secrets == 1) end",
         BODY},
        {"sign = function(r) r.body = 'x' end", "!request.body cannot be set in sign"},
        {"sign = function(r) r.method = 'PUT' end", "!request.method cannot be set in sign"},
        {"sign = function(r) return true end", "!s1.lua:1: sign returned true; it sets"},
        {"sign = function(r) return 'x' end", "!sign returned a string"},
        {"transform = function(r) r.body = {n = 1} end, sign = function(r) r.headers.L = r.body "
         "end",
         "{\"n\":1}"},
        {"sign = function(r, e, c) error('key ' .. c.secret .. '!') end", "!key [secret]!"},
        {"local kept return { api = 1, transform = function(r) kept = r end, sign = function(r) "
         "assert(rawequal(kept, r)) end, filter = function() return not kept or not "
         "pcall(function() "
         "return kept.body end) end }",
         BODY},
    };
    check(examples, COUNT_OF(examples), NULL);
}

static void with_extra(struct world *w)
{
    w->in.extra_payload = SPAN("{\"channel\" : \"#x\",\"data\":7.0}");
}

static void with_extra_into_data(struct world *w)
{
    w->in.extra_payload = SPAN("{\"channel\":\"#x\",\"none\":1.0}");
    w->in.extra_payload_into_data = true;
}

static void test_extra_payload(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"sign = function(r) assert(r.body:find('#x')) end",
         "{\"hook\":{\"uuid\":\"u\",\"event\":\"e\",\"target\":\"t\"},\"data\":7.0,\"channel\":"
         "\"#x\"}"},
        {"transform = function(r, e, c) r.body = {a = c.webhook.extra_payload.channel} end",
         "{\"a\":\"#x\",\"channel\":\"#x\",\"data\":7.0}"},
        {"transform = function(r) r.body = {1} end", "[1]"},
        {"transform = function(r) r.body = '{}' end", "{}"},
        {"transform = function(r) r.headers['Content-Type'] = 'application/x-www-form-urlencoded' "
         "r.body = {a = 1} end",
         "a=1&channel=%23x&data=7.0"},
    };
    check(examples, COUNT_OF(examples), with_extra);
    static const struct example into_data[] = {
        {"sign = function() end",
         "{\"hook\":{\"uuid\":\"u\",\"event\":\"e\",\"target\":\"t\"},\"data\":{ \"title\" : "
         "\"T\", "
         "\"price\":1999.90,\"big\":12345678901234567890,\"none\":1.0,\"list\":[1 , 2],\"channel\":"
         "\"#x\"}}"},
        {"transform = function(r) r.body = {a = 1} end",
         "{\"a\":1,\"channel\":\"#x\",\"none\":1.0}"},
    };
    check(into_data, COUNT_OF(into_data), with_extra_into_data);
}

static void with_answer(struct world *w)
{
    static const struct visit_header headers[] = {
        {SPAN("Retry-After"), SPAN("7"), false},
        {SPAN("Set-Cookie"), SPAN("a"), false},
        {SPAN("set-cookie"), SPAN("b"), false},
    };
    w->in.is_response = true;
    w->in.status = 409;
    w->in.response_body = SPAN("{\"ok\":false,\"n\":[1]}");
    w->in.response_headers = headers;
    w->in.response_header_count = COUNT_OF(headers);
}

static void test_response(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"response = function() end", "verdict 0 0 "},
        {"filter = function() return false end", "verdict 0 0 "},
        {"response = function() return 'ok' end", "verdict 1 0 "},
        {"response = function() return 'retry' end", "verdict 2 0 "},
        {"response = function() return 'retry', 59.2 end", "verdict 2 60 "},
        {"response = function() return 'fail', 'refused' end", "verdict 3 0 refused"},
        {"response = function() return 'disable' end", "verdict 4 0 "},
        {"response = function(r) local a = r.json() return a.ok == false and r.status == 409 and "
         "r.truncated == false and a.n[1] == 1 and 'retry' or nil, "
         "tonumber(r.headers['retry-after']) "
         "end",
         "verdict 2 7 "},
        {"response = function(r) return 'fail', r.headers['SET-COOKIE'] end", "verdict 3 0 a, b"},
        {"response = function(r) local k = {} for n, v in pairs(r.headers) do k[#k + 1] = n .. '=' "
         ".. v "
         "end return 'fail', table.concat(k, ';') end",
         "verdict 3 0 Retry-After=7;Set-Cookie=a, b"},
        {"response = function(r) return 'fail', r.body end",
         "verdict 3 0 {\"ok\":false,\"n\":[1]}"},
        {"response = function() return false end", "!s1.lua:1: response returned false"},
        {"response = function() return 'later' end",
         "!response returned \"later\"; it returns \"ok\""},
        {"response = function() return 'retry', -1 end", "!where seconds must stand"},
        {"response = function() return 'retry', 0/0 end", "!where seconds must stand"},
        {"response = function() return 'fail', {} end", "!a reason that is a table"},
        {"response = function(r) r.headers.X = 'y' end", "!headers of an answer cannot be set"},
        {"response = function(r, e, c) return not pcall(function() return c.secret end) and 'ok' "
         "or 'fail' end",
         "verdict 1 0 "},
        {"local kept return { api = 1, response = function(r) kept = kept or r.json local ok = "
         "pcall(kept) return 'ok' end }",
         "verdict 1 0 "},
    };
    check(examples, COUNT_OF(examples), with_answer);
}

static void test_several_scripts(void **state)
{
    (void)state;
    static const char *const sources[] = {
        "filter = function() print('f1') return true end, transform = function(r) print('t1') "
        "r.body.one = r.body.data.price end, sign = function(r) print('s1') r.headers.S = 'a' end",
        "filter = function() print('f2') return true end, transform = function(r, e) print('t2') "
        "r.body.two = e.data.big r.body.hook = nil end, sign = function(r) print('s2') "
        "r.headers.S = r.headers.S .. ' b' end",
    };
    struct world w;
    start(&w, sources, 2);
    assert_string_equal(visit(&w),
                        "Content-Type: application/json\nS: a b [sign]\nwebhook-id: id-1\n"
                        "{\"data\":{ \"title\" : \"T\", "
                        "\"price\":1999.90,\"big\":12345678901234567890,\"none\":null,"
                        "\"list\":[1 , 2]},\"one\":1999.90,\"two\":12345678901234567890}");
    assert_true(span_is(w.out.logs, "info s1: f1\ninfo s2: f2\ninfo s1: t1\ninfo s2: t2\n"
                                    "info s1: s1\ninfo s2: s2\n"));
    // The same script twice, with other options, and another between them.
    w.uses[2] = w.uses[0];
    w.in.script_count = 3;
    visit(&w);
    assert_int_equal(w.out.result, VISIT_DONE);
    assert_true(span_starts_with(w.out.logs, SPAN("info s1: f1\ninfo s2: f2\ninfo s1: f1\n")));
    stop(&w);
    // The first failure ends the visit, and is the one that is named.
    static const char *const failing[] = {
        "transform = function(r) r.body.x = 0/0 end",
        "transform = function(r) error('not reached') end",
    };
    start(&w, failing, 2);
    assert_string_equal(visit(&w), "error 1: s1.lua:1: body.x: NaN is not JSON");
    assert_int_equal(w.out.function, VISIT_TRANSFORM);
    stop(&w);
    static const char *const second[] = {
        "filter = function() return true end",
        "filter = function() return false, 'second' end",
        "transform = function() error('not reached') end",
    };
    start(&w, second, 3);
    assert_string_equal(visit(&w), "filtered 2: second");
    stop(&w);
    // Of verdicts the first counts.
    static const char *const verdicts[] = {
        "response = function() end",
        "response = function() return 'retry', 5 end",
        "response = function() return 'fail' end",
    };
    start(&w, verdicts, 3);
    with_answer(&w);
    assert_string_equal(visit(&w), "verdict 2 5 ");
    stop(&w);
}

static void test_visits_are_apart(void **state)
{
    (void)state;
    struct world w;
    const char *source =
        "local json = require 'grapnel.json' "
        "local fixed = json.decode('{\"z\":[],\"a\":1.50}') "
        "local kept return { api = 1, transform = function(r, e) "
        "if kept then local ok, m = pcall(function() return kept.title end) "
        "r.body = {ok, m, fixed, fixed.z} else kept = e.data r.body = {1} end end }";
    start(&w, &source, 1);
    assert_string_equal(last_line(visit(&w)), "[1]");
    for (int i = 0; i < 3; i++) {
        visit(&w);
        assert_non_null(strstr(w.text, "a decoded table was kept from an earlier visit"));
        assert_non_null(strstr(w.text, ",{\"z\":[],\"a\":1.50},[]]"));
    }
    stop(&w);
}

// What a script read while its file ran is spelled as its document did for good.
static void test_numbers_of_file_level(void **state)
{
    (void)state;
    struct world w;
    const char *source =
        "local json = require 'grapnel.json' "
        "local t = json.decode('[12345678901234567890,12345678901234567891,\"\\\\ud800\"]') "
        "local a, b, c = t[1], t[2], t[3] return { api = 1, transform = function(r) "
        "r.body = { a = a, b = b, c = c, t = t } end }";
    start(&w, &source, 1);
    for (int i = 0; i < 3; i++)
        assert_string_equal(
            last_line(visit(&w)),
            "{\"a\":12345678901234567890,\"b\":12345678901234567891,\"c\":\"\\ud800\","
            "\"t\":[12345678901234567890,12345678901234567891,\"\\ud800\"]}");
    stop(&w);
}

static void test_logs(void **state)
{
    (void)state;
    struct world w;
    const char *source =
        "options = { key = { type = 'secret' } }, filter = function(e, c) local log = require "
        "'grapnel.log' log.warn('k', c.options.key, 'line\\nbreak') for i = 1, 1000 do "
        "log.info(('x')"
        ":rep(100)) end return true end, sign = function(r, e, c) error(c.options.key .. c.secret) "
        "end";
    start(&w, &source, 1);
    w.uses[0].options = SPAN("{\"key\":\"hidden-key\"}");
    visit(&w);
    assert_true(span_starts_with(w.out.logs, SPAN("warn s1: k [secret] line break\n")));
    assert_true(w.out.logs.len <= 8192);
    assert_int_equal(w.out.logs.at[w.out.logs.len - 1], '\n');
    assert_non_null(strstr(w.text, "[secret][secret]"));
    stop(&w);
}

// What stands behind a secret's prefix is one, too, and what is left of one where a line was cut.
static void test_logs_of_parts_of_secrets(void **state)
{
    (void)state;
    struct world w;
    const char *source =
        "sign = function(r, e, c) local log = require 'grapnel.log' log.info(c.secret:sub(7)) "
        "for n = 1015, 1020 do log.info(('.'):rep(n) .. c.secret) end end";
    start(&w, &source, 1);
    w.secrets[0] = SPAN("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    visit(&w);
    assert_true(span_starts_with(w.out.logs, SPAN("info s1: [secret]\n")));
    assert_null(memmem(w.out.logs.at, w.out.logs.len, "whs", 3));
    assert_in_range(w.out.logs.len, 6 * 1015, 6 * 1040); // all lines are there, cut
    stop(&w);
}

static void test_loading(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "returns nothing"},
        {"return 5", "returns number"},
        {"return {}", "must say api = 1"},
        {"return { api = 2 }", "must say api = 1"},
        {"return { api = 1, filterr = print }",
         "unknown member 'filterr'; did you mean \"filter\"?"},
        {"return { api = 1, print }", "unknown member"},
        {"return { api = 1, secret = 'rsa', sign = function() end }",
         "secret must be \"symmetric\", \"ed25519\" or \"shared\""},
        {"return { api = 1, secret = {}, sign = function() end }", "secret must be"},
        {"return { api = 1, secret = 'shared' }", "there is no function sign"},
        {"return { api = 1, sign = 5 }", "sign must be a function, not a number"},
        {"return { api = 1, help = 5 }", "help must be a string"},
        {"return { api = 1, tests = 5 }", "tests must be a list"},
        {"x = 1", "s.lua:1: cannot set the global 'x'"},
        {"return {", "s.lua:1: "},
        {"error('no')", "s.lua:1: no"},
        {"\x1bLua", "binary"},
        {"local t = {} t.t = t return require('grapnel.json').encode(t)", "contains itself"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct errmsg message;
        struct pipeline *pipeline = pipeline_new(NULL, NULL, 1 << 16);
        struct pipeline_script *script = NULL;
        struct pipeline_load load = {.name = "s", .source = span_of(cases[i][0])};
        lua_State *L = luaL_newstate();
        assert_int_equal(pipeline_load(pipeline, L, &load, &script, &message), VISIT_ERROR);
        assert_null(script);
        if (!strstr(message.text, cases[i][1]))
            fail_msg("%s\nexpected %s\ngot      %s", cases[i][0], cases[i][1], message.text);
        lua_close(L);
        pipeline_free(pipeline);
    }
    struct world w;
    const char *source = "filter = print, sign = print";
    start(&w, &source, 1);
    assert_int_equal(pipeline_functions(w.scripts[0]), 1u << VISIT_FILTER | 1u << VISIT_SIGN);
    stop(&w);
}

// Without functions, scripts or extra payload nothing is touched, or even read.
static void test_nothing_to_do(void **state)
{
    (void)state;
    struct world w;
    start(&w, NULL, 0);
    assert_string_equal(last_line(visit(&w)), BODY);
    assert_ptr_equal(w.out.body.at, w.in.body.at);
    stop(&w);
    const char *source = "transform = function(r) r.body = r.body end, sign = function() end";
    start(&w, &source, 1);
    visit(&w);
    assert_ptr_equal(w.out.body.at, w.in.body.at);
    stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_transform),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_sign),
        cmocka_unit_test(test_extra_payload),
        cmocka_unit_test(test_response),
        cmocka_unit_test(test_several_scripts),
        cmocka_unit_test(test_visits_are_apart),
        cmocka_unit_test(test_numbers_of_file_level),
        cmocka_unit_test(test_logs),
        cmocka_unit_test(test_logs_of_parts_of_secrets),
        cmocka_unit_test(test_loading),
        cmocka_unit_test(test_nothing_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
