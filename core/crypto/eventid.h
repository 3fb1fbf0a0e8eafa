// SPDX-License-Identifier: MIT
// Event ids: a UUID version 7 that carries the event's sequence number, so that a lookup needs no
// index and the id tells no volumes; any thread. (wire.md; store.md, Ids)
//
// The 74 bits behind the milliseconds are (sequence 48 bits, 26 zero check bits) through a keyed
// permutation (a balanced Feistel network over 74 bits with HMAC-SHA256 or AES round functions,
// tweaked by the milliseconds). The key is the database's own.
#pragma once

#include "base/uid.h"

struct eventid_key; // owned by its maker, read by all threads
struct eventid_key *eventid_key_new(const uint8_t key[32]);
void eventid_key_free(struct eventid_key *key);

// `seq` < 2^47.
struct uid eventid_make(const struct eventid_key *key, int64_t wall_ms, uint64_t seq);
// False when the id was not made with this key. The caller still compares the whole id with the
// stored one.
bool eventid_open(const struct eventid_key *key, const struct uid *id, uint64_t *seq);
// A delivery's id: its number (below 2^63) in the same way, with 11 check bits; `wall_ms` is when
// its event was accepted. The caller makes the id anew and compares.
struct uid eventid_make_delivery(const struct eventid_key *key, int64_t wall_ms, uint64_t delivery);
bool eventid_open_delivery(const struct eventid_key *key, const struct uid *id, uint64_t *delivery);
