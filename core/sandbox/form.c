// SPDX-License-Identifier: MIT
// Forms and addresses; any thread.
#include "sandbox/form.h"

#include "base/mem.h"

#define MAX_TARGET 2048 // bytes, as webhook.md says

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~", c));
}

void form_escape(struct buf *out, struct span text, bool is_form)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (is_unreserved((char)c)) {
            buf_append_char(out, (char)c);
        } else if (is_form && c == ' ') {
            buf_append_char(out, '+');
        } else {
            char escape[3] = {'%', digits[c >> 4], digits[c & 15]};
            buf_append(out, escape, sizeof(escape));
        }
    }
}

// ---- forms ----

static void append_string(struct buf *out, const struct json_doc *doc, uint32_t node)
{
    struct span inside = json_inside(doc, node);
    if (!doc->nodes[node].has_escape) {
        form_escape(out, inside, true);
        return;
    }
    char *text = xmalloc(inside.len + 1);
    form_escape(out, span_make(text, json_decode_string(doc, node, text)), true);
    xfree(text);
}

static bool append_scalar(struct buf *out, const struct json_doc *doc, uint32_t node)
{
    switch (json_type(doc, node)) {
    case JSON_NULL: return true;
    case JSON_FALSE:
    case JSON_TRUE: buf_append_span(out, json_raw(doc, node)); return true;
    case JSON_NUMBER: form_escape(out, json_raw(doc, node), true); return true;
    case JSON_STRING: append_string(out, doc, node); return true;
    case JSON_ARRAY:
    case JSON_OBJECT: break;
    }
    return false;
}

static bool append_pair(struct buf *out, const struct json_doc *doc, uint32_t name, uint32_t value)
{
    if (out->len)
        buf_append_char(out, '&');
    append_string(out, doc, name);
    buf_append_char(out, '=');
    return append_scalar(out, doc, value);
}

static enum err fail(struct errmsg *message, const struct json_doc *doc, uint32_t name)
{
    struct span text = json_inside(doc, name);
    errmsg_set(message, "body.%.*s: a form holds strings, numbers, booleans and lists of these",
               (int)(text.len < 100 ? text.len : 100), text.at);
    return ERR_SYNTAX;
}

enum err form_encode(struct buf *out, const struct json_doc *doc, uint32_t node,
                     struct errmsg *message)
{
    if (json_type(doc, node) != JSON_OBJECT) {
        errmsg_set(message, "body: a form is made of an object, not of a list");
        return ERR_SYNTAX;
    }
    uint32_t at = node + 1;
    uint32_t name;
    uint32_t value;
    while (json_next_member(doc, node, &at, &name, &value)) {
        if (json_type(doc, value) != JSON_ARRAY) {
            if (!append_pair(out, doc, name, value))
                return fail(message, doc, name);
            continue;
        }
        uint32_t element_at = value + 1;
        uint32_t element;
        while (json_next_element(doc, value, &element_at, &element)) {
            if (!append_pair(out, doc, name, element))
                return fail(message, doc, name);
        }
    }
    return OK;
}

// ---- addresses ----

static size_t find(struct span text, const char *stops)
{
    size_t i = 0;
    while (i < text.len && !(text.at[i] && strchr(stops, text.at[i])))
        i++;
    return i;
}

static struct span take(struct span *rest, size_t len)
{
    struct span part = {rest->at, len};
    rest->at += len;
    rest->len -= len;
    return part;
}

static const char *parse_port(struct span text, int *port)
{
    int64_t number;
    if (text.len == 0)
        return NULL;
    if (text.len > 5 || !span_to_int64(text, &number) || number < 1 || number > 65535)
        return "a port is a number from 1 to 65535";
    *port = (int)number;
    return NULL;
}

static const char *parse_authority(struct span text, struct form_url *out)
{
    for (size_t i = text.len; i > 0; i--) {
        if (text.at[i - 1] == '@') {
            out->userinfo = span_make(text.at, i - 1);
            out->has_userinfo = true;
            take(&text, i);
            break;
        }
    }
    if (text.len && text.at[0] == '[') {
        size_t end = find(text, "]");
        if (end == text.len)
            return "an address in brackets has no closing bracket";
        out->host = span_make(text.at + 1, end - 1);
        take(&text, end + 1);
    } else {
        out->host = take(&text, find(text, ":"));
    }
    if (out->host.len == 0)
        return "a host is missing";
    if (text.len == 0)
        return NULL;
    if (text.at[0] != ':')
        return "a colon and a port expected behind the host";
    take(&text, 1);
    return parse_port(text, &out->port);
}

const char *form_parse_url(struct span text, struct form_url *out)
{
    struct form_url url = {.port = -1};
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.at[i] <= ' ' || text.at[i] == 0x7f)
            return "blanks and control characters must be escaped";
    }
    size_t colon = find(text, ":/?#");
    if (colon == 0 || colon == text.len || text.at[colon] != ':')
        return "a scheme such as https: is missing";
    url.scheme = take(&text, colon);
    take(&text, 1);
    if (!span_starts_with(text, SPAN("//")))
        return "// expected behind the scheme";
    take(&text, 2);
    const char *problem = parse_authority(take(&text, find(text, "/?#")), &url);
    if (problem)
        return problem;
    url.path = take(&text, find(text, "?#"));
    if (text.len && text.at[0] == '?') {
        take(&text, 1);
        url.has_query = true;
        url.query = take(&text, find(text, "#"));
    }
    if (text.len) {
        take(&text, 1);
        url.has_fragment = true;
        url.fragment = text;
    }
    *out = url;
    return NULL;
}

const char *form_check_target(struct span text)
{
    struct form_url url;
    if (text.len > MAX_TARGET)
        return "longer than 2048 bytes";
    const char *problem = form_parse_url(text, &url);
    if (problem)
        return problem;
    if (!span_eq_nocase(url.scheme, SPAN("https")) && !span_eq_nocase(url.scheme, SPAN("http")))
        return "the scheme must be http or https";
    if (url.has_userinfo)
        return "user information is not allowed in it";
    return url.has_fragment ? "a fragment is not allowed in it" : NULL;
}
