// SPDX-License-Identifier: MIT
// Idempotency keys: which event came first with a tenant's key; store thread.
//
// 16-byte hashes of (tenant, key). The newest are in memory (and in key_tail, a row per
// transaction); older ones in sorted runs with a Bloom filter in memory each. A hit reads the event:
// its age decides, so a key is remembered for exactly the window, and a run is dropped when its
// newest is older.
#pragma once

#include "base/buf.h"
#include "model/event.h"
#include "store/sqlite_db.h"

#define SQLITE_KEYS_ENTRIES 65536 // keys in a run

struct sqlite_keys_entry {
    uint8_t hash[16];
    uint64_t seq; // of the event that carries it; 0: free slot
};

struct sqlite_keys_run;    // private
struct sqlite_keys_change; // private
struct sqlite_keys {
    struct sqlite_keys_entry *slots; // owned: open addressing
    size_t count, capacity;
    int64_t oldest_ms, newest_ms;       // accepted: of what is in memory
    struct sqlite_keys_change *changes; // owned: of the transaction under way, oldest first
    size_t change_count, change_capacity;
    struct sqlite_keys_run *runs; // owned; oldest first
    size_t run_count, run_capacity;
    struct sqlite_keys_run *fresh; // owned: written by the transaction under way, or NULL
    size_t dropped;                // runs that it deletes, from the front
    bool is_emptied;               // it writes or drops all that is in memory
    uint64_t txn;                  // last row of key_tail
    uint64_t last_run;             // number of the newest run
};

MUST_CHECK enum err sqlite_keys_load(struct sqlite_keys *keys, struct sqlite_db *db);
void sqlite_keys_deinit(struct sqlite_keys *keys);
void sqlite_keys_hash(struct span tenant, struct span key, uint8_t out[16]);

// Sequence numbers of events that may carry the key, newest first: call with *at = 0, then again
// while it answers OK; ERR_NOT_FOUND at the end. The event itself decides.
MUST_CHECK enum err sqlite_keys_find(struct sqlite_keys *keys, struct sqlite_db *db,
                                     const uint8_t hash[16], size_t *at, uint64_t *seq);
// Within a transaction: remembers one, and adds it to the tail row's record.
void sqlite_keys_add(struct sqlite_keys *keys, const uint8_t hash[16], uint64_t seq,
                     int64_t accepted_ms);
MUST_CHECK enum err sqlite_keys_write_tail(struct sqlite_keys *keys, struct sqlite_db *db);
// How the transaction ended.
void sqlite_keys_committed(struct sqlite_keys *keys);
void sqlite_keys_rolled_back(struct sqlite_keys *keys);

// Is it time for a run, or is one too old?
bool sqlite_keys_is_due(const struct sqlite_keys *keys, int64_t now_ms, int64_t window_ms);
// Within a transaction: writes the run, deletes the old ones; after the commit: memory follows.
MUST_CHECK enum err sqlite_keys_flush(struct sqlite_keys *keys, struct sqlite_db *db,
                                      int64_t now_ms, int64_t window_ms);
void sqlite_keys_flushed(struct sqlite_keys *keys, bool is_committed);
uint64_t sqlite_keys_bytes(const struct sqlite_keys *keys);
