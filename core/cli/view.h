// SPDX-License-Identifier: MIT
// How the API's objects look to people: webhooks, deliveries, attempts, times; the main thread.
//
// Everything is made safe for a terminal. A member that is missing, null or of another type reads
// as empty: an older or newer engine is shown as far as it is understood.
#pragma once

#include "base/arena.h"
#include "cli/table.h"
#include "json/json.h"

#define VIEW_MAX (128 << 20) // bytes of one output

// What the printing functions share.
struct view {
    const struct json_doc *doc; // borrowed; of the answer
    struct arena arena;         // owned; decoded texts
    struct buf out;             // owned; what is printed
    bool has_colour;
    int width;
    int64_t now_ms; // wall clock, for "12 s ago"
};

// For standard output as it is now.
void view_init(struct view *view, const struct json_doc *doc);
void view_deinit(struct view *view);
// Writes `out` to standard output and empties it.
void view_flush(struct view *view);

// A member's text: a string decoded, a number or boolean as written, else empty; in the arena.
struct span view_text(struct view *view, uint32_t object, const char *name);
// The member's node; JSON_NONE when it is missing or null.
uint32_t view_member(const struct view *view, uint32_t object, const char *name);
int64_t view_int(const struct view *view, uint32_t object, const char *name);
bool view_is_true(const struct view *view, uint32_t object, const char *name);
// A node's text, as view_text.
struct span view_node_text(struct view *view, uint32_t node);
// The texts of an array's elements, separated by `between`.
struct span view_joined(struct view *view, uint32_t array, const char *between);

// "12 s ago", "in 3 min" of an RFC 3339 time; in the arena; empty when it is none.
struct span view_ago(struct view *view, struct span time);
// "1,204"; in the arena.
struct span view_count(struct view *view, int64_t number);
// Green, yellow, red or plain by the name of a state or outcome.
enum term_style view_style(struct span state);

// Appends safe text, and text in a style.
void view_put(struct view *view, struct span text);
void view_put_styled(struct view *view, enum term_style style, struct span text);
void view_format(struct view *view, const char *format, ...) PRINTF_LIKE(2, 3);
// "  name:        value" unless the value is empty.
void view_put_field(struct view *view, const char *name, struct span value);

// A webhook in several lines; one of its secrets when the answer has it.
void view_webhook(struct view *view, uint32_t webhook);
// "paused · circuit_breaker, goes on in 30 s": all that hold it, but one; empty: nothing does.
struct span view_holds(struct view *view, uint32_t webhook, struct span except);
// "  1  2026-…Z  connect 3 ms · first byte 212 ms · http_5xx (502) "reason"" in one line.
void view_attempt_line(struct view *view, uint32_t attempt);
// Request and response of a test send or a record.
void view_attempt(struct view *view, uint32_t attempt);
// A delivery with its attempts.
void view_delivery(struct view *view, uint32_t delivery);
