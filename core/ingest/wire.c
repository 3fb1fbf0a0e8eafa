// SPDX-License-Identifier: MIT
// One line of the ingest socket: decoded and checked into an event; its reply printed; main only.
#include "ingest/wire.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/date.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/pack.h"
#include "crypto/mac.h"
#include "json/json_write.h"

#define WIRE_MAX_TEXT  128                 // bytes of id, tenant and key, decoded
#define MAX_RAW        (WIRE_MAX_TEXT * 6) // bytes of such a text as written
#define KEEP_BYTES     ((size_t)64 << 10)  // of the hash input between lines
#define HASH_INPUT_MAX ((size_t)256 << 20) // a line and some; lines are bounded by the caller
#define SHOWN          60                  // bytes of a name in a message

enum field {
#define X(name, text, shape) FIELD_##name,
#include "ingest/wire_field.def"
#undef X
    FIELD_COUNT
};

static const char *const field_names[FIELD_COUNT] = {
#define X(name, text, shape) text,
#include "ingest/wire_field.def"
#undef X
};

static const char *const field_shapes[FIELD_COUNT] = {
#define X(name, text, shape) shape,
#include "ingest/wire_field.def"
#undef X
};

struct wire {
    struct json_doc doc;   // of the last line
    struct buf hash_input; // scratch
    char **names;          // owned; the known events, NULL: any
    size_t name_count;
};

// A line while it is being decoded.
struct decoding {
    struct wire *wire;                  // borrowed
    const struct json_doc *doc;         // borrowed
    struct wire_reply *reply;           // borrowed
    uint32_t values[FIELD_COUNT];       // nodes, or JSON_NONE
    struct event_source source;         // being filled
    struct uid webhook;                 // what source.webhook points to
    char scratch[FIELD_COUNT][MAX_RAW]; // texts that were written with escapes
};

// ---- codes and replies -------------------------------------------------------------------------

const char *wire_code_name(enum wire_code code)
{
    static const char *const names[] = {
        "ok",
#define X(name, text, status, meaning) text,
#include "ingest/wire.def"
#undef X
    };
    CHECK(code < WIRE_CODE_COUNT);
    return names[code];
}

int wire_code_status(enum wire_code code)
{
    static const int statuses[] = {
        200,
#define X(name, text, status, meaning) status,
#include "ingest/wire.def"
#undef X
    };
    CHECK(code < WIRE_CODE_COUNT);
    return statuses[code];
}

void wire_refuse(struct wire_reply *reply, enum wire_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reply->message, sizeof reply->message, format, args);
    va_end(args);
    reply->code = code;
}

static void print_ref(const struct wire_reply *reply, struct buf *out)
{
    if (!reply->has_ref)
        return;
    (void)buf_append_text(out, ",\"ref\":\"");
    (void)buf_append_text(out, reply->ref);
    (void)buf_append_char(out, '"');
}

void wire_print(const struct wire_reply *reply, struct buf *out)
{
    if (reply->code == WIRE_OK) {
        char id[UID_TEXT_LEN + 1];
        uid_print(&reply->id, id);
        (void)buf_append_text(out, "{\"ok\":true,\"id\":\"");
        (void)buf_append(out, id, UID_TEXT_LEN);
        (void)buf_append_text(out, "\",\"deliveries\":");
        (void)buf_append_uint64(out, reply->deliveries);
        if (reply->is_duplicate)
            (void)buf_append_text(out, ",\"duplicate\":true");
    } else {
        (void)buf_append_text(out, "{\"ok\":false,\"error\":{\"code\":\"");
        (void)buf_append_text(out, wire_code_name(reply->code));
        (void)buf_append_text(out, "\",\"message\":");
        json_write_quoted(out, span_of(reply->message));
        if (reply->has_offset)
            (void)buf_append_format(out, ",\"offset\":%zu", reply->offset);
        if (reply->retry_ms > 0)
            (void)buf_append_format(out, ",\"retry_ms\":%" PRId64, reply->retry_ms);
        (void)buf_append_char(out, '}');
    }
    print_ref(reply, out);
    (void)buf_append_char(out, '}');
}

// ---- members -----------------------------------------------------------------------------------

// A piece of input for a message, cut before a character that does not fit.
static struct span shown(struct span s)
{
    if (s.len <= SHOWN)
        return s;
    s.len = SHOWN;
    while (s.len > 0 && ((unsigned char)s.at[s.len] & 0xc0) == 0x80)
        s.len--;
    return s;
}

static enum err bad_field(struct decoding *d, enum field field)
{
    wire_refuse(d->reply, WIRE_BAD_FIELD, "\"%s\" must be %s", field_names[field],
                field_shapes[field]);
    return ERR_SYNTAX;
}

static enum err duplicate(struct decoding *d, uint32_t name)
{
    struct span text = shown(json_inside(d->doc, name));
    wire_refuse(d->reply, WIRE_BAD_JSON, "the name \"%.*s\" stands twice in one object",
                SPAN_ARGS(text));
    d->reply->has_offset = true;
    d->reply->offset = d->doc->nodes[name].start;
    return ERR_SYNTAX;
}

static enum field find_field(const struct json_doc *doc, uint32_t name)
{
    bool has_escape = doc->nodes[name].has_escape;
    struct span text = json_inside(doc, name);
    for (int i = 0; i < FIELD_COUNT; i++) {
        struct span known = span_of(field_names[i]);
        if (has_escape ? json_string_is(doc, name, known) : span_eq(text, known))
            return (enum field)i;
    }
    return FIELD_COUNT;
}

// Sets `out` to a string's decoded bytes; false when it is no string of at most `max` bytes.
static bool take_text(struct decoding *d, enum field field, size_t max, struct span *out)
{
    uint32_t node = d->values[field];
    if (json_type(d->doc, node) != JSON_STRING)
        return false;
    struct span raw = json_inside(d->doc, node);
    if (raw.len > max * 6 || raw.len > MAX_RAW)
        return false;
    *out = raw;
    if (d->doc->nodes[node].has_escape)
        *out = span_make(d->scratch[field], json_decode_string(d->doc, node, d->scratch[field]));
    return out->len <= max;
}

// Echoed also when something else is wrong with the line; unless it stands there twice.
static void take_ref(struct decoding *d)
{
    struct span decoded = {0};
    if (d->values[FIELD_REF] == JSON_NONE || !take_text(d, FIELD_REF, WIRE_MAX_REF, &decoded))
        return;
    struct span raw = json_inside(d->doc, d->values[FIELD_REF]);
    memcpy(d->reply->ref, raw.at, raw.len);
    d->reply->ref[raw.len] = '\0';
    d->reply->has_ref = true;
}

// Sorts the line's members to their fields. What is wrong with names is told in the order: twice,
// unknown.
static enum err take_members(struct decoding *d)
{
    uint32_t at = 1;
    uint32_t name = 0;
    uint32_t value = 0;
    uint32_t unknown = JSON_NONE;
    uint32_t twice = JSON_NONE;
    bool has_two_refs = false;
    while (json_next_member(d->doc, 0, &at, &name, &value)) {
        enum field field = find_field(d->doc, name);
        if (field == FIELD_COUNT) {
            unknown = unknown == JSON_NONE ? name : unknown;
            continue;
        }
        if (d->values[field] != JSON_NONE) {
            twice = twice == JSON_NONE ? name : twice;
            has_two_refs = has_two_refs || field == FIELD_REF;
        }
        d->values[field] = value;
    }
    if (!has_two_refs)
        take_ref(d);
    if (unknown != JSON_NONE)
        twice = json_duplicate(d->doc, 0);
    if (twice != JSON_NONE)
        return duplicate(d, twice);
    if (unknown == JSON_NONE)
        return OK;
    struct span text = json_inside(d->doc, unknown);
    struct span piece = shown(text);
    char hint[NEAREST_HINT_LEN];
    wire_refuse(d->reply, WIRE_UNKNOWN_FIELD, "unknown field \"%.*s\"%s", SPAN_ARGS(piece),
                nearest_hint(text, field_names, FIELD_COUNT, hint));
    return ERR_SYNTAX;
}

// ---- fields ------------------------------------------------------------------------------------

static enum err take_name(struct decoding *d)
{
    struct span name = {0};
    if (!take_text(d, FIELD_EVENT, EVENT_MAX_NAME, &name) || !event_name_is_valid(name))
        return bad_field(d, FIELD_EVENT);
    if (span_starts_with(name, SPAN(EVENT_ENGINE_PREFIX))) {
        wire_refuse(d->reply, WIRE_BAD_FIELD,
                    "\"event\" begins with \"" EVENT_ENGINE_PREFIX
                    "\": those are the engine's own; choose another name");
        return ERR_SYNTAX;
    }
    d->source.name = name;
    return OK;
}

static bool is_plain(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f)
            return false;
    }
    return true;
}

static enum err take_short_text(struct decoding *d, enum field field, struct span *out)
{
    struct span text = {0};
    if (!take_text(d, field, WIRE_MAX_TEXT, &text) || text.len == 0)
        return bad_field(d, field);
    // These come back in logs, headers and lists.
    if (!is_plain(text)) {
        wire_refuse(d->reply, WIRE_BAD_FIELD, "\"%s\" must not hold control characters",
                    field_names[field]);
        return ERR_SYNTAX;
    }
    *out = text;
    return OK;
}

// `fields` and `override`.
static enum err take_object(struct decoding *d, enum field field)
{
    uint32_t node = d->values[field];
    if (json_type(d->doc, node) != JSON_OBJECT)
        return bad_field(d, field);
    uint32_t twice = json_duplicate(d->doc, node);
    if (twice != JSON_NONE)
        return duplicate(d, twice);
    if (field == FIELD_FIELDS && json_get(d->doc, node, SPAN("hook")) != JSON_NONE) {
        wire_refuse(d->reply, WIRE_BAD_FIELD,
                    "\"fields\" must not hold \"hook\": the engine puts its own there");
        return ERR_SYNTAX;
    }
    return OK;
}

static enum err take_webhook(struct decoding *d)
{
    struct span text = {0};
    if (!take_text(d, FIELD_WEBHOOK, WIRE_MAX_TEXT, &text) || !uid_parse(text, &d->webhook))
        return bad_field(d, FIELD_WEBHOOK);
    d->source.webhook = &d->webhook;
    return OK;
}

// version "-" trace-id "-" parent-id "-" flags; a later version may have more behind a "-".
static bool is_traceparent(struct span text)
{
    static const char shape[] = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
    const size_t len = sizeof shape - 1;
    if (text.len < len || !is_plain(text))
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text.at[i];
        bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (shape[i] == '-' ? c != '-' : !is_hex)
            return false;
    }
    if (span_starts_with(text, SPAN("ff")) ||
        memcmp(text.at + 3, "00000000000000000000000000000000", 32) == 0 ||
        memcmp(text.at + 36, "0000000000000000", 16) == 0)
        return false;
    return text.len == len || (!span_starts_with(text, SPAN("00")) && text.at[len] == '-');
}

static enum err take_traceparent(struct decoding *d)
{
    struct span text = {0};
    if (!take_text(d, FIELD_TRACEPARENT, WIRE_MAX_TEXT, &text) || !is_traceparent(text))
        return bad_field(d, FIELD_TRACEPARENT);
    d->source.traceparent = text;
    return OK;
}

// A point in time as precise as it was written.
struct moment {
    int64_t seconds;
    int nanoseconds;
};

static enum err take_moment(struct decoding *d, enum field field, struct moment *out,
                            struct span *text)
{
    if (!take_text(d, field, WIRE_MAX_TEXT, text) ||
        !date_parse(*text, &out->seconds, &out->nanoseconds))
        return bad_field(d, field);
    return OK;
}

// Milliseconds, of which 0 means "not given".
static int64_t moment_ms(const struct moment *m)
{
    int64_t ms = m->seconds * 1000 + m->nanoseconds / 1000000;
    return ms != 0 ? ms : 1;
}

static enum err take_times(struct decoding *d)
{
    struct moment deliver = {0};
    struct moment expires = {0};
    struct moment happened = {0};
    struct span text = {0};
    enum err err = OK;
    if (d->values[FIELD_TIME] != JSON_NONE) {
        err = take_moment(d, FIELD_TIME, &happened, &d->source.time);
        d->source.time_ms = moment_ms(&happened);
    }
    bool has_deliver = d->values[FIELD_DELIVER_AT] != JSON_NONE;
    bool has_expires = d->values[FIELD_EXPIRES_AT] != JSON_NONE;
    if (err == OK && has_deliver)
        err = take_moment(d, FIELD_DELIVER_AT, &deliver, &text);
    if (err == OK && has_expires)
        err = take_moment(d, FIELD_EXPIRES_AT, &expires, &text);
    if (err != OK)
        return err;
    d->source.deliver_at_ms = has_deliver ? moment_ms(&deliver) : 0;
    d->source.expires_at_ms = has_expires ? moment_ms(&expires) : 0;
    bool is_after =
        expires.seconds > deliver.seconds ||
        (expires.seconds == deliver.seconds && expires.nanoseconds > deliver.nanoseconds);
    if (has_deliver && has_expires && !is_after) {
        wire_refuse(d->reply, WIRE_BAD_FIELD, "\"expires_at\" must be after \"deliver_at\"");
        return ERR_SYNTAX;
    }
    return OK;
}

static enum err take_optional(struct decoding *d)
{
    enum err err = OK;
    d->source.tenant = SPAN("default");
    if (d->values[FIELD_ID] != JSON_NONE)
        err = take_short_text(d, FIELD_ID, &d->source.key_id);
    if (err == OK && d->values[FIELD_TENANT] != JSON_NONE)
        err = take_short_text(d, FIELD_TENANT, &d->source.tenant);
    if (err == OK && d->values[FIELD_KEY] != JSON_NONE)
        err = take_short_text(d, FIELD_KEY, &d->source.order_key);
    if (err == OK && d->values[FIELD_WEBHOOK] != JSON_NONE)
        err = take_webhook(d);
    if (err == OK && d->values[FIELD_TRACEPARENT] != JSON_NONE)
        err = take_traceparent(d);
    if (err == OK && d->values[FIELD_REF] != JSON_NONE && !d->reply->has_ref)
        err = bad_field(d, FIELD_REF);
    return err == OK ? take_times(d) : err;
}

// Exactly one of data, fields, override.
static enum err take_payload(struct decoding *d)
{
    static const struct {
        enum field field;
        enum event_form form;
    } forms[] = {
        {FIELD_DATA, EVENT_DATA}, {FIELD_FIELDS, EVENT_FIELDS}, {FIELD_OVERRIDE, EVENT_OVERRIDE}};
    int found = -1;
    for (int i = 0; i < (int)COUNT_OF(forms); i++) {
        if (d->values[forms[i].field] == JSON_NONE)
            continue;
        if (found >= 0) {
            wire_refuse(d->reply, WIRE_BAD_FIELD, "\"%s\" and \"%s\" cannot stand together",
                        field_names[forms[found].field], field_names[forms[i].field]);
            return ERR_SYNTAX;
        }
        found = i;
    }
    if (found < 0) {
        wire_refuse(d->reply, WIRE_MISSING_FIELD,
                    "one of \"data\", \"fields\" and \"override\" is needed");
        return ERR_SYNTAX;
    }
    d->source.form = forms[found].form;
    d->source.payload = json_raw(d->doc, d->values[forms[found].field]);
    return forms[found].form == EVENT_DATA ? OK : take_object(d, forms[found].field);
}

static enum err check_known(struct decoding *d)
{
    const struct wire *wire = d->wire;
    if (wire->names == NULL)
        return OK;
    for (size_t i = 0; i < wire->name_count; i++) {
        if (span_is(d->source.name, wire->names[i]))
            return OK;
    }
    char hint[NEAREST_HINT_LEN];
    struct span piece = shown(d->source.name);
    wire_refuse(
        d->reply, WIRE_UNKNOWN_EVENT, "the event \"%.*s\" is not in the configured list%s",
        SPAN_ARGS(piece),
        nearest_hint(d->source.name, (const char *const *)wire->names, wire->name_count, hint));
    return ERR_SYNTAX;
}

static enum err take_line(struct decoding *d)
{
    enum err err = take_members(d);
    if (err == OK && d->values[FIELD_EVENT] == JSON_NONE) {
        wire_refuse(d->reply, WIRE_MISSING_FIELD, "\"event\" is needed: the event's name");
        err = ERR_SYNTAX;
    }
    if (err == OK)
        err = take_name(d);
    if (err == OK)
        err = take_optional(d);
    if (err == OK)
        err = take_payload(d);
    return err == OK ? check_known(d) : err;
}

// Of what makes two events with the same id the same. Lengths stand in front of all but the last
// part, so that nothing can pass for something else.
static void hash_content(struct wire *wire, struct event *event)
{
    struct buf *in = &wire->hash_input;
    buf_reset(in, KEEP_BYTES);
    pack_uint(in, (uint64_t)event->form);
    pack_bytes(in, event->tenant);
    pack_bytes(in, event->name);
    pack_bytes(in, event->order_key);
    pack_bytes(in, span_make(event->webhook.bytes, event->has_webhook ? 16 : 0));
    pack_raw(in, event->payload.at, event->payload.len);
    CHECK(!in->is_full);
    mac_digest(MAC_SHA256, buf_span(in), event->content_hash);
}

// ---- life --------------------------------------------------------------------------------------

struct wire *wire_new(const struct wire_rules *rules)
{
    struct wire *wire = xcalloc(1, sizeof *wire);
    json_init(&wire->doc);
    buf_init(&wire->hash_input, HASH_INPUT_MAX);
    if (rules->known_events == NULL)
        return wire;
    wire->name_count = rules->known_event_count;
    wire->names = xcalloc(wire->name_count + 1, sizeof *wire->names);
    for (size_t i = 0; i < wire->name_count; i++)
        wire->names[i] = xmemdup0(rules->known_events[i].at, rules->known_events[i].len);
    return wire;
}

void wire_free(struct wire *wire)
{
    if (wire == NULL)
        return;
    for (size_t i = 0; i < wire->name_count; i++)
        xfree(wire->names[i]);
    xfree(wire->names);
    buf_deinit(&wire->hash_input);
    json_deinit(&wire->doc);
    xfree(wire);
}

static void reset_reply(struct wire_reply *reply)
{
    // The two texts are long; their first bytes are enough.
    reply->code = WIRE_OK;
    reply->message[0] = '\0';
    reply->has_offset = false;
    reply->offset = 0;
    reply->retry_ms = 0;
    reply->id = (struct uid){{0}};
    reply->deliveries = 0;
    reply->is_duplicate = false;
    reply->ref[0] = '\0';
    reply->has_ref = false;
}

static enum err decode(struct decoding *d, const struct wire_producer *producer, struct event **out)
{
    if (json_type(d->doc, 0) != JSON_OBJECT) {
        wire_refuse(d->reply, WIRE_NOT_AN_OBJECT, "the line must be a JSON object: {\"event\": …}");
        return ERR_SYNTAX;
    }
    d->source = (struct event_source){.uid = producer->uid, .pid = producer->pid};
    for (int i = 0; i < FIELD_COUNT; i++)
        d->values[i] = JSON_NONE;
    enum err err = take_line(d);
    if (err != OK)
        return err;
    struct event *event = event_new(&d->source);
    if (event->key_id.len > 0)
        hash_content(d->wire, event);
    *out = event;
    return OK;
}

enum err wire_decode(struct wire *wire, struct span line, const struct wire_producer *producer,
                     struct event **out, struct wire_reply *reply)
{
    struct json_error error = {0};
    struct decoding d; // large: only what is needed is set
    reset_reply(reply);
    if (json_parse(&wire->doc, line, JSON_MAX_DEPTH, &error) == OK) {
        d.wire = wire;
        d.doc = &wire->doc;
        d.reply = reply;
        return decode(&d, producer, out);
    }
    wire_refuse(reply, WIRE_BAD_JSON, "%s", error.message);
    reply->has_offset = true;
    reply->offset = error.offset;
    return ERR_SYNTAX;
}
