// SPDX-License-Identifier: MIT
// Fuzzes the JSON room: what is accepted is accounted for byte by byte, decoded, written and merged.
#include "../support/json_check.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "json/json.h"
#include "json/json_edit.h"
#include "json/json_names.h"
#include "json/json_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// The scalar, decoded and written again, is the same scalar.
static void check_scalar(const struct json_doc *doc, uint32_t node)
{
    int64_t whole;
    double number;
    if (json_type(doc, node) == JSON_STRING) {
        struct span inside = json_inside(doc, node);
        char *out = xmalloc(inside.len + 1);
        struct span text = span_make(out, json_decode_string(doc, node, out));
        CHECK(text.len <= inside.len && json_utf8_prefix(text) == text.len);
        CHECK(json_string_is(doc, node, text));
        CHECK(text.len == 0 || !json_string_is(doc, node, span_make(out, text.len - 1)));
        CHECK(doc->nodes[node].has_escape == (memchr(inside.at, '\\', inside.len) != NULL));
        xfree(out);
    }
    if (json_to_int64(doc, node, &whole)) {
        CHECK(json_to_double(doc, node, &number));
        CHECK(number == (double)whole);
    }
    if (json_to_double(doc, node, &number)) {
        char text[JSON_DOUBLE_TEXT];
        size_t len = json_write_double_text(number, text);
        double back;
        CHECK(json_lexeme_to_double(span_make(text, len), &back));
        CHECK(memcmp(&number, &back, sizeof(back)) == 0);
    }
}

// json_get, json_duplicate and the index agree about every object.
static void check_object(const struct json_doc *doc, uint32_t object)
{
    struct json_names names;
    json_names_init(&names, doc, object);
    uint32_t at = object + 1;
    uint32_t name;
    uint32_t value;
    bool is_any_twin = false;
    uint32_t count = 0;
    while (count < 64 && json_next_member(doc, object, &at, &name, &value)) {
        struct json_names_entry last = json_names_find(&names, doc, name);
        CHECK(last.name != JSON_NONE && last.name >= name);
        char *out = xmalloc(json_inside(doc, name).len + 1);
        struct span text = span_make(out, json_decode_string(doc, name, out));
        CHECK(json_get(doc, object, text) == last.name + 1);
        CHECK(json_string_is(doc, last.name, text));
        is_any_twin |= last.name != name;
        xfree(out);
        count++;
    }
    CHECK(!is_any_twin || names.duplicate != JSON_NONE);
    CHECK(json_duplicate(doc, object) == names.duplicate);
    json_names_deinit(&names);
}

static void write_open(struct json_writer *w, enum json_type type)
{
    if (type == JSON_OBJECT)
        json_write_object(w);
    else
        json_write_array(w);
}

// Writes the whole document again, strings decoded and escaped anew.
static void rewrite(const struct json_doc *doc, struct buf *out)
{
    struct json_writer w;
    json_write_init(&w, out);
    uint32_t open[JSON_MAX_DEPTH];
    unsigned depth = 0;
    for (uint32_t i = 0; i <= doc->count; i++) {
        while (depth > 0 && doc->nodes[open[depth - 1]].next == i) {
            if (json_type(doc, open[--depth]) == JSON_OBJECT)
                json_write_end_object(&w);
            else
                json_write_end_array(&w);
        }
        if (i == doc->count)
            break;
        if (depth > 0 && json_type(doc, open[depth - 1]) == JSON_OBJECT && !w.is_after_name) {
            char *name = xmalloc(json_inside(doc, i).len + 1);
            json_write_name_span(&w, span_make(name, json_decode_string(doc, i, name)));
            xfree(name);
        } else if (json_type(doc, i) == JSON_ARRAY || json_type(doc, i) == JSON_OBJECT) {
            write_open(&w, json_type(doc, i));
            open[depth++] = i;
        } else if (json_type(doc, i) == JSON_STRING) {
            char *text = xmalloc(json_inside(doc, i).len + 1);
            json_write_string(&w, span_make(text, json_decode_string(doc, i, text)));
            xfree(text);
        } else {
            json_write_raw(&w, json_raw(doc, i));
        }
    }
    CHECK(!out->is_full && w.depth == 0 && !w.is_after_name);
}

static void check_same_shape(const struct json_doc *a, const struct json_doc *b)
{
    CHECK(a->count == b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        CHECK(a->nodes[i].type == b->nodes[i].type);
        CHECK(a->nodes[i].next == b->nodes[i].next && a->nodes[i].count == b->nodes[i].count);
        if (json_type(a, i) == JSON_NUMBER)
            CHECK(span_eq(json_raw(a, i), json_raw(b, i)));
    }
}

// A merge may nest one document in the other.
static void reparse(struct json_doc *doc, const struct buf *text)
{
    struct json_error error;
    CHECK(!text->is_full);
    CHECK(json_parse(doc, buf_span(text), 2 * JSON_MAX_DEPTH, &error) == OK);
    CHECK(json_check(doc));
}

// Two values within the document, chosen by its length, merged in every way.
static void check_merges(const struct json_doc *doc, struct buf *out)
{
    struct json_doc merged;
    json_init(&merged);
    uint32_t a = (uint32_t)(doc->source.len % doc->count);
    uint32_t b = (uint32_t)(doc->source.len * 7 % doc->count);
    buf_clear(out);
    CHECK(json_edit_merge_patch(out, doc, a, doc, b) == OK);
    reparse(&merged, out);
    buf_clear(out);
    CHECK(json_edit_merge_patch(out, doc, 0, doc, 0) == OK);
    reparse(&merged, out);
    if (json_type(doc, a) == JSON_OBJECT && json_type(doc, b) == JSON_OBJECT) {
        buf_clear(out);
        CHECK(json_edit_merge(out, doc, a, doc, b) == OK);
        reparse(&merged, out);
        CHECK(merged.nodes[0].count >= (doc->nodes[b].count > 0));
    }
    if (json_type(doc, 0) == JSON_OBJECT && json_duplicate(doc, 0) == JSON_NONE) {
        // With itself: the very bytes.
        buf_clear(out);
        CHECK(json_edit_merge(out, doc, 0, doc, 0) == OK);
        CHECK(span_eq(buf_span(out), json_raw(doc, 0)));
        uint32_t value = doc->nodes[0].count ? 2 : 0;
        if (value && json_type(doc, value) == JSON_OBJECT) {
            buf_clear(out);
            CHECK(json_edit_merge_into(out, doc, 0, value, doc, 0) == OK);
            reparse(&merged, out);
        }
    }
    json_deinit(&merged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_doc doc;
    struct json_error error;
    struct buf out;
    json_init(&doc);
    buf_init(&out, 8 * size + 4096);
    json_write_quoted(&out, span_make(data, size));
    enum err err = json_parse(&doc, buf_span(&out), 0, &error);
    CHECK(err == OK && doc.count == 1);
    err = json_parse(&doc, span_make(data, size), JSON_MAX_DEPTH, &error);
    if (err) {
        CHECK(err == ERR_SYNTAX && error.offset <= size && error.message && doc.count == 0);
    } else {
        CHECK(json_check(&doc));
        for (uint32_t i = 0; i < doc.count; i++) {
            check_scalar(&doc, i);
            if (json_type(&doc, i) == JSON_OBJECT)
                check_object(&doc, i);
        }
        struct json_doc again;
        json_init(&again);
        buf_clear(&out);
        rewrite(&doc, &out);
        reparse(&again, &out);
        check_same_shape(&doc, &again);
        json_deinit(&again);
        check_merges(&doc, &out);
    }
    buf_deinit(&out);
    json_deinit(&doc);
    return 0;
}
