// SPDX-License-Identifier: MIT
// Lines out of a stream of bytes, without copying those that come in one piece; main only.
//
// Feed what was read, take lines until there are no more; or stop in between, hold the rest, and go
// on later. Each byte is looked at once, however small the pieces.
#pragma once

#include "base/buf.h"

enum ndjson_found {
    NDJSON_LINE,      // a line, without its line feed
    NDJSON_TOO_LARGE, // a line that is longer than allowed: told once, skipped to its end
    NDJSON_MORE,      // nothing until more is fed
};

struct ndjson {
    size_t max_line;  // bytes of a line, without its line feed
    struct span fed;  // borrowed: what was fed last and not taken yet
    struct buf held;  // copies: an unfinished line, or what could not be taken yet
    size_t taken;     // bytes at the front of `held` that are done with
    size_t scanned;   // bytes behind those that hold no line feed
    bool is_skipping; // in the rest of a line that is too large
};

// `max_fed`: of one feeding.
void ndjson_init(struct ndjson *lines, size_t max_line, size_t max_fed);
void ndjson_deinit(struct ndjson *lines);
// At first and after NDJSON_MORE. The bytes are borrowed until NDJSON_MORE or ndjson_hold.
void ndjson_feed(struct ndjson *lines, struct span bytes);
// The line is borrowed until the next call of any function here.
MUST_CHECK enum ndjson_found ndjson_next(struct ndjson *lines, struct span *line);
// Copies what was fed and not taken.
void ndjson_hold(struct ndjson *lines);
// The stream has ended, and ndjson_next said NDJSON_MORE: the last line, if it had no line feed.
// NDJSON_LINE or NDJSON_MORE.
MUST_CHECK enum ndjson_found ndjson_end(struct ndjson *lines, struct span *line);
// Bytes of memory that it holds.
size_t ndjson_size(const struct ndjson *lines);
