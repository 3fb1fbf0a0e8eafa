// SPDX-License-Identifier: MIT
// Any line gives an event that keeps the rules, or a reply that is JSON; one thread.
#include "base/buf.h"
#include "base/check.h"
#include "ingest/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_event(const struct event *e, struct span line)
{
    CHECK(event_name_is_valid(e->name));
    CHECK(e->tenant.len > 0 && e->tenant.len <= 128);
    CHECK(e->key_id.len <= EVENT_MAX_KEY && e->order_key.len <= 128 && e->traceparent.len <= 128);
    // The payload is a piece of the line, byte for byte, and a value by itself.
    CHECK(memmem(line.at, line.len, e->payload.at, e->payload.len) != NULL);
    struct json_doc doc;
    json_init(&doc);
    CHECK(json_parse(&doc, e->payload, JSON_MAX_DEPTH - 1, &(struct json_error){0}) == OK);
    bool is_object = json_type(&doc, 0) == JSON_OBJECT;
    CHECK(e->form == EVENT_DATA || is_object);
    CHECK(e->form == EVENT_DATA || json_duplicate(&doc, 0) == JSON_NONE);
    CHECK(e->form != EVENT_FIELDS || json_get(&doc, 0, SPAN("hook")) == JSON_NONE);
    json_deinit(&doc);
}

static void check_reply(const struct wire_reply *reply)
{
    struct buf text;
    struct json_doc doc;
    buf_init(&text, WIRE_MAX_REPLY);
    wire_print(reply, &text);
    CHECK(!text.is_full);
    CHECK(memchr(text.at, '\n', text.len) == NULL);
    json_init(&doc);
    CHECK(json_parse(&doc, buf_span(&text), 2, &(struct json_error){0}) == OK);
    uint32_t ok = json_get(&doc, 0, SPAN("ok"));
    CHECK(ok != JSON_NONE &&
          json_type(&doc, ok) == (reply->code == WIRE_OK ? JSON_TRUE : JSON_FALSE));
    CHECK(reply->has_ref == (json_get(&doc, 0, SPAN("ref")) != JSON_NONE));
    json_deinit(&doc);
    buf_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wire *wire[2];
    if (wire[0] == NULL) {
        const struct span known[] = {SPAN("request.added"), SPAN("a")};
        wire[0] = wire_new(&(struct wire_rules){NULL, 0});
        wire[1] = wire_new(&(struct wire_rules){known, COUNT_OF(known)});
    }
    const struct wire_producer producer = {1, 2};
    struct span line = span_make(data, size);
    for (size_t i = 0; i < COUNT_OF(wire); i++) {
        struct event *event = NULL;
        struct wire_reply reply;
        enum err err = wire_decode(wire[i], line, &producer, &event, &reply);
        CHECK((err == OK) == (event != NULL) && (err == OK) == (reply.code == WIRE_OK));
        CHECK(!reply.has_offset || reply.offset <= line.len);
        if (event != NULL)
            check_event(event, line);
        check_reply(&reply);
        event_unref(event);
    }
    return 0;
}
