// SPDX-License-Identifier: MIT
// Compact records for the store: varints and byte strings in a fixed order; any thread.
//
// A record begins with a version byte that its owner writes and checks. Reading never runs over:
// what is missing makes the reader fail, once and for all, and gives zeros and empty spans.
#pragma once

#include "base/buf.h"

void pack_uint(struct buf *buf, uint64_t number);              // LEB128
void pack_int(struct buf *buf, int64_t number);                // zigzag, LEB128
void pack_bytes(struct buf *buf, struct span bytes);           // length, bytes
void pack_raw(struct buf *buf, const void *bytes, size_t len); // fixed length known to both

struct unpack {
    struct span rest; // borrowed, not read yet
    bool is_bad;      // ran over or malformed
};

void unpack_init(struct unpack *u, struct span record);
uint64_t unpack_uint(struct unpack *u);
int64_t unpack_int(struct unpack *u);
struct span unpack_bytes(struct unpack *u); // borrowed from the record
void unpack_raw(struct unpack *u, void *out, size_t len);
