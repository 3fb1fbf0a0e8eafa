// SPDX-License-Identifier: MIT
// The record in a delivery's row; any thread.
#include "store/row.h"

#include "base/pack.h"
#include "store/seal.h"

#define ROW_VERSION 1

enum { IS_REPLAY = 1 };

void row_pack(const struct row *row, uint64_t id, struct buf *out)
{
    size_t from = out->len;
    pack_uint(out, ROW_VERSION);
    pack_uint(out, row->is_replay ? IS_REPLAY : 0);
    pack_uint(out, row->outcome);
    pack_uint(out, row->attempts);
    pack_uint(out, row->kills);
    pack_int(out, row->at_ms);
    pack_bytes(out, row->reason);
    if (row->attempt.len > 0)
        pack_raw(out, row->attempt.at, row->attempt.len); // to the end
    seal_close(out, from, id);
}

enum err row_unpack(struct span record, uint64_t id, struct row *out)
{
    struct unpack u;
    struct row row = {0};

    if (!seal_open(&record, id))
        return ERR_CORRUPT;
    unpack_init(&u, record);
    if (unpack_uint(&u) != ROW_VERSION)
        return u.is_bad ? ERR_CORRUPT : ERR_VERSION;
    row.is_replay = unpack_uint(&u) & IS_REPLAY;
    uint64_t outcome = unpack_uint(&u);
    row.attempts = (uint32_t)unpack_uint(&u);
    row.kills = (uint32_t)unpack_uint(&u);
    row.at_ms = unpack_int(&u);
    row.reason = unpack_bytes(&u);
    if (u.is_bad || outcome >= OUTCOME_COUNT)
        return ERR_CORRUPT;
    row.outcome = (enum outcome)outcome;
    row.attempt = u.rest;
    *out = row;
    return OK;
}
