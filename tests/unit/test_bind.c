// SPDX-License-Identifier: MIT
// Tests the bound world: what is there works, what is not there cannot be had, and nothing in it can be changed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/sandbox_rig.h"

static struct sandbox_rig rig;

struct attempt {
    const char *code;
    const char *result; // tostring of what it returns; with a ! in front, a part of the error
};

static void check(const struct attempt *attempts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct attempt *a = &attempts[i];
        bool is_ok = sandbox_rig_run(&rig, a->code);
        const char *got = buf_text(&rig.out);
        bool is_expected = a->result[0] == '!' ? !is_ok && strstr(got, a->result + 1)
                                               : is_ok && strcmp(got, a->result) == 0;
        if (!is_expected)
            fail_msg("%s\nexpected %s\ngot      %s", a->code, a->result, got);
    }
}

static const struct {
    const char *module;
    const char *name;
} offered[] = {
#define X(module, name, arguments, help, types) {#module, #name},
#include "sandbox/api.def"
#undef X
};

static bool is_own_library(const char *module)
{
    return !strcmp(module, "string") || !strcmp(module, "table") || !strcmp(module, "math") ||
           !strcmp(module, "utf8");
}

// How Lua code reaches a module of api.def.
static void reach(const char *module, char *out, size_t size)
{
    if (strcmp(module, "_G") == 0)
        snprintf(out, size, "_ENV");
    else if (is_own_library(module))
        snprintf(out, size, "%s", module);
    else
        snprintf(out, size, "require '%s%s'", strcmp(module, "cjson") ? "grapnel." : "", module);
}

static void test_all_that_is_listed_is_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(offered); i++) {
        char from[64];
        char code[256];
        reach(offered[i].module, from, sizeof(from));
        snprintf(code, sizeof(code), "local m = %s return m.%s ~= nil", from, offered[i].name);
        if (!sandbox_rig_run(&rig, code) || strcmp(buf_text(&rig.out), "true") != 0)
            fail_msg("%s.%s: %s", offered[i].module, offered[i].name, buf_text(&rig.out));
    }
}

static void test_nothing_else_is_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(offered); i++) {
        char from[64];
        char code[256];
        size_t count = 0;
        for (size_t j = 0; j < COUNT_OF(offered); j++)
            count += !strcmp(offered[i].module, offered[j].module);
        count += strcmp(offered[i].module, "_G") ? 0 : 4; // the libraries
        reach(offered[i].module, from, sizeof(from));
        snprintf(code, sizeof(code), "local n = 0 for k in pairs(%s) do n = n + 1 end return n",
                 from);
        assert_true(sandbox_rig_run(&rig, code));
        if ((size_t)atoi(buf_text(&rig.out)) != count) // NOLINT(cert-err34-c): our own number
            fail_msg("%s has %s members, api.def %zu", offered[i].module, buf_text(&rig.out),
                     count);
    }
}

static void test_what_is_missing(void **state)
{
    (void)state;
    static const char *const missing[] = {
        "load",
        "loadstring",
        "loadfile",
        "dofile",
        "io",
        "os",
        "debug",
        "package",
        "coroutine",
        "collectgarbage",
        "xpcall",
        "rawset",
        "rawget",
        "rawlen",
        "_G",
        "warn",
        "module",
        "arg",
        "string.dump",
        "math.random",
        "math.randomseed",
        "(\"\").dump",
        "getmetatable(\"\")",
        "getmetatable(string)",
        "getmetatable(_ENV)",
        "getmetatable(print)",
        "getmetatable(require \"grapnel.json\")",
    };
    for (size_t i = 0; i < COUNT_OF(missing); i++) {
        char code[128];
        snprintf(code, sizeof(code), "return (%s) == nil", missing[i]);
        if (!sandbox_rig_run(&rig, code) || strcmp(buf_text(&rig.out), "true") != 0)
            fail_msg("%s is there: %s", missing[i], buf_text(&rig.out));
    }
}

static void test_nothing_can_be_changed(void **state)
{
    (void)state;
    static const struct attempt attempts[] = {
        {"foo = 1", "!cannot set the global 'foo': write local foo"},
        {"_ENV.foo = 1", "!cannot set the global 'foo'"},
        {"print = nil", "!cannot set the global 'print'"},
        {"function helper() end", "!cannot set the global 'helper'"},
        {"string.len = nil", "!string is read-only: cannot set 'len'"},
        {"table.extra = 1", "!table is read-only"},
        {"math.pi = 3", "!math is read-only"},
        {"require('grapnel.crypto').hmac = print", "!grapnel.crypto is read-only"},
        {"require('cjson').encode = print", "!cjson is read-only"},
        {"require('cjson').decode_max_depth(1)", "!nil value"},
        {"require('cjson').new()", "!nil value"},
        {"table.insert(string, 1)", "!string is read-only"},
        {"table.move({1}, 1, 1, 1, math)", "!math is read-only"},
        {"setmetatable(string, {})", "!protected"},
        {"setmetatable(_ENV, {})", "!protected"},
        {"setmetatable(require 'grapnel.json', nil)", "!protected"},
        {"setmetatable('', {})", "!table expected"},
        {"local t = setmetatable({}, {__metatable = 1}) setmetatable(t, nil)", "!protected"},
        {"return getmetatable(setmetatable({}, {__metatable = 7}))", "7"},
        {"setmetatable({}, {__gc = print})", "!__gc is not available"},
        {"setmetatable({}, {__close = print})", "!__close is not available"},
        {"for k, v in pairs(string) do if k == 'len' then return rawequal(v, string.len) end end",
         "true"},
        {"local f, s = pairs(string) return s", "nil"},
        {"return next(string)", "!not a plain table; use pairs"},
        {"return (require 'grapnel.json').encode(string)", "!not a plain table"},
        {"return ('x').y", "nil"},
        {"('').y = 1", "!index a string value"},
    };
    check(attempts, COUNT_OF(attempts));
}

static void test_nothing_leaks(void **state)
{
    (void)state;
    static const struct attempt attempts[] = {
        {"return tostring({})", "table"},
        {"return tostring(print)", "function"},
        {"return tostring(function() end)", "function"},
        {"return tostring(require('cjson').null)", "null"},
        {"return tostring(string)", "table"},
        {"return ('%s %s'):format({}, print)", "table function"},
        {"return string.format('%q', {})", "\"table\""},
        {"return ('%p'):format({})", "!%p is not available"},
        {"return ('%%%-10p'):format('x')", "!%p is not available"},
        {"return ('%%p %d'):format(3)", "%p 3"},
        {"return ('%5.1f|%-5s|%05d|%x'):format(1.25, 'ab', 42, 255)", "  1.2|ab   |00042|ff"},
        {"return tostring(setmetatable({}, {__name = 'X'}))", "table"},
        {"return ('%s'):format(setmetatable({}, {__tostring = function() return 'mine' end}))",
         "mine"},
        {"return tostring(setmetatable({}, {__tostring = function() return {} end}))",
         "!must return a string"},
        {"local ok, e = pcall(error, {}) return type(e)", "table"},
        {"local ok, e = pcall(function() return {} .. '' end) return e",
         "test:1: attempt to concatenate a table value"},
        {"local ok, e = pcall(function() return {} < {} end) return e",
         "test:1: attempt to compare two table values"},
        {"return 1, 2 + 'x'", "!attempt to add a 'number' with a 'string'"},
    };
    check(attempts, COUNT_OF(attempts));
}

static void test_bounds(void **state)
{
    (void)state;
    static const struct attempt attempts[] = {
        {"local function f() return f() + 1 end return f()", "!stack overflow"},
        {"local s = ('x'):rep(100) return s:gsub('.', function() return (s:gsub('.', function() "
         "error('deep') end)) end)",
         "!deep"},
        {"local function f(s) return (s:gsub('.', f)) end return f('x')", "!C stack overflow"},
        {"return ('a'):find(('('):rep(40) .. 'a' .. (')'):rep(40))", "!too many captures"},
        {"return string.rep('x', -1)", ""},
        {"return select('#', table.unpack({}, 1, 1e7))", "!too many results"},
        {"local t = {} for i = 1, 300 do t = {t} end return require('grapnel.json').encode(t)",
         "!deeper than 64 levels"},
        {"require 'grapnel.nothing'", "!no module 'grapnel.nothing'"},
        {"require 'os'", "!no module 'os'"},
        {"require 'grapnel.../etc/passwd'", "!no module"},
        {"return require('grapnel.json') == require('grapnel.json')", "true"},
    };
    check(attempts, COUNT_OF(attempts));
    // Bytecode is never loaded.
    struct span bytecode = SPAN("\x1bLua\x54\x00\x19\x93\r\n\x1a\n");
    assert_false(bind_load(rig.bind, rig.L, bytecode, "bytes"));
    assert_non_null(strstr(lua_tostring(rig.L, -1), "binary"));
    lua_settop(rig.L, 0);
}

static void test_log(void **state)
{
    (void)state;
    assert_true(sandbox_rig_run(&rig, "print('a', 1, nil, {}) local log = require 'grapnel.log' "
                                      "log.warn('careful') log.info() return 1"));
    assert_string_equal(buf_text(&rig.lines), "info: a 1 nil table\nwarn: careful\ninfo: \n");
}

static void test_crypto(void **state)
{
    (void)state;
    static const struct attempt attempts[] = {
        {"local c = require 'grapnel.crypto' return c.hex(c.hmac('sha256', 'key', 'The quick brown "
         "fox jumps over the lazy dog'))",
         "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"},
        {"local c = require 'grapnel.crypto' local first for i = 1, 9 do local k = 'key' .. i % 6 "
         "local h = c.hmac('sha1', k, 'x') if i == 1 then first = h elseif k == 'key1' then "
         "assert(h == first) end end return #first",
         "20"},
        {"local c = require 'grapnel.crypto' return #c.hmac('sha512', '', '')", "64"},
        {"local c = require 'grapnel.crypto' return c.hex(c.digest('md5', 'abc'))",
         "900150983cd24fb0d6963f7d28e17f72"},
        {"require('grapnel.crypto').hmac('sha3', 'k', 's')", "!one of sha256"},
        {"require('grapnel.crypto').hmac('sha256', nil, 's')", "!string expected, got nil"},
        {"require('grapnel.crypto').hmac('sha256', 'k', 5)", "!string expected, got number"},
        {"local c = require 'grapnel.crypto' return c.base64('\\0\\255\\254') .. ' ' .. "
         "c.base64url('\\0\\255\\254a')",
         "AP/+ AP_-YQ"},
        {"local c = require 'grapnel.crypto' return c.from_base64('AP/+') == '\\0\\255\\254'",
         "true"},
        {"local c = require 'grapnel.crypto' local v, m = c.from_base64('%%%') return tostring(v) "
         ".. m",
         "nilnot base64 text"},
        {"local c = require 'grapnel.crypto' local v, m = c.from_hex('abc') return m",
         "not hexadecimal text"},
        {"local c = require 'grapnel.crypto' return c.from_hex('4a4B')", "JK"},
        {"return require('grapnel.crypto').uuid5('dns', 'www.example.com')",
         "2ed6657d-e927-568b-95e1-2665a8aea6a2"},
        {"return require('grapnel.crypto').uuid5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', "
         "'www.example.com')",
         "2ed6657d-e927-568b-95e1-2665a8aea6a2"},
        {"require('grapnel.crypto').uuid5('nonsense', 'x')", "!a UUID or dns"},
        {"require('grapnel.crypto').ed25519_sign('short', 'x')", "!32 bytes"},
        // RFC 8032, 7.1, test 1
        {"local c = require 'grapnel.crypto' return c.hex(c.ed25519_sign(c.from_hex("
         "'9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'), '')):sub(1, 32)",
         "e5564300c360ac729086e2cc806e828a"},
    };
    check(attempts, COUNT_OF(attempts));
}

static void test_time(void **state)
{
    (void)state;
    static const struct attempt attempts[] = {
        {"local s, n = require('grapnel.time').parse('2026-01-30T10:11:12.040000Z') return s .. ' "
         "' "
         ".. n",
         "1769767872 40000000"},
        {"local s, m = require('grapnel.time').parse('yesterday') return tostring(s) .. m:sub(1, "
         "3)",
         "nilnot"},
        {"return require('grapnel.time').format(1769767872)", "2026-01-30T10:11:12Z"},
        {"return require('grapnel.time').format(1769767872.9)", "2026-01-30T10:11:12Z"},
        {"return require('grapnel.time').format(1769767872, 'http')",
         "Fri, 30 Jan 2026 10:11:12 GMT"},
        {"return require('grapnel.time').format(0, '%Y-%m-%d %H:%M:%S %y %e %I%p %j %a %A %b %B %F "
         "%T %s %z %Z %%')",
         "1970-01-01 00:00:00 70  1 12AM 001 Thu Thursday Jan January 1970-01-01 00:00:00 0 +0000 "
         "UTC %"},
        {"return require('grapnel.time').format(0, '%Q')", "!'%Q' is not known"},
        {"return require('grapnel.time').format(0, '%')", "!is not known"},
        {"return require('grapnel.time').format(1e18)", "!years 1 to 9999"},
        {"return require('grapnel.time').format(0/0)", "!years 1 to 9999"},
    };
    check(attempts, COUNT_OF(attempts));
}

static void test_url(void **state)
{
    (void)state;
    static const struct attempt attempts[] = {
        {"local u = require 'grapnel.url' local p = "
         "u.parse('https://u:p@h.example:8443/a/b?x=1&y#f') "
         "return table.concat({p.scheme, p.userinfo, p.host, p.port, p.path, p.query, p.fragment}, "
         "' ')",
         "https u:p h.example 8443 /a/b x=1&y f"},
        {"local u = require 'grapnel.url' local s = 'https://u:p@h.example:8443/a/b?x=1&y#f' "
         "return "
         "u.build(u.parse(s)) == s",
         "true"},
        {"local u = require 'grapnel.url' local s = 'http://[::1]:80/' local p = u.parse(s) return "
         "p.host .. ' ' .. u.build(p)",
         "::1 http://[::1]:80/"},
        {"local u = require 'grapnel.url' local p, m = u.parse('/relative') return m",
         "a scheme such as https: is missing"},
        {"local u = require 'grapnel.url' local p, m = u.parse('http://h:99999/') return m",
         "a port is a number from 1 to 65535"},
        {"local u = require 'grapnel.url' local p, m = u.parse('http://a b/') return m",
         "blanks and control characters must be escaped"},
        {"return require('grapnel.url').escape('a b/\xc3\xa9~')", "a%20b%2F%C3%A9~"},
        {"return require('grapnel.url').query({b = {1, 'x y'}, a = true, c = '&='})",
         "a=true&b=1&b=x+y&c=%26%3D"},
        {"return require('grapnel.url').query({})", ""},
        {"return require('grapnel.url').query({a = {b = 1}})", "!a form holds strings"},
        {"local u = require 'grapnel.url' return u.build({scheme = 'https', host = 'h', path = "
         "'/', "
         "query = {q = 'a b'}})",
         "https://h/?q=a+b"},
    };
    check(attempts, COUNT_OF(attempts));
}

static void test_text(void **state)
{
    (void)state;
    static const struct attempt attempts[] = {
        {"local t = require 'grapnel.text' return t.template('{{a.b}}-{{ c.1 }}-{{none}}-{{n}}', "
         "{a = "
         "{b = 'x'}, c = {7}})",
         "x-7--"},
        {"local t, j = require 'grapnel.text', require 'grapnel.json' return t.template('{{a}} "
         "{{b}} "
         "{{c}} {{d}} {{e}} {{f}}', j.decode('{\"a\":1999.90,\"b\":12345678901234567890,\"c\":null,"
         "\"d\":[1, 2.50],\"e\":true,\"f\":\"\\\\u00e9\"}'))",
         "1999.90 12345678901234567890  [1, 2.50] true \xc3\xa9"},
        {"local t = require 'grapnel.text' return t.template('{{a}}{{b}}', {a = '<&>'}, "
         "t.escape_slack)",
         "&lt;&amp;&gt;"},
        {"local t = require 'grapnel.text' return t.template('no {{end', {})", "no {{end"},
        {"local t = require 'grapnel.text' return t.template('{{a..b}}', {})", "!{{a..b}}"},
        {"local t = require 'grapnel.text' return t.template(('{{a}}'):rep(3000), {a = "
         "('x'):rep(10)}"
         "):len()",
         "30000"},
        {"local t = require 'grapnel.text' return t.truncate('h\xc3\xa9llo', 2)", "h\xc3\xa9"},
        {"local t = require 'grapnel.text' return t.truncate('h\xc3\xa9llo', 4, '..')",
         "h\xc3\xa9.."},
        {"local t = require 'grapnel.text' return t.truncate('h\xc3\xa9llo', 5, '..')",
         "h\xc3\xa9llo"},
        {"local t = require 'grapnel.text' return t.truncate('hello', 1, '...')",
         "!tail is longer"},
        {"local t = require 'grapnel.text' return t.escape_html('<a href=\"x\">&\\'')",
         "&lt;a href=&quot;x&quot;&gt;&amp;&#39;"},
        {"local t = require 'grapnel.text' return t.escape_markdown('*a_b* [x](y)')",
         "\\*a\\_b\\* \\[x\\]\\(y\\)"},
        {"local t = require 'grapnel.text' return t.escape_slack(5)", "!string expected"},
    };
    check(attempts, COUNT_OF(attempts));
}

static void test_cjson(void **state)
{
    (void)state;
    static const struct attempt attempts[] = {
        {"local c, j = require 'cjson', require 'grapnel.json' return "
         "c.encode(j.decode('{\"a\":[1,{"
         "\"b\":null}]}'))",
         "{\"a\":[1,{\"b\":null}]}"},
        {"local c, j = require 'cjson', require 'grapnel.json' return c.null == j.null and "
         "c.decode('{\"a\":null}').a == j.null",
         "true"},
        {"return require('cjson').decode('nonsense')", "!invalid token"},
        {"return require('cjson').encode({1, 2})", "[1,2]"},
        {"local t = {} t.t = t return require('cjson').encode(t)", "!excessive nesting"},
    };
    check(attempts, COUNT_OF(attempts));
}

static int group_start(void **state)
{
    (void)state;
    sandbox_rig_start(&rig);
    return 0;
}

static int group_stop(void **state)
{
    (void)state;
    sandbox_rig_stop(&rig);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_that_is_listed_is_there),
        cmocka_unit_test(test_nothing_else_is_there),
        cmocka_unit_test(test_what_is_missing),
        cmocka_unit_test(test_nothing_can_be_changed),
        cmocka_unit_test(test_nothing_leaks),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_crypto),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_url),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_cjson),
    };
    return cmocka_run_group_tests(tests, group_start, group_stop);
}
