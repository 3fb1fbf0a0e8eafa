// SPDX-License-Identifier: MIT
// A backend's catalogue: versioned objects (webhooks, scripts, tenants …); store thread only.
#pragma once

#include "store/journal.h"
#include "store/scripts.h"

// Versioned objects: every put makes a new immutable revision. Keys are unique per kind.
// The numbers are stored. A quarantine's key is its webhook's uuid.
enum object_kind {
    OBJECT_WEBHOOK = 1,
    OBJECT_SCRIPT,
    OBJECT_TOKEN,
    OBJECT_TENANT,
    OBJECT_SETTING,
    OBJECT_QUARANTINE,
    OBJECT_FAILING,
    OBJECT_REPLAY
};

struct object {
    enum object_kind kind;
    uint32_t number;    // small and unique per kind, never used again; 0 in put: a new object
    uint32_t revision;  // put: the one that is replaced (0: none), out: the new one
    struct span key;    // uuid or name
    struct span body;   // JSON
    struct span by;     // who did it, for the audit: "uid:0", "token:deploy"
    struct span action; // "create", "update", "disable" …; for the audit
    int64_t at_ms;
    bool is_deleted;
};

struct catalogue {
    // ERR_EXISTS: the key is taken; ERR_CONFLICT: revision is not the current one; ERR_NOT_FOUND.
    // Writes the object, its revision and the audit row in one transaction. Sets number, revision.
    enum err (*put)(struct journal_conn *conn, struct object *object);
    // Marks as deleted (a revision like any other); the key is free again.
    enum err (*remove)(struct journal_conn *conn, struct object *object);
    // A row of the audit alone: of what changes nothing, such as looking at a secret.
    enum err (*note)(struct journal_conn *conn, const struct object *object);
    // All current objects of a kind by number. `on_object` borrows the spans until it returns.
    enum err (*list)(struct journal_conn *conn, enum object_kind kind,
                     void (*on_object)(void *context, const struct object *object), void *context);
    // Versions and places, each with an audit row. ERR_NOT_FOUND: a step names a version that is
    // not there, or gives up a place that is not.
    enum err (*change_scripts)(struct journal_conn *conn, const struct script_change *change);
    // All active versions with their sources, by name.
    enum err (*active_scripts)(struct journal_conn *conn,
                               void (*on_row)(void *context, const struct script_row *row),
                               void *context);
};
