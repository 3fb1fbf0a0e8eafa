// SPDX-License-Identifier: MIT
// The writer: commas, colons and escapes in the right places; any thread.
#include "json/json_write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/date.h"
#include "json/json.h"
#include "json/json_scan.h"

void json_write_init(struct json_writer *w, struct buf *buf)
{
    *w = (struct json_writer){.buf = buf};
}

// ---- nesting ----

// The innermost open container's bit; none when nothing is open.
static uint64_t level_bit(const struct json_writer *w)
{
    return w->depth ? (uint64_t)1 << (w->depth - 1) : 0;
}

static bool is_in_object(const struct json_writer *w)
{
    return w->is_object & level_bit(w);
}

static void comma(struct json_writer *w)
{
    CHECK(w->depth > 0 || !w->has_root); // one root, no more
    if (w->has_member & level_bit(w))
        buf_append_char(w->buf, ',');
    w->has_member |= level_bit(w);
    w->has_root = true;
}

static void before_value(struct json_writer *w)
{
    if (w->is_after_name) {
        w->is_after_name = false;
        return;
    }
    CHECK(!is_in_object(w)); // a value needs a name there
    comma(w);
}

static void open_container(struct json_writer *w, bool is_object)
{
    before_value(w);
    CHECK(w->depth < JSON_WRITE_MAX_DEPTH);
    buf_append_char(w->buf, is_object ? '{' : '[');
    w->depth++;
    w->has_member &= ~level_bit(w);
    w->is_object &= ~level_bit(w);
    if (is_object)
        w->is_object |= level_bit(w);
}

static void close_container(struct json_writer *w, bool is_object)
{
    CHECK(w->depth > 0 && !w->is_after_name && is_in_object(w) == is_object);
    buf_append_char(w->buf, is_object ? '}' : ']');
    w->depth--;
}

void json_write_object(struct json_writer *w)
{
    open_container(w, true);
}

void json_write_array(struct json_writer *w)
{
    open_container(w, false);
}

void json_write_end_object(struct json_writer *w)
{
    close_container(w, true);
}

void json_write_end_array(struct json_writer *w)
{
    close_container(w, false);
}

// ---- strings ----

static void append_escape(struct buf *buf, uint8_t c)
{
    static const char hex[] = "0123456789abcdef";
    char text[6] = {'\\', (char)c, '0', '0', hex[c >> 4 & 0xf], hex[c & 0xf]};
    switch (c) {
    case '"':
    case '\\': break;
    case '\b': text[1] = 'b'; break;
    case '\f': text[1] = 'f'; break;
    case '\n': text[1] = 'n'; break;
    case '\r': text[1] = 'r'; break;
    case '\t': text[1] = 't'; break;
    default: text[1] = 'u'; break;
    }
    buf_append(buf, text, text[1] == 'u' ? 6 : 2);
}

static void append_escaped(struct buf *buf, struct span text)
{
    if (text.len == 0)
        return;
    const uint8_t *at = (const uint8_t *)text.at;
    const uint8_t *end = at + text.len;
    while (!buf->is_full) {
        const uint8_t *stop = json_scan_escape(at, end);
        buf_append(buf, at, (size_t)(stop - at));
        if (stop == end)
            return;
        append_escape(buf, *stop);
        at = stop + 1;
    }
}

static void append_string(struct buf *buf, struct span text)
{
    buf_append_char(buf, '"');
    append_escaped(buf, text);
    buf_append_char(buf, '"');
}

void json_write_quoted(struct buf *buf, struct span text)
{
    buf_append_char(buf, '"');
    while (text.len > 0 && !buf->is_full) {
        size_t good = json_utf8_prefix(text);
        append_escaped(buf, span_make(text.at, good));
        if (good == text.len)
            break;
        buf_append_text(buf, "\xef\xbf\xbd");
        text.at += good + 1;
        text.len -= good + 1;
    }
    buf_append_char(buf, '"');
}

void json_write_name_span(struct json_writer *w, struct span name)
{
    CHECK(is_in_object(w) && !w->is_after_name);
    comma(w);
    append_string(w->buf, name);
    buf_append_char(w->buf, ':');
    w->is_after_name = true;
}

void json_write_quoted_name(struct json_writer *w, struct span name)
{
    CHECK(is_in_object(w) && !w->is_after_name);
    comma(w);
    json_write_quoted(w->buf, name);
    buf_append_char(w->buf, ':');
    w->is_after_name = true;
}

void json_write_name(struct json_writer *w, const char *name)
{
    json_write_name_span(w, span_of(name));
}

void json_write_string(struct json_writer *w, struct span text)
{
    before_value(w);
    append_string(w->buf, text);
}

void json_write_quoted_value(struct json_writer *w, struct span text)
{
    before_value(w);
    json_write_quoted(w->buf, text);
}

void json_write_text(struct json_writer *w, const char *text)
{
    if (text)
        json_write_string(w, span_of(text));
    else
        json_write_null(w);
}

// ---- other values ----

void json_write_raw(struct json_writer *w, struct span json)
{
    before_value(w);
    buf_append_span(w->buf, json.len ? json : SPAN("null"));
}

void json_write_null(struct json_writer *w)
{
    json_write_raw(w, SPAN("null"));
}

void json_write_bool(struct json_writer *w, bool value)
{
    json_write_raw(w, value ? SPAN("true") : SPAN("false"));
}

void json_write_int(struct json_writer *w, int64_t number)
{
    before_value(w);
    if (number < 0)
        buf_append_char(w->buf, '-');
    // Negated unsigned, because INT64_MIN has no positive twin.
    buf_append_uint64(w->buf, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

size_t json_write_double_text(double number, char out[JSON_DOUBLE_TEXT])
{
    // 15 digits always survive, so where they read back equal nothing shorter differs from them;
    // 17 always do.
    int len = 0;
    for (int precision = 15; precision <= 17; precision++) {
        len = snprintf(out, JSON_DOUBLE_TEXT, "%.*g", precision, number);
        if (precision == 17 || strtod(out, NULL) == number)
            break;
    }
    // A locale may have another point.
    for (int i = 0; i < len; i++) {
        if (!strchr("0123456789+-e", out[i]))
            out[i] = '.';
    }
    return (size_t)len;
}

void json_write_double(struct json_writer *w, double number)
{
    if (!isfinite(number)) {
        json_write_null(w);
        return;
    }
    char text[JSON_DOUBLE_TEXT];
    size_t len = json_write_double_text(number, text);
    json_write_raw(w, span_make(text, len));
}

void json_write_date_ms(struct json_writer *w, int64_t wall_ms)
{
    if (wall_ms == 0) {
        json_write_null(w);
        return;
    }
    char text[DATE_TEXT_LEN];
    date_print_ms(wall_ms, text);
    json_write_text(w, text);
}

void json_write_uid(struct json_writer *w, const struct uid *uid)
{
    char text[UID_TEXT_LEN + 1];
    uid_print(uid, text);
    json_write_text(w, text);
}

// ---- members ----

void json_write_member_text(struct json_writer *w, const char *name, const char *text)
{
    json_write_name(w, name);
    json_write_text(w, text);
}

void json_write_member_string(struct json_writer *w, const char *name, struct span text)
{
    json_write_name(w, name);
    json_write_string(w, text);
}

void json_write_member_int(struct json_writer *w, const char *name, int64_t number)
{
    json_write_name(w, name);
    json_write_int(w, number);
}

void json_write_member_bool(struct json_writer *w, const char *name, bool value)
{
    json_write_name(w, name);
    json_write_bool(w, value);
}

void json_write_member_raw(struct json_writer *w, const char *name, struct span json)
{
    json_write_name(w, name);
    json_write_raw(w, json);
}
