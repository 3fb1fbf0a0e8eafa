// SPDX-License-Identifier: MIT
// An attempt: one POST of a delivery, from the request's bytes to the record of what came of it.
//
// One arena, freed at once. It moves main → script host (as frames) → sender → main; whoever holds
// it owns it.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "model/outcome.h"

#define ATTEMPT_MAX_RESPONSE 65536 // bytes of the response that are read
#define ATTEMPT_MAX_EXCERPT  4096  // bytes of it that are kept

struct header {
    struct span name;
    struct span value;
};

// What a script's `response` said about an answer.
enum attempt_verdict { VERDICT_NONE, VERDICT_OK, VERDICT_RETRY, VERDICT_FAIL, VERDICT_DISABLE };

// Phase times count from the start of the attempt's transfer, in microseconds; 0: not reached.
struct attempt_times {
    uint32_t dns_us, connect_us, tls_us, first_byte_us, total_us;
};

#define ATTEMPT_MAGIC 0x41545054u
struct attempt {
    uint32_t magic;
    struct list_node node; // in the queue or mailbox that holds it
    struct arena arena;    // all spans below
    uint64_t delivery;     // delivery id
    uint32_t webhook;      // webhook number
    uint32_t revision;     // webhook revision
    uint32_t number;       // 1, 2, …
    int64_t started_ms;    // the system's clock; webhook-timestamp is this in seconds
    bool is_test;          // a test send: Retry-After and the like are ignored
    void *context;         // of whoever sends it

    // The request.
    struct span method, url, body;
    struct header *headers;
    uint32_t header_count;
    bool *set_by_sign;   // for each header: its value is never shown or recorded; NULL: none was
    uint32_t timeout_ms; // for the whole transfer
    uint8_t body_sha256[32];
    uint32_t body_len; // bytes sent (kept in the record; body is not)

    // What came of it.
    enum outcome outcome;
    struct span reason; // for people; empty: the outcome says it all
    struct attempt_times times;
    struct span remote; // "203.0.113.7:443"
    struct span tls;    // "TLSv1.3"; empty: none
    bool is_reused;     // the connection was kept from before
    bool is_resent;     // tried once more on a new connection; the receiver may have seen it
    bool is_incomplete; // 2xx, but the response's body was cut, slow or too long
    int status;         // 0: no answer
    struct header *response_headers;
    uint32_t response_header_count;
    struct span response;   // at most ATTEMPT_MAX_RESPONSE; a record keeps ATTEMPT_MAX_EXCERPT
    uint32_t response_len;  // bytes that were read
    int64_t retry_after_ms; // from Retry-After, relative; -1: none

    // What scripts did.
    struct span scripts; // names and versions: "github@1a2b3c4d slack@…"; empty: none
    struct span logs;    // lines of grapnel.log; bounded
    uint32_t script_cpu_us;
    uint32_t script_memory_bytes; // peak
    struct span response_error;   // why the `response` function failed; empty: it did not
    enum attempt_verdict verdict;
    int64_t verdict_after_ms; // VERDICT_RETRY: at least that much later; 0: none

    // Why it waited before it started (since the attempt before, or since it was accepted).
    struct span wait_reason; // empty: it did not
    uint32_t waited_ms;
};

#define ATTEMPT_SET_BY_SIGN "[set by sign]" // what is shown instead of such a header's value
// The value as it may be shown to whoever may see the request.
struct span attempt_shown_header(const struct attempt *attempt, uint32_t index);

// Arena of at most `max` bytes (bound the request first). Everything zero, retry_after_ms -1.
struct attempt *attempt_new(uint64_t delivery, size_t max);
void attempt_free(struct attempt *attempt); // NULL is fine

// The record that the store keeps: all but the request's bytes; header values that are secret are
// not in it. Unpacking borrows from `record`; header arrays come from `arena`.
void attempt_pack(const struct attempt *attempt, struct buf *out);
MUST_CHECK enum err attempt_unpack(struct span record, struct arena *arena, struct attempt *out);
