// SPDX-License-Identifier: MIT
// A checksum on every record that the store keeps: a flipped bit, or a row in another's place, is
// found when it is read; any thread.
#pragma once

#include "base/buf.h"
#include "model/event.h"

#define SEAL_LEN 8

// Appends the checksum of what lies behind `from` in the buffer. `id`: of the row.
void seal_close(struct buf *record, size_t from, uint64_t id);
// Takes the checksum off; false when it is wrong: the record is not to be believed.
bool seal_open(struct span *record, uint64_t id);

// An event's record with its seal, and back. ERR_CORRUPT, ERR_VERSION.
void seal_event(const struct event *event, struct buf *out);
MUST_CHECK enum err seal_open_event(uint64_t seq, struct span record, struct event **out);
