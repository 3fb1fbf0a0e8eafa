// SPDX-License-Identifier: MIT
// A backend's catalogue: versioned objects (webhooks, scripts, tenants …); store thread only.
#pragma once

#include "store/journal.h"

// Versioned objects: every put makes a new immutable revision. Keys are unique per kind.
enum object_kind { OBJECT_WEBHOOK = 1, OBJECT_SCRIPT, OBJECT_TOKEN, OBJECT_TENANT, OBJECT_SETTING };

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
    // All current objects of a kind by number. `on_object` borrows the spans until it returns.
    enum err (*list)(struct journal_conn *conn, enum object_kind kind,
                     void (*on_object)(void *context, const struct object *object), void *context);
};
