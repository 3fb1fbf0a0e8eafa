// SPDX-License-Identifier: MIT
// One line of the ingest socket: decoded and checked into an event; its reply printed; main only.
// (wire.md; also used by POST /api/v1/events)
#pragma once

#include "json/json.h"
#include "model/event.h"

enum wire_code {
    WIRE_OK = 0,
#define X(name, code, status, meaning) WIRE_##name,
#include "ingest/wire.def"
#undef X
    WIRE_CODE_COUNT
};
// "bad_json"; "ok" for WIRE_OK; static.
const char *wire_code_name(enum wire_code code);
// Of an HTTP answer: 200 for WIRE_OK.
int wire_code_status(enum wire_code code);

#define WIRE_MAX_MESSAGE 256                // bytes, with a NUL
#define WIRE_MAX_REF     128                // bytes, decoded
#define WIRE_MAX_RAW_REF (WIRE_MAX_REF * 6) // bytes, as it is written: \u0001
// Bytes that a printed reply has at most: every byte of a message may need six.
#define WIRE_MAX_REPLY (WIRE_MAX_MESSAGE * 6 + WIRE_MAX_RAW_REF + 256)

// What came of one line.
struct wire_reply {
    enum wire_code code;            // WIRE_OK: accepted
    char message[WIRE_MAX_MESSAGE]; // for a person; empty when accepted
    bool has_offset;
    size_t offset;    // bad_json: byte in the line, from 0
    int64_t retry_ms; // rate_limited; 0: none
    struct uid id;    // accepted, or the first one's
    uint32_t deliveries;
    bool is_duplicate;
    char ref[WIRE_MAX_RAW_REF + 1]; // content of the JSON string as it came, without quotes
    bool has_ref;
};

// Makes it an error; `ref` and the other members stay.
void wire_refuse(struct wire_reply *reply, enum wire_code code, const char *format, ...)
    PRINTF_LIKE(3, 4);

struct wire_rules {
    const struct span *known_events; // configured names; NULL: any
    size_t known_event_count;
};

struct wire_producer {
    uint32_t uid, pid; // UINT32_MAX: unknown
};

// Decodes one line (without its line feed). OK: `out` has one reference. ERR_SYNTAX: `reply` holds
// the code and message. `reply` is set as a whole, `ref` whenever the line was an object with a good
// one. Tenants, rights and webhooks are not checked here: see ingest.h. The length of the line is
// the caller's matter. Keeps memory between calls.
struct wire;
struct wire *wire_new(const struct wire_rules *rules); // rules are copied
void wire_free(struct wire *wire);
MUST_CHECK enum err wire_decode(struct wire *wire, struct span line,
                                const struct wire_producer *producer, struct event **out,
                                struct wire_reply *reply);
// {"ok":true,…} and no line feed.
void wire_print(const struct wire_reply *reply, struct buf *out);
