// SPDX-License-Identifier: MIT
// The low-water mark: which deliveries of recent events have neither a final nor a pending row;
// owned by the thread of its backend.
//
// Every delivery of an event below the mark is disposed. Disposing twice is harmless, so that the
// mark can never run ahead of the truth.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mark_event; // private
struct mark {
    struct mark_event *ring; // owned; ascending by seq
    size_t head;             // index of the oldest
    size_t count;            // events in it
    size_t capacity;         // power of two, or 0
    uint64_t next;           // above every seq that was appended
};

// `next`: the first sequence number that is not in it yet.
void mark_init(struct mark *mark, uint64_t next);
void mark_deinit(struct mark *mark);
// An event that owes its first `webhooks` deliveries; seq above all before.
void mark_append(struct mark *mark, uint64_t seq, uint32_t webhooks);
// One of them got a row. Unknown ones are ignored.
void mark_dispose(struct mark *mark, uint64_t seq, uint32_t index);
bool mark_is_owed(const struct mark *mark, uint64_t seq, uint32_t index);
// The first event that owes something; `next` when none does.
uint64_t mark_low(const struct mark *mark);
// The first owed delivery at or after (*seq, *index); false when there is none.
bool mark_next(const struct mark *mark, uint64_t *seq, uint32_t *index);
