// SPDX-License-Identifier: MIT
// Strict, lossless JSON (RFC 8259): a parse into spans of the original bytes; any thread.
//
// Nothing is decoded or copied: a document is its source and a tape of nodes that say where each
// value begins and ends. Without recursion; depth and size are bounded. What nobody touches is
// written back as the very bytes that came in.
#pragma once

#include "base/err.h"
#include "base/span.h"

#define JSON_MAX_DEPTH 64
#define JSON_NONE      UINT32_MAX // "no such node"

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

// Nodes stand in document order. An object's children are name, value, name, value, …; a subtree
// ends where `next` points, which is the next sibling if there is one.
struct json_node {
    uint32_t start;  // offset of the first byte in the source (of a string: its quote)
    uint32_t end;    // offset behind the last byte
    uint32_t next;   // index of the first node behind this subtree
    uint32_t count;  // members or elements; 0 for scalars
    uint8_t type;    // enum json_type
    bool has_escape; // a string with a backslash
};

struct json_doc {
    struct span source;      // borrowed; at most 2^31 bytes
    struct json_node *nodes; // owned; nodes[0] is the root
    uint32_t count;
    uint32_t capacity; // kept between parses
};

struct json_error {
    size_t offset;       // byte in the source, from 0
    const char *message; // static: "a comma or ] expected"
};

void json_init(struct json_doc *doc);
void json_deinit(struct json_doc *doc);
// Gives the nodes back if there is room for more than `keep` of them; the document is then empty.
void json_trim(struct json_doc *doc, uint32_t keep);
// Parses the whole of `source`, which must outlive the use of `doc`. White space around the value is
// allowed, anything else behind it is not. Depth counts containers: `max_depth` nested ones are
// allowed (at most JSON_MAX_DEPTH * 2). ERR_SYNTAX with `error` set; the document is then empty.
MUST_CHECK enum err json_parse(struct json_doc *doc, struct span source, unsigned max_depth,
                               struct json_error *error);

static inline enum json_type json_type(const struct json_doc *doc, uint32_t node)
{
    return (enum json_type)doc->nodes[node].type;
}

// The bytes of a value as they were written; a string with its quotes.
static inline struct span json_raw(const struct json_doc *doc, uint32_t node)
{
    const struct json_node *n = &doc->nodes[node];
    return (struct span){doc->source.at + n->start, n->end - n->start};
}

// The bytes between a string's quotes, still escaped.
static inline struct span json_inside(const struct json_doc *doc, uint32_t node)
{
    const struct json_node *n = &doc->nodes[node];
    return (struct span){doc->source.at + n->start + 1, n->end - n->start - 2};
}

// Walks an object: `name` and `value` are node indices. Start: *at = object + 1.
// while (json_next_member(doc, object, &at, &name, &value)) …
bool json_next_member(const struct json_doc *doc, uint32_t object, uint32_t *at, uint32_t *name,
                      uint32_t *value);
// Walks an array. Start: *at = array + 1.
bool json_next_element(const struct json_doc *doc, uint32_t array, uint32_t *at, uint32_t *value);
// The value of the last member of that (decoded) name, or JSON_NONE; also when `object` is no
// object or is JSON_NONE itself, so that calls may be nested.
uint32_t json_get(const struct json_doc *doc, uint32_t object, struct span name);
// The name node of the first member whose decoded name stood before, or JSON_NONE. O(n log n) or
// better.
uint32_t json_duplicate(const struct json_doc *doc, uint32_t object);

// A string's decoded bytes are at most as long as the raw ones. `out` has room for
// json_inside().len bytes. An escaped lone surrogate becomes U+FFFD; \u0000 becomes a NUL byte.
size_t json_decode_string(const struct json_doc *doc, uint32_t string, char *out);
// Compares without allocating.
bool json_string_is(const struct json_doc *doc, uint32_t string, struct span decoded);
// How many bytes from the start are well-formed UTF-8: text.len if all of it is.
size_t json_utf8_prefix(struct span text);
// An integer without fraction or exponent that fits; false otherwise. -0 is none: int64 has no such
// value.
bool json_to_int64(const struct json_doc *doc, uint32_t number, int64_t *out);
// The nearest double (correctly rounded, locale does not matter); false when it is infinite, or
// the node no number.
bool json_to_double(const struct json_doc *doc, uint32_t number, double *out);
// The same for a number's bytes; they must be a JSON number.
bool json_lexeme_to_double(struct span lexeme, double *out);
