// SPDX-License-Identifier: MIT
// The strict parser: one pass from bytes to a tape of nodes, with a stack of its own; any thread.
#include "base/mem.h"
#include "json/json.h"
#include "json/json_scan.h"

#define FIRST_NODES 64
#define MAX_SOURCE  ((size_t)1 << 31)

struct parser {
    const uint8_t *start;
    const uint8_t *end;
    struct json_doc *doc;
    unsigned depth;                    // open containers
    unsigned max_depth;                // so many may be open
    uint32_t open[JSON_MAX_DEPTH * 2]; // their nodes, the outermost first
    const uint8_t *bad;                // where it went wrong
    const char *message;               // why
};

// Every function below takes the place where it begins and returns the place where it stopped, or
// NULL after it has called this.
static const uint8_t *fail(struct parser *p, const uint8_t *bad, const char *message)
{
    p->bad = bad;
    p->message = message;
    return NULL;
}

static inline const uint8_t *skip_space(const uint8_t *at, const uint8_t *end)
{
    while (at < end && *at <= ' ' && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

static inline bool is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') < 10;
}

// ---- the tape ----

// A value takes two bytes at least: itself, and a comma or a bracket (which open ones still lack).
static __attribute__((noinline)) void grow(struct json_doc *doc)
{
    size_t most = doc->source.len / 2 + JSON_MAX_DEPTH * 2 + 2;
    size_t first = doc->source.len / 16 + FIRST_NODES;
    size_t wanted = doc->capacity ? (size_t)doc->capacity * 2 : first;
    if (wanted > most)
        wanted = most;
    CHECK(wanted > doc->count && wanted < JSON_NONE);
    doc->nodes = xrealloc(doc->nodes, wanted * sizeof(*doc->nodes));
    doc->capacity = (uint32_t)wanted;
}

static inline struct json_node *push(struct parser *p, enum json_type type, const uint8_t *start)
{
    struct json_doc *doc = p->doc;
    if (__builtin_expect(doc->count == doc->capacity, 0))
        grow(doc);
    struct json_node *node = &doc->nodes[doc->count++];
    *node = (struct json_node){
        .start = (uint32_t)(start - p->start), .next = doc->count, .type = (uint8_t)type};
    return node;
}

// ---- strings ----

static const uint8_t *bad_utf8(struct parser *p, const uint8_t *at)
{
    if (at[0] == 0xed && p->end - at >= 2 && (at[1] & 0xe0) == 0xa0)
        return fail(p, at, "not UTF-8: half a surrogate pair; write it as \\u escapes");
    return fail(p, at, "not UTF-8");
}

static const uint8_t *bad_control(struct parser *p, const uint8_t *at)
{
    if (*at == '\n' || *at == '\r')
        return fail(p, at, "a line break in a string must be written as \\n");
    if (*at == '\t')
        return fail(p, at, "a tab in a string must be written as \\t");
    return fail(p, at, "a control character in a string must be escaped");
}

// `at` is the backslash.
static const uint8_t *escape(struct parser *p, const uint8_t *at)
{
    if (p->end - at < 2)
        return fail(p, p->end, "the text ends inside a string");
    switch (at[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't': return at + 2;
    case 'u': break;
    default: return fail(p, at, "an escape is one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
    }
    for (int i = 2; i < 6; i++) {
        if (at + i == p->end)
            return fail(p, p->end, "the text ends inside a string");
        if (!is_digit(at[i]) && (uint8_t)((at[i] | 0x20) - 'a') >= 6)
            return fail(p, at, "\\u takes four hexadecimal digits");
    }
    return at + 6;
}

// `at` is the first byte that is not plain ASCII.
static const uint8_t *string_rest(struct parser *p, const uint8_t *at, bool *has_escape)
{
    while (at < p->end && *at != '"') {
        if (*at == '\\') {
            *has_escape = true;
            at = escape(p, at);
            if (!at)
                return NULL;
        } else if (*at >= 0x80) {
            unsigned len = json_scan_utf8(at, p->end);
            if (!len)
                return bad_utf8(p, at);
            at += len;
            if (at < p->end && *at >= 0x80)
                continue;
        } else {
            return bad_control(p, at);
        }
        at = json_scan_plain(at, p->end);
    }
    return at;
}

// `at` is the opening quote.
static inline const uint8_t *string(struct parser *p, const uint8_t *at)
{
    struct json_node *node = push(p, JSON_STRING, at);
    const uint8_t *stop = json_scan_plain(at + 1, p->end);
    if (stop < p->end && *stop != '"') {
        stop = string_rest(p, stop, &node->has_escape);
        if (!stop)
            return NULL;
    }
    if (stop == p->end)
        return fail(p, at, "the string that begins here has no closing quote");
    node->end = (uint32_t)(stop + 1 - p->start);
    return stop + 1;
}

// ---- numbers and words ----

static inline const uint8_t *digits(const uint8_t *at, const uint8_t *end)
{
    while (at < end && is_digit(*at))
        at++;
    return at;
}

// `at` is the e of an exponent.
static const uint8_t *exponent(struct parser *p, const uint8_t *at)
{
    at++;
    if (at < p->end && (*at == '+' || *at == '-'))
        at++;
    const uint8_t *stop = digits(at, p->end);
    return stop == at ? fail(p, at, "a digit expected in the exponent of a number") : stop;
}

// `at` is a digit or the minus.
static const uint8_t *number(struct parser *p, const uint8_t *at)
{
    struct json_node *node = push(p, JSON_NUMBER, at);
    if (*at == '-')
        at++;
    const uint8_t *whole = at;
    at = digits(at, p->end);
    if (at == whole)
        return fail(p, at, "a digit expected behind the minus");
    if (*whole == '0' && at - whole > 1)
        return fail(p, whole, "a number may not begin with 0");
    if (at < p->end && *at == '.') {
        const uint8_t *fraction = at + 1;
        at = digits(fraction, p->end);
        if (at == fraction)
            return fail(p, at, "a digit expected behind the point");
    }
    if (at < p->end && (*at | 0x20) == 'e') {
        at = exponent(p, at);
        if (!at)
            return NULL;
    }
    node->end = (uint32_t)(at - p->start);
    return at;
}

static const uint8_t *word(struct parser *p, const uint8_t *at, struct span text,
                           enum json_type type)
{
    if ((size_t)(p->end - at) < text.len || memcmp(at, text.at, text.len) != 0)
        return fail(p, at, "a value expected; the only words are true, false and null");
    struct json_node *node = push(p, type, at);
    at += text.len;
    node->end = (uint32_t)(at - p->start);
    return at;
}

// `at` is where a value should begin: says what is there instead.
static const uint8_t *no_value(struct parser *p, const uint8_t *at)
{
    if (at == p->end)
        return fail(p, at,
                    p->depth || at > p->start ? "the text ends where a value should be"
                                              : "the text is empty");
    switch (*at) {
    case '\'': return fail(p, at, "strings are written with double quotes");
    case '/': return fail(p, at, "a value expected; there are no comments in JSON");
    case '+': return fail(p, at, "a number may not begin with +");
    case '.': return fail(p, at, "a number needs a digit before the point");
    case 'N':
    case 'I': return fail(p, at, "NaN, Infinity and None are not JSON");
    case 'T':
    case 'F': return fail(p, at, "true and false are written in lower case");
    case ',': return fail(p, at, "a value expected before the comma");
    case ']':
    case '}': return fail(p, at, "a value expected before the bracket");
    default: break;
    }
    if (p->end - at >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
        return fail(p, at, "a byte order mark is not allowed");
    if (*at >= 0x80 && !json_scan_utf8(at, p->end))
        return bad_utf8(p, at);
    return fail(p, at, "a value expected");
}

// ---- containers ----

// `at` is where a member should begin; stops where its value should.
static const uint8_t *name(struct parser *p, const uint8_t *at)
{
    if (at == p->end)
        return fail(p, at, "the text ends inside an object");
    if (*at == '\'')
        return fail(p, at, "names are written with double quotes");
    if (*at != '"')
        return fail(p, at, "a name in double quotes expected");
    at = string(p, at);
    if (!at)
        return NULL;
    at = skip_space(at, p->end);
    if (at == p->end)
        return fail(p, at, "the text ends inside an object");
    if (*at != ':')
        return fail(p, at, "a colon expected behind the name");
    return skip_space(at + 1, p->end);
}

// `at` is the bracket. Stops where the first value should begin, or behind an empty container.
static inline const uint8_t *open_container(struct parser *p, const uint8_t *at, bool *is_empty)
{
    if (p->depth == p->max_depth)
        return fail(p, at, "nested too deeply");
    bool is_object = *at == '{';
    struct json_node *node = push(p, is_object ? JSON_OBJECT : JSON_ARRAY, at);
    at = skip_space(at + 1, p->end);
    *is_empty = at < p->end && *at == (is_object ? '}' : ']');
    if (*is_empty) {
        node->end = (uint32_t)(at + 1 - p->start);
        return at + 1;
    }
    p->open[p->depth++] = p->doc->count - 1;
    return is_object ? name(p, at) : at;
}

// `at` is where a value should begin. Stops behind a scalar or an empty container; containers that
// have something in them are open then.
static inline const uint8_t *value(struct parser *p, const uint8_t *at)
{
    bool is_whole = false;
    while (at && !is_whole) {
        if (at == p->end)
            return no_value(p, at);
        switch (*at) {
        case '"': return string(p, at);
        case '{':
        case '[': at = open_container(p, at, &is_whole); break;
        case '-':
        case '0':
        case '1':
        case '2':
        case '3':
        case '4':
        case '5':
        case '6':
        case '7':
        case '8':
        case '9': return number(p, at);
        case 't': return word(p, at, SPAN("true"), JSON_TRUE);
        case 'f': return word(p, at, SPAN("false"), JSON_FALSE);
        case 'n': return word(p, at, SPAN("null"), JSON_NULL);
        default: return no_value(p, at);
        }
    }
    return at;
}

// `at` is behind a comma of that container. Stops where the next value should begin.
static inline const uint8_t *next_item(struct parser *p, const uint8_t *at, bool is_object)
{
    const uint8_t *comma = at - 1;
    at = skip_space(at, p->end);
    if (at < p->end && (*at == ']' || *at == '}'))
        return fail(p, comma, "a comma with nothing behind it");
    return is_object ? name(p, at) : at;
}

// `at` is behind a value. Closes what ends here. Stops where the next value should begin, or, with
// nothing open, behind the root.
static inline const uint8_t *behind(struct parser *p, const uint8_t *at)
{
    while (p->depth > 0) {
        struct json_node *node = &p->doc->nodes[p->open[p->depth - 1]];
        bool is_object = node->type == JSON_OBJECT;
        node->count++;
        at = skip_space(at, p->end);
        if (at == p->end)
            return fail(p, at,
                        is_object ? "the text ends inside an object"
                                  : "the text ends inside an array");
        if (*at == ',')
            return next_item(p, at + 1, is_object);
        if (*at != (is_object ? '}' : ']'))
            return fail(p, at, is_object ? "a comma or } expected" : "a comma or ] expected");
        at++;
        node->end = (uint32_t)(at - p->start);
        node->next = p->doc->count;
        p->depth--;
    }
    return at;
}

static const uint8_t *document(struct parser *p)
{
    const uint8_t *at = skip_space(p->start, p->end);
    do {
        at = value(p, at);
        if (at)
            at = behind(p, at);
    } while (at && p->depth > 0);
    if (!at)
        return NULL;
    at = skip_space(at, p->end);
    return at == p->end ? at : fail(p, at, "something stands behind the value");
}

enum err json_parse(struct json_doc *doc, struct span source, unsigned max_depth,
                    struct json_error *error)
{
    CHECK(max_depth <= JSON_MAX_DEPTH * 2);
    struct parser p;
    p.start = source.len ? (const uint8_t *)source.at : (const uint8_t *)"";
    p.end = p.start + source.len;
    p.doc = doc;
    p.depth = 0;
    p.max_depth = max_depth;
    p.bad = p.start;
    p.message = "";
    doc->source = source;
    doc->count = 0;
    if (source.len > MAX_SOURCE)
        fail(&p, p.start, "longer than 2 GiB");
    else if (document(&p))
        return OK;
    doc->source = (struct span){0};
    doc->count = 0;
    *error = (struct json_error){.offset = (size_t)(p.bad - p.start), .message = p.message};
    return ERR_SYNTAX;
}
