// SPDX-License-Identifier: MIT
// The record in a delivery's row, pending or final, with its seal; any thread.
#pragma once

#include "base/buf.h"
#include "model/outcome.h"

struct row {
    enum outcome outcome; // of the last attempt
    bool is_replay;       // an operator made it
    uint32_t attempts;    // made so far
    uint32_t kills;       // renderings that ended with the host killed
    int64_t at_ms;        // when it was written down
    struct span reason;   // for people
    struct span attempt;  // final rows: record of the last attempt; empty: none
};

void row_pack(const struct row *row, uint64_t id, struct buf *out);
// Borrows from the record. ERR_CORRUPT, ERR_VERSION.
MUST_CHECK enum err row_unpack(struct span record, uint64_t id, struct row *out);
