// SPDX-License-Identifier: MIT
// Thousands of mutated documents: we and Python's json accept the same ones and read the same in them.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "json/json.h"

#define DOCUMENTS 20000

static const char *const seeds[] = {
    "{\"hook\":{\"uuid\":\"fbc7\",\"event\":\"request.added\"},\"data\":{\"a\":1e14,\"b\":[1.50,-0]"
    "}}",
    "{\"cc_emails\":[],\"notes\":\"\",\"is_private\":false,\"object\":null,\"n\":"
    "12345678901234567890}",
    "[0,-0,0.0,-1,1.5,1E+2,1e-400,9223372036854775807,-9223372036854775808,0.1,123.456e-3]",
    "[\"\\\"\\\\\\/"
    "\\b\\f\\n\\r\\t\",\"\\u0000\\u00e9\\u20AC\",\"\\ud83d\\ude00\",\"\\ud83d\",\"\\ude00x\"]",
    "[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\",\"\xed\x9f\xbf\xee\x80\x80\","
    "\"0123456789abcdef\xc3\xa9\"]",
    " {\n\t\"a\" : [ 1 , 2 ] ,\r\n \"b\" : { } , \"c\" : [ ] , \"a\":true }\n",
    "[[[[[[[[[[{\"a\":{\"a\":{\"a\":{\"\\u0061\":[{}]}}}}]]]]]]]]]]",
    "\"scalar\"",
    "-12.5e+3",
    "[true,false,null]",
};

static const char *const pieces[] = {
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    " ",
    "\n",
    "\t",
    "\f",
    "0",
    "1",
    "-",
    "+",
    ".",
    "e",
    "E",
    "null",
    "true",
    "NaN",
    "Infinity",
    "-Infinity",
    "\\u",
    "\\ud83d",
    "\\ude00",
    "\\u0041",
    "\\n",
    "/",
    "\xc3\xa9",
    "\xc3",
    "\xa9",
    "\xed\xa0\x80",
    "\xc0\x80",
    "\xf4\x90\x80\x80",
    "\xef\xbb\xbf",
    "\xff",
    "\x1f",
    "\x7f",
    "'",
    "//",
    "\"a\":",
    ",\"a\":1",
    "[[[[[[[[[[[[[[[[",
    "]]]]]]]]]]]]]]]]",
    "1e999",
    "\xc2\xa0",
    "{}",
    "[]",
    "\"\"",
    "00",
    "1e5",
    "-0",
    "0.5",
    "\xe2\x80\xa8",
};

static uint32_t state_of_chance = 1;

static uint32_t chance(uint32_t below)
{
    state_of_chance = state_of_chance * 1664525 + 1013904223;
    return (state_of_chance >> 8) % below;
}

// ---- making documents ----

static void replace(struct buf *text, size_t at, size_t len, const void *with, size_t with_len)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    buf_append(&out, text->at, at);
    buf_append(&out, with, with_len);
    buf_append(&out, text->at + at + len, text->len - at - len);
    buf_clear(text);
    buf_append_span(text, buf_span(&out));
    buf_deinit(&out);
}

static void mutate(struct buf *text)
{
    size_t at = chance((uint32_t)text->len + 1);
    size_t len = chance(4);
    if (len > text->len - at)
        len = text->len - at;
    const char *piece = pieces[chance(COUNT_OF(pieces))];
    char byte = (char)chance(256);
    switch (chance(5)) {
    case 0: replace(text, at, 0, piece, strlen(piece)); break;
    case 1: replace(text, at, len, piece, strlen(piece)); break;
    case 2: replace(text, at, len, "", 0); break;
    case 3: replace(text, at, len ? 1 : 0, &byte, 1); break;
    case 4: replace(text, at, 0, text->at + at, text->len - at > 20 ? 20 : text->len - at); break;
    }
}

// ---- our reading ----

static void read_scalar(const struct json_doc *doc, uint32_t node, struct buf *out)
{
    int64_t whole;
    double number;
    char *text;
    switch (json_type(doc, node)) {
    case JSON_NULL: buf_append_char(out, '0'); break;
    case JSON_FALSE: buf_append_char(out, 'f'); break;
    case JSON_TRUE: buf_append_char(out, 't'); break;
    case JSON_NUMBER:
        buf_append_char(out, json_to_double(doc, node, &number) ? 'd' : 'i');
        if (out->at[out->len - 1] == 'd')
            buf_append(out, &number, sizeof(number));
        if (json_to_int64(doc, node, &whole))
            buf_append_format(out, "n%lld", (long long)whole);
        buf_append_char(out, ';');
        break;
    case JSON_STRING:
        text = xmalloc(json_inside(doc, node).len + 1);
        size_t len = json_decode_string(doc, node, text);
        buf_append_format(out, "s%zu:", len);
        buf_append(out, text, len);
        xfree(text);
        break;
    case JSON_ARRAY: buf_append_char(out, '['); break;
    case JSON_OBJECT: buf_append_char(out, '{'); break;
    }
}

static void read_document(const struct json_doc *doc, struct buf *out)
{
    uint32_t open[JSON_MAX_DEPTH] = {0};
    unsigned depth = 0;
    for (uint32_t i = 0; i <= doc->count; i++) {
        while (depth > 0 && doc->nodes[open[depth - 1]].next == i)
            buf_append_char(out, json_type(doc, open[--depth]) == JSON_ARRAY ? ']' : '}');
        if (i == doc->count)
            break;
        read_scalar(doc, i, out);
        if (json_type(doc, i) == JSON_ARRAY || json_type(doc, i) == JSON_OBJECT)
            open[depth++] = i;
    }
}

static void record(FILE *file, const struct buf *text)
{
    struct json_doc doc;
    struct json_error error;
    struct buf out;
    json_init(&doc);
    buf_init(&out, 1 << 20);
    bool is_good = json_parse(&doc, buf_span(text), JSON_MAX_DEPTH, &error) == OK;
    if (is_good)
        read_document(&doc, &out);
    assert_false(out.is_full);
    uint32_t lengths[2] = {(uint32_t)text->len, is_good ? (uint32_t)out.len : UINT32_MAX};
    fwrite(lengths, sizeof(lengths), 1, file);
    if (text->len)
        fwrite(text->at, 1, text->len, file);
    if (out.len)
        fwrite(out.at, 1, out.len, file);
    buf_deinit(&out);
    json_deinit(&doc);
}

static void test_python_agrees(void **state)
{
    (void)state;
    if (system("python3 -c 1 >/dev/null 2>&1") != 0)
        skip();
    char path[] = "/tmp/grapnel_json_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < DOCUMENTS; i++) {
        buf_clear(&text);
        buf_append_text(&text, seeds[chance(COUNT_OF(seeds))]);
        for (uint32_t steps = chance(4); steps > 0; steps--)
            mutate(&text);
        record(file, &text);
    }
    buf_deinit(&text);
    assert_int_equal(fclose(file), 0);
    char command[sizeof(SOURCE_DIR) + 100];
    snprintf(command, sizeof(command), "python3 '%s/tests/support/json_judge.py' %s >&2",
             SOURCE_DIR, path);
    int status = system(command);
    unlink(path);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_python_agrees)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
