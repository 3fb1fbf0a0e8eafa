// SPDX-License-Identifier: MIT
// The wire between engine and script host: frames over a socketpair; either side's only thread.
//
// 32 bytes of header and a payload of pack.h fields. Both check all; the engine kills a host that
// sends what it may not. Spans are borrowed from the bytes read; a full buffer is its writer's care.
#pragma once

#include "base/buf.h"

#define FRAME_HEADER_LEN    32
#define FRAME_MAX_TO_HOST   (64u * 1024 * 1024) // bytes of a payload
#define FRAME_MAX_FROM_HOST (6u * 1024 * 1024)
#define FRAME_MAX_OUTPUT    (4u * 1024 * 1024) // bytes of a request's body
#define FRAME_MAX_HEADERS   256
#define FRAME_MAX_SCRIPTS   16
#define FRAME_MAX_SECRETS   8
#define FRAME_MAX_ENV       256
#define FRAME_MAX_PROBLEMS  32
#define FRAME_MAX_REASON    1024 // bytes of a reason, an error, a message
#define FRAME_MAX_LOGS      8192

enum frame_side { FRAME_ENGINE, FRAME_HOST };
enum frame_kind {
#define X(name, side, text) FRAME_##name,
#include "script/frame.def"
#undef X
    FRAME_KIND_COUNT
};
// How a visit to a host ended; it meets the other failures in model/retry.c.
enum script_result {
    SCRIPT_DONE,
    SCRIPT_FILTERED,
    SCRIPT_ERROR,
    SCRIPT_TIMEOUT,
    SCRIPT_MEMORY,
    SCRIPT_KILLED, // never said by a host
};

struct frame {
    uint32_t len;    // bytes of the payload
    uint32_t kind;   // enum frame_kind
    uint64_t id;     // of a visit: an answer bears the question's
    uint32_t number; // of a webhook's facts or of a script version
    uint32_t result; // of an answer: enum script_result
    struct span payload;
};

enum frame_step { FRAME_WHOLE, FRAME_PARTIAL, FRAME_FORGED };
// Takes one frame that `side` has said off `rest`. PARTIAL: wait for more; out->len is set when the
// header is there, else 0. FORGED: that side may not say this; out->kind and id are its claim.
enum frame_step frame_take(struct span *rest, enum frame_side side, struct frame *out);
// Writes a header and answers where it stands; append the payload, then end it.
size_t frame_begin(struct buf *out, const struct frame *header);
void frame_end(struct buf *out, size_t begin);

struct frame_pair {
    struct span name, value;
    bool is_secret; // set by `sign`: never shown
};
struct frame_secret {
    struct span text;
    int64_t expires_ms; // wall clock; 0: never
};
struct frame_use {       // one script of a webhook
    uint32_t script;     // number of the version
    struct span options; // JSON object; empty: none
};
struct frame_script {                  // SCRIPT, CHECK_SCRIPT
    struct span name, version, source; // "slack", 64 hex digits, text
};
struct frame_webhook { // WEBHOOK, CHECK_WEBHOOK
    struct span uuid, name, target, tenant;
    struct span metadata, extra_payload; // JSON objects; empty: none
    bool is_into_data;                   // where extra_payload goes
    uint32_t script_count, secret_count, env_count;
    struct frame_use scripts[FRAME_MAX_SCRIPTS];
    struct frame_secret secrets[FRAME_MAX_SECRETS]; // newest first
    struct frame_pair env[FRAME_MAX_ENV];
};
// RENDER, RESPONSE. Header arrays have room for FRAME_MAX_HEADERS when reading.
struct frame_visit {
    uint64_t memory_bytes;                       // ceiling of a state
    struct span event_id, event_name, key, time; // time: RFC 3339
    uint32_t form;                               // 0: no payload; else 1 + enum event_form
    bool is_in_body;                             // the payload is a part of `body`
    uint64_t data_at, data_len;                  // which; bytes
    struct span payload;                         // when it is not
    uint32_t attempt, status;                    // 1, 2, …; RESPONSE: the answer's
    struct span attempt_id;
    int64_t started_ms;            // wall clock
    struct span method, url, body; // RENDER: the request so far
    uint32_t header_count;         // RENDER: the request's; RESPONSE: the answer's
    struct frame_pair *headers;
    bool is_truncated; // RESPONSE
    struct span response;
};
enum frame_verdict { FRAME_NONE, FRAME_OK, FRAME_RETRY, FRAME_FAIL, FRAME_DISABLE };
// What one of the webhook's scripts used, where it stands first.
struct frame_used {
    bool has_run; // one of its functions was called
    uint32_t cpu_us, memory_bytes;
};
// ANSWER. Of a failure only reason, logs and accounts count.
struct frame_answer {
    struct span reason, logs;
    uint32_t script;     // 1 + index of the script that ended the visit; 0: none did
    uint32_t used_count; // of the webhook's scripts, in its order
    struct frame_used used[FRAME_MAX_SCRIPTS];
    bool is_body_same; // as it was sent to the host; `body` is then empty
    struct span method, url, body;
    uint32_t header_count;
    struct frame_pair *headers; // as in frame_visit
    uint32_t verdict;           // RESPONSE: enum frame_verdict
    int64_t after_ms;           // FRAME_RETRY: at least that much later
};
struct frame_checked {  // CHECKED
    struct span reason; // "slack.lua:12: …", also of tests that failed; empty: all is well
    struct span description,
        results;               // JSON: help, functions, options (empty: does not load); tests
    uint32_t functions, tests; // functions: set of 1u << enum frame_function
};
enum frame_function { FRAME_FILTER, FRAME_TRANSFORM, FRAME_SIGN, FRAME_JUDGE, FRAME_FUNCTIONS };
struct frame_problems { // PROBLEMS
    uint32_t count;
    struct frame_pair list[FRAME_MAX_PROBLEMS]; // field, message
};
struct frame_ready {     // READY
    struct span missing; // parts of the lock-down that this system does not allow; empty: none
};

// frame_put_* writes what it is given; frame_get_*: are the bytes whole, in bounds, and no more?
#define FRAME_PAYLOAD(name)                                               \
    void frame_put_##name(struct buf *out, const struct frame_##name *p); \
    MUST_CHECK bool frame_get_##name(struct span payload, struct frame_##name *out)
FRAME_PAYLOAD(script);
FRAME_PAYLOAD(webhook);
FRAME_PAYLOAD(visit);
FRAME_PAYLOAD(answer);
FRAME_PAYLOAD(checked);
FRAME_PAYLOAD(problems);
FRAME_PAYLOAD(ready);

// What a host is doing, in a page shared with the engine, which reads and does not trust it.
// `turn` is odd while the others change.
struct frame_board {
    _Atomic uint64_t turn;
    _Atomic uint64_t visit;  // id; 0: none
    _Atomic uint64_t cpu_ns; // the host's CPU clock when that began
    _Atomic uint32_t script; // number of the version, or golden test, that runs; 0: none yet
};
