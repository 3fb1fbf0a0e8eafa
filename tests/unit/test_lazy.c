// SPDX-License-Identifier: MIT
// Tests the lossless tables: what reading, changing, moving and walking leaves of a document's bytes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/sandbox_rig.h"

static struct sandbox_rig rig;

// What every document must survive: read whole, walked, copied, emptied and filled again.
static const char *const harmless[] = {
    "",
    "return json.copy(d)",
    "local function walk(t) if type(t) == 'table' then for k, v in pairs(t) do walk(v) end end end "
    "walk(d)",
    "local function walk(t) if type(t) == 'table' then for k, v in pairs(t) do walk(v) end end end "
    "walk(d) return json.copy(d)",
    "local function again(t) if type(t) == 'table' then for k, v in pairs(t) do t[k] = nil t[k] = "
    "v "
    "again(v) end end end again(d)",
    "if type(d) == 'table' then local k = next(d) if k ~= nil then local v = d[k] d[k] = false "
    "d[k] = v end end",
    "if type(d) == 'table' then for i = 1, 9 do local _ = d.missing, #d, d[1], d.a end end",
};

// NOLINTBEGIN(bugprone-suspicious-missing-comma): long documents go over several lines
static const char *const documents[] = {
    // scalars
    "1",
    "-0",
    "0",
    "1.0",
    "1.50",
    "1E2",
    "1e14",
    "12345678901234567890",
    "-9223372036854775808",
    "9223372036854775807",
    "9223372036854775808",
    "0.1000000000000000055511151231257827",
    "1e999",
    "-1e999",
    "1e-400",
    "\"x\"",
    "\"\"",
    "true",
    "false",
    "null",
    " 1 ",
    "[\"\\u0000\"]",
    "[\"\\ud83d\\ude00\"]",
    "[\"\\/\\b\\f\\n\\r\\t\"]",
    "[\"\xc3\xa9\\u00e9\"]",
    // containers
    "{}",
    "[]",
    "{ }",
    "[ ]",
    "[\n]",
    "[{}]",
    "[[]]",
    "{\"a\":{}}",
    "{\"a\":[]}",
    "[\"\\ud800\",\"\\udc00x\"]",
    "[[],{},[[]]]",
    "{\"a\":1}",
    "{ \"a\" : 1 }",
    "{\"a\":1,\"b\":2}",
    "{\n  \"a\": 1,\n  \"b\": [1, 2],\n  \"c\": {}\n}",
    "[1,2,3]",
    "[ 1 , 2 , 3 ]",
    "[1.0,1.00,1e0,1]",
    "[null,null]",
    "[true,false,null]",
    "[1e14,12345678901234567890,1999.90,-0,-0.0,0.0]",
    // names
    "{\"\":1}",
    "{\"\\u0061\":1}",
    "{\"a\\u0000b\":1}",
    "{\"\\\"\":1,\"\\\\\":2}",
    "{\"1\":1,\"2\":2}",
    "{\"1\":\"x\"}",
    "{\"\xc3\xa9\":1,\"\\u00e9x\":2}",
    "{\"a.b\":{\"c\\\\d\":1}}",
    // twice the same name
    "{\"a\":1,\"a\":2}",
    "{\"a\":1,\"b\":2,\"a\":3}",
    "{\"a\":[1],\"a\":[1.0]}",
    "{\"a\":{\"b\":1,\"b\":2},\"a\":{\"b\":3,\"b\":4.0}}",
    "{\"a\":1,\"\\u0061\":2}",
    "{\"\\u0061\":1.50,\"a\":2.50,\"\\u0061\":3.50}",
    "{\"a\":1,\"a\":{\"x\":[]}}",
    // many members, so that levels are filled and hashes grow
    "{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"j\":10,\"k\":11,"
    "\"l\":12,\"m\":[{\"n\":1.10},{\"n\":2.20}],\"o\":{\"p\":{\"q\":{\"r\":[[[1e2]]]}}}}",
    // deep
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
    "]]]"
    "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
};
// NOLINTEND(bugprone-suspicious-missing-comma)

static void test_harmless(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(documents); i++) {
        struct span trimmed = span_trim(span_of(documents[i]));
        for (size_t j = 0; j < COUNT_OF(harmless); j++) {
            bool is_ok = sandbox_rig_edit(&rig, span_of(documents[i]), harmless[j]);
            if (!is_ok || !span_eq(buf_span(&rig.out), trimmed)) {
                fail_msg("%s\nafter %s\nis    %s", documents[i], harmless[j], buf_text(&rig.out));
            }
        }
    }
}

struct edit {
    const char *document;
    const char *code;
    const char *result; // or, with a ! in front, a part of the error's message
};

static void check_edits(const struct edit *edits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct edit *e = &edits[i];
        bool is_ok = sandbox_rig_edit(&rig, span_of(e->document), e->code);
        const char *got = buf_text(&rig.out);
        bool is_expected = e->result[0] == '!' ? !is_ok && strstr(got, e->result + 1)
                                               : is_ok && strcmp(got, e->result) == 0;
        if (!is_expected)
            fail_msg("%s\n%s\nexpected %s\ngot      %s", e->document, e->code, e->result, got);
    }
}

static void test_objects(void **state)
{
    (void)state;
    static const struct edit edits[] = {
        // change
        {"{ \"a\" : 1 , \"b\":2.50}", "d.a = 5", "{ \"a\" : 5 , \"b\":2.50}"},
        {"{ \"a\" : 1 , \"b\":2.50}", "d.b = 'x'", "{ \"a\" : 1 , \"b\":\"x\"}"},
        {"{\"a\":1.0}", "d.a = 1.0", "{\"a\":1.0}"},
        {"{\"a\":1.0}", "d.a = 1", "{\"a\":1}"},
        {"{\"a\":1}", "d.a = 1.0", "{\"a\":1}"},
        {"{\"a\":\"\\u00e9\"}", "d.a = '\xc3\xa9'", "{\"a\":\"\\u00e9\"}"},
        {"{\"a\":\"\\u00e9\"}", "d.a = '\xc3\xa9!'", "{\"a\":\"\xc3\xa9!\"}"},
        {"{\"a\":null}", "d.a = json.null", "{\"a\":null}"},
        {"{\"a\":1}", "d.a = json.null", "{\"a\":null}"},
        {"{\"a\":true}", "d.a = false", "{\"a\":false}"},
        {"{\"a\":{\"x\":1}}", "d.a = {}", "{\"a\":{}}"},
        {"{\"a\":{\"x\":1}}", "d.a = json.array()", "{\"a\":[]}"},
        {"{\"a\":1}", "d.a = {1, {b = 2}}", "{\"a\":[1,{\"b\":2}]}"},
        {"{\"a\" : {\"x\" : 1, \"y\":2}}", "d.a.x = 9", "{\"a\" : {\"x\" : 9, \"y\":2}}"},
        {"{\"\\u0061\":1}", "d.a = 2", "{\"\\u0061\":2}"},
        // remove
        {"{ \"a\":1, \"b\":2, \"c\":3 }", "d.a = nil", "{\"b\":2, \"c\":3 }"},
        {"{ \"a\":1, \"b\":2, \"c\":3 }", "d.b = nil", "{ \"a\":1,\"c\":3 }"},
        {"{ \"a\":1, \"b\":2, \"c\":3 }", "d.c = nil", "{ \"a\":1, \"b\":2}"},
        {"{\"a\":1}", "d.a = nil", "{}"},
        {"{ \"a\" : 1 }", "d.a = nil", "{}"},
        {"{\"a\":1,\"b\":2}", "d.a = nil d.b = nil", "{}"},
        {"{\"a\":1}", "d.b = nil", "{\"a\":1}"},
        {"{\"a\":1}", "local x = d.a d.a = nil return {d.a == nil, x}", "[true,1]"},
        {"{\"a\":1}", "d.a = nil d.a = 2", "{\"a\":2}"},
        // add: sorted, behind what was there
        {"{\"x\":1}", "d.c = 1 d.b = 2 d.a = 3", "{\"x\":1,\"a\":3,\"b\":2,\"c\":1}"},
        {"{ \"x\" : 1 }", "d.y = 2", "{ \"x\" : 1,\"y\":2}"},
        {"{}", "d.b = 1 d.a = 2", "{\"a\":2,\"b\":1}"},
        {"{\"x\":1}", "d.x = nil d.y = 1", "{\"y\":1}"},
        {"{\"x\":1}", "d['q\"\\n'] = 1", "{\"x\":1,\"q\\\"\\n\":1}"},
        {"{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"j\":10}",
         "for i = 1, 12 do d['n' .. i] = i end d.a = nil",
         "{\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"j\":10,\"n1\":1,"
         "\"n10\":10,\"n11\":11,\"n12\":12,\"n2\":2,\"n3\":3,\"n4\":4,\"n5\":5,\"n6\":6,\"n7\":7,"
         "\"n8\":8,\"n9\":9}"},
        // twins: Lua sees the last; changing it drops the earlier ones
        {"{\"a\":1,\"b\":2,\"a\":3}", "return {d.a}", "[3]"},
        {"{\"a\":1,\"b\":2,\"a\":3}", "d.a = 4", "{\"b\":2,\"a\":4}"},
        {"{\"a\":1,\"b\":2,\"a\":3}", "d.a = nil", "{\"b\":2}"},
        {"{\"a\":1,\"b\":2,\"a\":3}", "d.b = 5", "{\"a\":1,\"b\":5,\"a\":3}"},
        {"{\"a\":1,\"a\":{\"x\":1}}", "d.a.x = 2", "{\"a\":{\"x\":2}}"},
        {"{\"a\":1,\"\\u0061\":{\"x\":[1,{}]}}", "local _ = d.a.x[2].z, #d.a.x",
         "{\"a\":1,\"\\u0061\":{\"x\":[1,{}]}}"},
        {"{\"a\":1,\"a\":2,\"a\":[3]}", "d.a[1] = 4", "{\"a\":[4]}"},
        {"{\"a\":1,\"a\":2}", "local n = 0 for k, v in pairs(d) do n = n + v end return {n}",
         "[2]"},
        // what is not in JSON
        {"{\"a\":1}", "d[1] = 2", "!d: list elements and members in one table"},
        {"{\"a\":1}", "d[true] = 2", "!d: a key that is a boolean"},
        {"{\"a\":{\"b\":1}}", "d.a[1.5] = 2", "!d.a: "},
        {"{\"a\":{\"b\":1}}", "d.a.f = print", "!d.a.f: a function is not JSON"},
        {"{\"a\":1}", "d.a = 0/0", "!d.a: NaN is not JSON"},
        {"{\"a\":1}", "d.a = math.huge", "!d.a: infinity is not JSON"},
        {"{\"a\":1}", "d.b = '\\xff'", "!d.b: not UTF-8 at byte 1"},
        {"{\"a\":1}", "d.b = 'ok\\xc3'", "!d.b: not UTF-8 at byte 3"},
        {"{\"a\":1}", "d['\\xff'] = 1", "!a name that is not UTF-8"},
        {"{\"a\":{\"b\":{}}}", "d.a.b.c = d.a", "!d.a.b.c: the table contains itself"},
        {"{\"items\":[{},{},{\"price\":1}]}", "d.items[3].price = 0/0",
         "!d.items.3.price: NaN is not JSON"},
        {"{\"a\":1}", "d['x.y'] = {z = print}", "!d.x\\.y.z: a function is not JSON"},
        {"{}", "local t = d for i = 1, 70 do t.x = {} t = t.x end", "!deeper than 64 levels"},
        {"{}", "local t = d for i = 1, 63 do t.x = {} t = t.x end return 1", "1"},
    };
    check_edits(edits, COUNT_OF(edits));
}

static void test_lists(void **state)
{
    (void)state;
    static const struct edit edits[] = {
        {"[1.0, 2.00 ,3]", "d[2] = 9", "[1.0, 9 ,3]"},
        {"[1.0,2.00,3]", "d[#d + 1] = 4", "[1.0,2.00,3,4]"},
        {"[1.0,2.00,3]", "table.insert(d, 4.5)", "[1.0,2.00,3,4.5]"},
        {"[1.50,2.50]", "table.insert(d, 1, 0)", "[0,1.50,2.50]"},
        {"[1.50,2.50,3.50]", "table.remove(d, 1)", "[2.50,3.50]"},
        {"[1.50,2.50,3.50]", "return {table.remove(d), d}", "[3.50,[1.50,2.50]]"},
        {"[ 1 , 2 , 3 ]", "table.remove(d)", "[ 1 , 2]"},
        {"[1]", "table.remove(d)", "[]"},
        {"[1,2,3]", "for i = #d, 1, -1 do d[i] = nil end", "[]"},
        {"[3.30,1.10,2.20]", "table.sort(d)", "[1.10,2.20,3.30]"},
        {"[1e14,12345678901234567890]", "d[1], d[2] = d[2], d[1]", "[12345678901234567890,1e14]"},
        {"[{\"b\":1,\"a\":1.0},{\"x\" : []}]", "d[1], d[2] = d[2], d[1]",
         "[{\"x\" : []},{\"b\":1,\"a\":1.0}]"},
        {"[1,2,3]", "return {table.concat(d, '-'), #d, select('#', table.unpack(d))}",
         "[\"1-2-3\",3,3]"},
        {"[[1.0],[2.0]]", "d[1][1] = d[2][1] d[2] = d[1]", "[[2.0],[2.0]]"},
        {"[1,2,3]", "local s = 0 for _, v in ipairs(d) do s = s + v end return {s}", "[6]"},
        {"[1,2,3]", "return table.move(d, 2, 3, 1)", "[2,3,3]"},
        {"[1,null,3]", "return {#d, d[2] == json.null, d[4] == nil}", "[3,true,true]"},
        {"[]", "d.a = 1", "{\"a\":1}"},
        {"[]", "d[1] = 1", "[1]"},
        {"[ ]", "d[1] = 1 d[1] = nil", "[ ]"},
        {"{}", "d[1] = 'x'", "[\"x\"]"},
        {"{\"a\":[]}", "table.insert(d.a, {})", "{\"a\":[{}]}"},
        {"[1]", "d.a = 2", "!d: list elements and members in one table"},
        {"[1]", "d[1] = nil d.a = 2", "!d: a list cannot have members"},
        {"[1,2,3]", "d[2] = nil", "!d: a list with a hole: element 2 is missing"},
        {"[1]", "d[3] = 1", "!d: a list with a hole: element 2 is missing"},
        {"[1]", "d[0] = 1", "!d: a list begins at 1"},
        {"[1]", "return {d.x == nil, d['1'] == nil}", "[true,true]"},
        {"{\"1\":\"s\"}", "return {d['1'], d[1] == nil}", "[\"s\",true]"},
    };
    check_edits(edits, COUNT_OF(edits));
}

static void test_moving(void **state)
{
    (void)state;
    static const struct edit edits[] = {
        {"{\"a\":{ \"x\" : 1.50 },\"b\":1}", "d.b = d.a d.a = nil", "{\"b\":{ \"x\" : 1.50 }}"},
        {"{\"a\":12345678901234567890}", "d.b = d.a",
         "{\"a\":12345678901234567890,"
         "\"b\":12345678901234567890}"},
        {"{\"a\":{ \"x\" : 1 }}", "d.b = d.a d.b.x = 2",
         "{\"a\":{ \"x\" : 2 },\"b\":{ \"x\" : 2 }}"},
        {"{\"a\":{ \"x\" : 1 }}", "d.b = json.copy(d.a) d.b.x = 2",
         "{\"a\":{ \"x\" : 1 },\"b\":{ \"x\" : 2 }}"},
        {"{\"a\":{\"z\":1,\"y\":[ ],\"x\":1.0}}", "return {outer = d.a}",
         "{\"outer\":{\"z\":1,\"y\":[ ],\"x\":1.0}}"},
        {"{\"a\":1}", "local e = assert(json.decode('{ \"k\" : 1.10 }')) d.b = e",
         "{\"a\":1,\"b\":{ \"k\" : 1.10 }}"},
        {"{\"a\":1}", "local e = json.decode('[1.10]') e[2] = e[1] d.b = e[2] return d",
         "{\"a\":1,\"b\":1.10}"},
        {"{\"a\":1.10}", "local s = json.encode(d.a) return {s, json.encode(d)}",
         "[\"1.10\",\"{\\\"a\\\":1.10}\"]"},
        {"{\"a\":[1,2]}", "return json.decode(json.encode(d))", "{\"a\":[1,2]}"},
        {"{\"a\":10,\"b\":4}", "d.c = d.a / d.b d.d = d.a / 5",
         "{\"a\":10,\"b\":4,\"c\":2.5,\"d\":2}"},
        {"{\"a\":1}", "d.a = 1e300 d.b = 0.1 + 0.2 d.c = -0.0",
         "{\"a\":1e+300,\"b\":0.30000000000000004,\"c\":-0}"},
        {"{\"a\":1}", "d.a = 2^53", "{\"a\":9.00719925474099e+15}"},
    };
    check_edits(edits, COUNT_OF(edits) - 1);
    assert_true(sandbox_rig_edit(&rig, SPAN("{\"a\":1}"), "d.a = 2^53"));
    assert_true(strtod(buf_text(&rig.out) + 5, NULL) == 9007199254740992.0);
}

static void test_order(void **state)
{
    (void)state;
    static const struct edit edits[] = {
        {"{\"z\":1,\"a\":2,\"m\":3}",
         "d.c = 4 d.b = 5 local k = {} for n in pairs(d) do k[#k+1] = n end "
         "return k",
         "[\"z\",\"a\",\"m\",\"b\",\"c\"]"},
        {"{\"z\":1,\"a\":2}",
         "local k = {} local n, v = next(d) while n do k[#k+1] = n n, v = "
         "next(d, n) end return k",
         "[\"z\",\"a\"]"},
        {"null",
         "local k = {} for n in pairs({b=1, a=2, [true]=3, 10, 20, [7]=4, [2.5]=5}) do "
         "k[#k+1] = tostring(n) end return k",
         "[\"1\",\"2\",\"2.5\",\"7\",\"a\",\"b\",\"true\"]"},
        {"null",
         "local k = {} for n in pairs(setmetatable({}, {__pairs = function() return next, "
         "{x=1}, nil end})) do k[#k+1] = n end return k",
         "[\"x\"]"},
        {"null", "pairs({[{}] = 1})() return 1", "!a key that is a table has no order"},
        {"{\"a\":1,\"b\":2,\"c\":3}", "for k in pairs(d) do d[k] = nil end", "{}"},
        {"{\"a\":1,\"b\":2}", "for k, v in pairs(d) do d[k] = v * 2 end", "{\"a\":2,\"b\":4}"},
        {"[5,6]", "local k = {} for i, v in pairs(d) do k[#k+1] = i * 10 + v end return k",
         "[15,26]"},
        {"{}", "return {next(d) == nil, next({}) == nil}", "[true,true]"},
        {"{\"a\":1}", "next(d, 'nope')", "!invalid key to 'next'"},
        {"{\"a\":{\"x\":1},\"b\":2}",
         "local t = setmetatable({}, {__index = d}) return {t.a.x, t.b}", "[1,2]"},
        {"{\"a\":1}", "setmetatable(d, {__index = function() return 7 end}) return {d.a, d.b}",
         "[1,7]"},
        {"{\"a\":1}", "return {getmetatable(d) == nil, type(d), rawequal(d, d)}",
         "[true,\"table\",true]"},
    };
    check_edits(edits, COUNT_OF(edits));
}

static void test_paths(void **state)
{
    (void)state;
    static const struct edit edits[] = {
        {"{\"a\":{\"b\":[1,{\"c\":7}]}}", "return {json.get(d, 'a.b.2.c')}", "[7]"},
        {"{\"a\":null}",
         "return {json.get(d, 'a') == nil, json.get(d, 'a.b') == nil, "
         "json.get(d, 'x.y.z') == nil}",
         "[true,true,true]"},
        {"{\"a.b\":{\"*\":1}}", "return {json.get(d, 'a\\\\.b.\\\\*')}", "[1]"},
        {"{\"1\":{\"2\":3}}", "return {json.get(d, '1.2')}", "[3]"},
        {"5", "return {json.get(d, 'a') == nil}", "[true]"},
        {"{}", "json.get(d, 'a.*')", "!json.each"},
        {"{}", "json.get(d, '')", "!must not be empty"},
        {"{}", "json.get(d, 'a..b')", "!empty name"},
        {"{}", "json.get(d, 'a\\\\x')", "!backslash"},
        {"{\"a\":1}", "json.set(d, 'b.c.d', 2)", "{\"a\":1,\"b\":{\"c\":{\"d\":2}}}"},
        {"{\"a\":[1,2]}", "json.set(d, 'a.2', 'x')", "{\"a\":[1,\"x\"]}"},
        {"{\"a\":[1,2]}", "json.set(d, 'a.3', 'x')", "{\"a\":[1,2,\"x\"]}"},
        {"{\"a\":null}", "json.set(d, 'a.b', 1)", "{\"a\":{\"b\":1}}"},
        {"{\"a\":1}", "json.set(d, 'a.b', 1)", "!'a' in the path 'a.b' is a number"},
        {"{\"items\":[{\"p\":1},{\"q\":2},{\"p\":3}]}",
         "for parent, key in json.each(d, 'items.*.p') do parent[key] = parent[key] * 10 end",
         "{\"items\":[{\"p\":10},{\"q\":2},{\"p\":30}]}"},
        {"{\"items\":[1,2,3,4]}",
         "for parent, key in json.each(d, 'items.*') do if parent[key] % 2 == "
         "0 then table.remove(parent, key) end end",
         "{\"items\":[1,3]}"},
        {"{\"a\":{\"x\":1,\"y\":2},\"b\":3}",
         "for parent, key in json.each(d, '*') do parent[key] = "
         "nil end",
         "{}"},
        {"{\"a\":{\"x\":1,\"y\":2}}",
         "local k = {} for _, key in json.each(d, 'a.*') do k[#k+1] = key "
         "end return k",
         "[\"y\",\"x\"]"},
    };
    check_edits(edits, COUNT_OF(edits));
}

static void test_module(void **state)
{
    (void)state;
    static const struct edit edits[] = {
        {"null", "return {json.decode('[1')}", "!"},
        {"null", "local v, m = json.decode('[1') return {v == nil, m}",
         "[true,\"the text ends inside an array at byte 3\"]"},
        {"null", "local v, m = json.decode('') return {v == nil, type(m)}", "[true,\"string\"]"},
        {"null", "json.decode(5)", "!string expected"},
        {"null", "json.encode()", "!value expected"},
        {"null", "return {json.encode({b=1,a={1,2}})}", "[\"{\\\"a\\\":[1,2],\\\"b\\\":1}\"]"},
        {"null", "return json.array({})", "[]"},
        {"null", "return json.array()", "[]"},
        {"null", "return json.object()", "{}"},
        {"null", "return {}", "{}"},
        {"null", "return json.array({a = 1})", "!a list cannot have members"},
        {"null", "return json.object({1})", "!an object cannot have list elements"},
        {"{}", "return json.array(d)", "[]"},
        {"[]", "return json.object(d)", "{}"},
        {"[1]", "return json.object(d)", "!the table is a list"},
        {"{\"a\":1}", "return json.array(d)", "!the table is an object"},
        {"null", "return json.copy({json.array(), {}, 'x'})", "[[],{},\"x\"]"},
        {"null", "return {json.copy(5), json.copy('x')}", "[5,\"x\"]"},
        {"null", "return json.copy({print})", "!value.1: a function is not JSON"},
        {"{\"a\":[],\"z\":1e2}", "local c = json.copy(d) c.b = 1 return c",
         "{\"a\":[],\"z\":1e2,\"b\":1}"},
        {"{\"a\":[],\"z\":1e2}", "d.b = {} local c = json.copy(d) c.z = nil return c",
         "{\"a\":[],\"b\":{}}"},
        {"null",
         "return {json.null == json.null, type(json.null), tostring(json.null), not not "
         "json.null}",
         "[true,\"userdata\",\"null\",true]"},
    };
    check_edits(edits + 1, COUNT_OF(edits) - 1);
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
        cmocka_unit_test(test_harmless), cmocka_unit_test(test_objects),
        cmocka_unit_test(test_lists),    cmocka_unit_test(test_moving),
        cmocka_unit_test(test_order),    cmocka_unit_test(test_paths),
        cmocka_unit_test(test_module),
    };
    return cmocka_run_group_tests(tests, group_start, group_stop);
}
