// SPDX-License-Identifier: MIT
// Finds one HTTP/1.1 request in bytes; any thread.
#include "cli/incoming.h"

void incoming_init(struct incoming *in)
{
    *in = (struct incoming){0};
    buf_init(&in->chunks, INCOMING_MAX_BODY);
}

void incoming_deinit(struct incoming *in)
{
    buf_deinit(&in->chunks);
}

const struct incoming_header *incoming_find(const struct incoming *in, const char *name)
{
    for (size_t i = 0; i < in->header_count; i++) {
        if (span_eq_nocase(in->headers[i].name, span_of(name)))
            return &in->headers[i];
    }
    return NULL;
}

// Takes a line that ends in LF or CRLF; false: its end has not come yet.
static bool take_line(struct span *rest, struct span *line)
{
    const char *end = rest->len == 0 ? NULL : memchr(rest->at, '\n', rest->len);
    if (end == NULL)
        return false;
    size_t len = (size_t)(end - rest->at);
    *line = (struct span){rest->at, len > 0 && rest->at[len - 1] == '\r' ? len - 1 : len};
    *rest = (struct span){rest->at + len + 1, rest->len - len - 1};
    return true;
}

static bool has_word(struct span list, const char *word)
{
    struct span part;
    while (span_split(&list, ',', &part)) {
        if (span_eq_nocase(span_trim(part), span_of(word)))
            return true;
    }
    return false;
}

static bool header_has(const struct incoming *in, const char *name, const char *word)
{
    const struct incoming_header *header = incoming_find(in, name);
    return header != NULL && has_word(header->value, word);
}

static enum incoming_state bad(struct errmsg *message, const char *why)
{
    errmsg_set(message, "%s", why);
    return INCOMING_BAD;
}

// ---- the head ----------------------------------------------------------------------------------

static bool parse_line(struct incoming *in, struct span line)
{
    struct span rest = line;
    in->line = line;
    if (!span_split(&rest, ' ', &in->method) || !span_split(&rest, ' ', &in->target))
        return false;
    in->version = rest;
    return in->method.len > 0 && in->target.len > 0 &&
           span_starts_with(in->version, SPAN("HTTP/1."));
}

static enum incoming_state parse_header(struct incoming *in, struct span line,
                                        struct errmsg *message)
{
    const char *colon = memchr(line.at, ':', line.len);
    if (colon == NULL || colon == line.at)
        return bad(message, "a header without a colon");
    if (in->header_count == INCOMING_MAX_HEADERS)
        return bad(message, "too many headers");
    size_t name_len = (size_t)(colon - line.at);
    in->headers[in->header_count++] = (struct incoming_header){
        .name = {line.at, name_len},
        .value = span_trim(span_make(colon + 1, line.len - name_len - 1)),
    };
    return INCOMING_DONE;
}

static void read_connection(struct incoming *in)
{
    bool is_old = span_is(in->version, "HTTP/1.0");
    in->wants_close = header_has(in, "Connection", "close") ||
                      (is_old && !header_has(in, "Connection", "keep-alive"));
    in->expects_continue = header_has(in, "Expect", "100-continue");
}

// Up to the empty line; `rest` is then the body.
static enum incoming_state parse_head(struct incoming *in, struct span *rest,
                                      struct errmsg *message)
{
    struct span line;
    size_t before = rest->len;
    bool has_line = false;
    in->header_count = 0;
    in->line = (struct span){0};
    while (take_line(rest, &line)) {
        if (before - rest->len > INCOMING_MAX_HEAD)
            return bad(message, "the headers are longer than 64 KiB");
        if (!has_line && line.len == 0)
            continue; // blank lines before a request are allowed
        if (!has_line && !parse_line(in, line))
            return bad(message, "that is no HTTP/1.1 request");
        if (has_line && line.len == 0) {
            read_connection(in);
            return INCOMING_DONE;
        }
        if (has_line && parse_header(in, line, message) == INCOMING_BAD)
            return INCOMING_BAD;
        has_line = true;
    }
    in->line = (struct span){0};
    return before > INCOMING_MAX_HEAD ? bad(message, "the headers are longer than 64 KiB")
                                      : INCOMING_MORE;
}

// ---- the body ----------------------------------------------------------------------------------

static bool parse_hex(struct span text, size_t *out)
{
    size_t number = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0 || number > INCOMING_MAX_BODY)
            return false;
        number = number * 16 + (size_t)digit;
    }
    *out = number;
    return text.len > 0;
}

// Lines after the last chunk, up to an empty one.
static enum incoming_state skip_trailers(struct span *rest)
{
    struct span line;
    while (take_line(rest, &line)) {
        if (line.len == 0)
            return INCOMING_DONE;
    }
    return INCOMING_MORE;
}

static enum incoming_state parse_chunks(struct incoming *in, struct span *rest,
                                        struct errmsg *message)
{
    struct span line;
    buf_clear(&in->chunks);
    while (take_line(rest, &line)) {
        struct span size_text = line;
        size_t size = 0;
        (void)span_split(&line, ';', &size_text);
        if (!parse_hex(span_trim(size_text), &size))
            return bad(message, "a chunk without a size");
        if (size == 0) {
            in->body = buf_span(&in->chunks);
            return skip_trailers(rest);
        }
        if (rest->len < size + 1)
            return INCOMING_MORE;
        if (buf_append(&in->chunks, rest->at, size) != OK)
            return bad(message, "the body is longer than 64 MiB");
        *rest = (struct span){rest->at + size, rest->len - size};
        if (!take_line(rest, &line))
            return INCOMING_MORE;
        if (line.len > 0)
            return bad(message, "a chunk is longer than it said");
    }
    return INCOMING_MORE;
}

static enum incoming_state parse_body(struct incoming *in, struct span *rest,
                                      struct errmsg *message)
{
    const struct incoming_header *length = incoming_find(in, "Content-Length");
    uint64_t bytes = 0;
    if (header_has(in, "Transfer-Encoding", "chunked"))
        return parse_chunks(in, rest, message);
    if (length != NULL && !span_to_uint64(length->value, &bytes))
        return bad(message, "Content-Length is no number");
    if (bytes > INCOMING_MAX_BODY)
        return bad(message, "the body is longer than 64 MiB");
    if (rest->len < bytes)
        return INCOMING_MORE;
    in->body = (struct span){rest->at, (size_t)bytes};
    *rest = (struct span){rest->at + bytes, rest->len - bytes};
    return INCOMING_DONE;
}

enum incoming_state incoming_parse(struct incoming *in, struct span bytes, size_t *used,
                                   struct errmsg *message)
{
    struct span rest = bytes;
    enum incoming_state state = parse_head(in, &rest, message);
    if (state == INCOMING_DONE)
        state = parse_body(in, &rest, message);
    if (state == INCOMING_DONE)
        *used = bytes.len - rest.len;
    return state;
}
