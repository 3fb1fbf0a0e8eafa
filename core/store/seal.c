// SPDX-License-Identifier: MIT
// Checksums of records; any thread.
#include "store/seal.h"

#include <endian.h>

#define MULTIPLIER UINT64_C(0x9fb21c651e98df25) // odd, bits well spread

static uint64_t mix(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * MULTIPLIER;
    return sum ^ sum >> 32;
}

// Eight bytes a step: every bit of the input reaches every bit of the sum. Against accidents, not
// against people: whoever writes the file can write the sum.
static uint64_t checksum(struct span bytes, uint64_t id)
{
    uint64_t sum = mix(MULTIPLIER, id);
    uint64_t word = 0;
    size_t at = 0;
    for (; at + sizeof word <= bytes.len; at += sizeof word) {
        memcpy(&word, bytes.at + at, sizeof word);
        sum = mix(sum, le64toh(word));
    }
    word = 0;
    if (at < bytes.len)
        memcpy(&word, bytes.at + at, bytes.len - at);
    return mix(mix(sum, le64toh(word)), bytes.len);
}

void seal_close(struct buf *record, size_t from, uint64_t id)
{
    uint64_t sum = htole64(checksum(span_make(record->at + from, record->len - from), id));
    (void)buf_append(record, &sum, sizeof sum);
}

bool seal_open(struct span *record, uint64_t id)
{
    uint64_t sum = 0;
    if (record->len < sizeof sum)
        return false;
    struct span bytes = {record->at, record->len - sizeof sum};
    memcpy(&sum, record->at + bytes.len, sizeof sum);
    if (le64toh(sum) != checksum(bytes, id))
        return false;
    *record = bytes;
    return true;
}

void seal_event(const struct event *event, struct buf *out)
{
    size_t from = out->len;
    event_pack(event, out);
    seal_close(out, from, event->seq);
}

enum err seal_open_event(uint64_t seq, struct span record, struct event **out)
{
    return seal_open(&record, seq) ? event_unpack(seq, record, out) : ERR_CORRUPT;
}
