// SPDX-License-Identifier: MIT
// The answer of a target as it comes in, bounded: header lines, body, Retry-After; one thread.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "model/attempt.h"

#define ANSWER_MAX_HEAD    65536 // bytes of header lines, interim answers included
#define ANSWER_MAX_HEADERS 256   // header lines that are kept
#define ANSWER_MAX_INTERIM 16    // answers of 1xx

struct answer {
    struct buf head;   // lines of the final answer, as they came
    struct buf body;   // of the final answer
    size_t head_bytes; // lines of all answers
    int status;        // of the newest answer; 0: none yet
    unsigned lines;    // in head
    unsigned interim;  // answers of 1xx
    bool is_open;      // a status line has come, its header has not ended
    bool is_complete;  // the final answer's header has ended
    bool is_cut;       // the body was longer than ATTEMPT_MAX_RESPONSE
};

void answer_init(struct answer *answer);
void answer_deinit(struct answer *answer);
void answer_clear(struct answer *answer);
// A line as libcurl hands it out: status line, header, or the empty line at their end. NULL: go on;
// else what is wrong with the answer, static.
const char *answer_add_line(struct answer *answer, struct span line);
// False: that is enough, close the connection.
bool answer_add_body(struct answer *answer, struct span piece);
// Copies status, headers, body and Retry-After of a complete answer into `attempt`; what goes into
// its arena comes on top of the arena's maximum. `wall_ms` is now, unless the answer's own Date says
// what its target takes for now: a date in Retry-After is counted from that.
void answer_fill(const struct answer *answer, struct attempt *attempt, int64_t wall_ms);

// Milliseconds from a Retry-After value: seconds (at most ANSWER_MAX_RETRY_MS), or a date, which
// gives 0 when it is past; -1: neither.
#define ANSWER_MAX_RETRY_MS (365LL * 86400 * 1000)
int64_t answer_parse_retry(struct span value, int64_t wall_ms);
