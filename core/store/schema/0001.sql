-- SPDX-License-Identifier: MIT
-- The first schema of the SQLite store: what a delivery's rows mean is in core/README.md.

-- Single values: id_key, low_water, prune_floor, created_ms.
CREATE TABLE meta(k TEXT PRIMARY KEY, v) WITHOUT ROWID;

-- Records end in a checksum (store/seal.h).
-- One row per event, packed (model/event.h); seq in order of acceptance.
CREATE TABLE events(seq INTEGER PRIMARY KEY, rec BLOB NOT NULL);

-- Final states only; id = seq << 16 | place in the event's list (store/row.h).
CREATE TABLE deliveries(
    id INTEGER PRIMARY KEY,
    webhook INTEGER NOT NULL,
    state INTEGER NOT NULL,
    rec BLOB NOT NULL
);
-- All that is not delivered (3).
CREATE INDEX deliveries_undelivered ON deliveries(state) WHERE state <> 3;

-- What waits: retries, delayed, held. What is neither here nor there is owed.
CREATE TABLE pending(
    id INTEGER PRIMARY KEY,
    webhook INTEGER NOT NULL,
    due INTEGER NOT NULL,
    rec BLOB NOT NULL
);
CREATE INDEX pending_due ON pending(webhook, due);
CREATE INDEX pending_webhook ON pending(webhook);

-- Attempts other than the last one of a final row (model/attempt.h).
CREATE TABLE attempts(
    delivery INTEGER NOT NULL,
    number INTEGER NOT NULL,
    rec BLOB NOT NULL,
    PRIMARY KEY (delivery, number)
) WITHOUT ROWID;

-- Pruning moves aside what must stay longer than its neighbours.
CREATE TABLE kept_events(seq INTEGER PRIMARY KEY, rec BLOB NOT NULL);
CREATE TABLE kept_deliveries(
    id INTEGER PRIMARY KEY,
    webhook INTEGER NOT NULL,
    state INTEGER NOT NULL,
    rec BLOB NOT NULL
);
CREATE INDEX kept_deliveries_webhook ON kept_deliveries(webhook);
CREATE INDEX kept_deliveries_undelivered ON kept_deliveries(state) WHERE state <> 3;

-- Lists per webhook: sorted runs of (id, state), written every few thousand settlements, and what
-- has been settled since. max_id: the highest id in this run and all before it.
CREATE TABLE runs(run INTEGER PRIMARY KEY, max_id INTEGER NOT NULL);
CREATE TABLE run_lists(
    run INTEGER NOT NULL,
    webhook INTEGER NOT NULL,
    rec BLOB NOT NULL,
    PRIMARY KEY (run, webhook)
) WITHOUT ROWID;
CREATE TABLE run_tail(txn INTEGER PRIMARY KEY, rec BLOB NOT NULL);

-- Idempotency keys: sorted runs of (hash, seq) with a Bloom filter each, and the newest.
CREATE TABLE key_runs(run INTEGER PRIMARY KEY, newest_ms INTEGER NOT NULL, bloom BLOB NOT NULL);
CREATE TABLE key_chunks(
    run INTEGER NOT NULL,
    first BLOB NOT NULL,
    rec BLOB NOT NULL,
    PRIMARY KEY (run, first)
) WITHOUT ROWID;
CREATE TABLE key_tail(txn INTEGER PRIMARY KEY, rec BLOB NOT NULL);

-- Versioned objects, each with all its revisions, and who changed what.
CREATE TABLE objects(
    kind INTEGER NOT NULL,
    number INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    key TEXT NOT NULL,
    is_deleted INTEGER NOT NULL,
    PRIMARY KEY (kind, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX objects_key ON objects(kind, key) WHERE is_deleted = 0;
CREATE TABLE revisions(
    kind INTEGER NOT NULL,
    number INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    at INTEGER NOT NULL,
    is_deleted INTEGER NOT NULL,
    key TEXT NOT NULL,
    action TEXT NOT NULL,
    by TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (kind, number, revision)
) WITHOUT ROWID;
-- What was before and after are the revisions before and at `revision`.
CREATE TABLE audit(
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    action TEXT NOT NULL,
    kind INTEGER NOT NULL,
    number INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    key TEXT NOT NULL
);
