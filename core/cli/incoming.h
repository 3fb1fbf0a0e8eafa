// SPDX-License-Identifier: MIT
// One HTTP/1.1 request as it comes in, for grapnel listen: found in bytes, borrowed from them; any
// thread.
//
// As lenient as a debugging receiver may be: header names and values are shown as they came, even
// when they are odd.
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define INCOMING_MAX_HEADERS 128
#define INCOMING_MAX_HEAD    65536      // bytes of request line and headers
#define INCOMING_MAX_BODY    (64 << 20) // bytes

struct incoming_header {
    struct span name, value; // borrowed from the bytes
};

struct incoming {
    struct span line;                    // "POST /hook HTTP/1.1"
    struct span method, target, version; // parts of it
    struct incoming_header headers[INCOMING_MAX_HEADERS];
    size_t header_count;
    struct span body;      // borrowed from the bytes, or from `chunks`
    struct buf chunks;     // owned; the body, when it came in chunks
    bool expects_continue; // it waits for "100 Continue" before it sends the body
    bool wants_close;      // the connection ends with the answer
};

enum incoming_state {
    INCOMING_MORE, // more bytes are needed
    INCOMING_DONE,
    INCOMING_BAD, // the message says why
};

void incoming_init(struct incoming *in);
void incoming_deinit(struct incoming *in);
// Looks at all bytes that came so far. DONE: `*used` bytes are this request. MORE: line, headers and
// expects_continue are set as soon as the head is complete (line.len > 0).
enum incoming_state incoming_parse(struct incoming *in, struct span bytes, size_t *used,
                                   struct errmsg *message);
// The first header of that name (any case); NULL: it has none.
const struct incoming_header *incoming_find(const struct incoming *in, const char *name);
