// SPDX-License-Identifier: MIT
// Writing JSON into a buffer, compact, with commas where they belong; any thread.
//
// What we write ourselves escapes only quote, backslash and control characters. Mistakes of nesting
// abort; overflow shows as buf->is_full.
#pragma once

#include "base/buf.h"
#include "base/uid.h"

#define JSON_WRITE_MAX_DEPTH 64
#define JSON_DOUBLE_TEXT     32 // bytes of a double, with the NUL

// For one document: init again for the next one.
struct json_writer {
    struct buf *buf;     // borrowed
    unsigned depth;      // open containers
    uint64_t has_member; // bit d: the container at depth d (the root's is 0) has something already
    uint64_t is_object;  // bit d: the container at depth d is an object
    bool has_root;       // the document has its value, or a part of it
    bool is_after_name;  // a value must follow
};

void json_write_init(struct json_writer *w, struct buf *buf);
void json_write_object(struct json_writer *w);
void json_write_array(struct json_writer *w);
void json_write_end_object(struct json_writer *w);
void json_write_end_array(struct json_writer *w);
void json_write_name(struct json_writer *w, const char *name);
void json_write_name_span(struct json_writer *w, struct span name); // decoded; is escaped
void json_write_string(struct json_writer *w, struct span text);    // decoded UTF-8; is escaped
void json_write_text(struct json_writer *w, const char *text);      // NULL writes null
void json_write_int(struct json_writer *w, int64_t number);
// The shortest that reads back equal; null when not finite.
void json_write_double(struct json_writer *w, double number);
void json_write_bool(struct json_writer *w, bool value);
void json_write_null(struct json_writer *w);
void json_write_raw(struct json_writer *w, struct span json); // a whole value, copied; empty: null
void json_write_date_ms(struct json_writer *w, int64_t wall_ms); // RFC 3339; 0 writes null
void json_write_uid(struct json_writer *w, const struct uid *uid);

// Member of that name in one call.
void json_write_member_text(struct json_writer *w, const char *name, const char *text);
void json_write_member_string(struct json_writer *w, const char *name, struct span text);
void json_write_member_int(struct json_writer *w, const char *name, int64_t number);
void json_write_member_bool(struct json_writer *w, const char *name, bool value);
void json_write_member_raw(struct json_writer *w, const char *name, struct span json);

// A name or string value from bytes that may be no UTF-8, see json_write_quoted.
void json_write_quoted_name(struct json_writer *w, struct span name);
void json_write_quoted_value(struct json_writer *w, struct span text);

// Appends text as a quoted JSON string. Bytes that are no UTF-8 become U+FFFD (for peers' answers
// in logs and the API, never for payloads).
void json_write_quoted(struct buf *buf, struct span text);
// A finite double as the shortest text that reads back equal; returns its length.
size_t json_write_double_text(double number, char out[JSON_DOUBLE_TEXT]);
