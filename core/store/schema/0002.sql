-- SPDX-License-Identifier: MIT
-- Versions of scripts: what they say is immutable, which of them is active is not.

-- By the SHA-256 of their bytes (64 hex digits).
CREATE TABLE script_sources(
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    source BLOB NOT NULL
);

-- origin: 1 built in, 2 scripts_dir, 3 stored; tenant is empty for the first two. functions,
-- description: what a script host said of it, checked_by: of which engine that was. activated: when
-- it last became active, ms; 0: it never did.
CREATE TABLE script_versions(
    number INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    origin INTEGER NOT NULL,
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    note TEXT NOT NULL,
    functions INTEGER NOT NULL,
    description BLOB NOT NULL,
    checked_by TEXT NOT NULL,
    activated INTEGER NOT NULL
);
CREATE UNIQUE INDEX script_versions_hash ON script_versions(name, tenant, origin, hash);

-- The active version of each name, who made it so and when. seen: hash of the file in scripts_dir
-- that was decided on last.
CREATE TABLE script_places(
    tenant TEXT NOT NULL,
    origin INTEGER NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    seen TEXT NOT NULL,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    PRIMARY KEY (name, tenant, origin)
) WITHOUT ROWID;
