// SPDX-License-Identifier: MIT
// One line of the ingest socket: decoded and checked into an event; its reply printed; main only.
// (wire.md; also used by POST /api/v1/events)
#pragma once

#include "json/json_write.h"
#include "model/event.h"

enum wire_code {
    WIRE_OK = 0,
#define X(name, code, status, meaning) WIRE_##name,
#include "ingest/wire.def"
#undef X
    WIRE_CODE_COUNT
};
const char *wire_code_name(enum wire_code code);
int wire_code_status(enum wire_code code);

// What came of one line.
struct wire_reply {
    enum wire_code code; // WIRE_OK: accepted
    char message[256];   // for a person; empty when accepted
    bool has_offset;
    size_t offset;    // bad_json
    int64_t retry_ms; // rate_limited; 0: none
    struct uid id;    // accepted, or the first one's
    uint32_t deliveries;
    bool is_duplicate;
    char ref[129 * 6]; // raw JSON string content as it came (escaped), without quotes
    bool has_ref;
};

struct wire_rules {
    const struct span *known_events; // configured names; NULL: any
    size_t known_event_count;
};

struct wire_producer {
    uint32_t uid, pid; // UINT32_MAX: unknown
};

// Decodes one line (without its line feed). OK: `out` has one reference. Otherwise `reply` holds the
// code and message. `reply->ref` is set whenever the line was an object with a good `ref`. Tenants,
// rights and webhooks are not checked here: see ingest.h. Keeps a json_doc between calls.
struct wire;
struct wire *wire_new(const struct wire_rules *rules); // rules are copied
void wire_free(struct wire *wire);
MUST_CHECK enum err wire_decode(struct wire *wire, struct span line,
                                const struct wire_producer *producer, struct event **out,
                                struct wire_reply *reply);
// {"ok":true,…} and no line feed.
void wire_print(const struct wire_reply *reply, struct buf *out);
