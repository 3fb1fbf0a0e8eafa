// SPDX-License-Identifier: MIT
// What people order about versions of scripts: a new one, another one active, one back, none; main
// only. (lua.md, Where scripts come from)
#pragma once

#include "model/problem.h"
#include "script/script.h"

enum order_kind {
    ORDER_PUT,      // stores a version for a tenant
    ORDER_ACTIVATE, // moves a name to a version that is there
    ORDER_ROLLBACK, // … to the one before the active one that has been active
    ORDER_REMOVE,   // a stored name is given up; what it hid shows again
};

// Borrowed until order_submit returns.
struct order {
    enum order_kind kind;
    struct span tenant, name;
    struct span source;  // PUT
    struct span version; // ACTIVATE: its hash, or the first LIBRARY_MIN_PIN digits or more
    bool is_kept_only;   // PUT: it does not become active
    struct span by, note;
};

// Spans live until on_done returns.
struct ordered {
    // OK; ERR_SYNTAX: `problems` say why; ERR_NOT_FOUND, ERR_CONFLICT: `message` does; else: the
    // store's.
    enum err err;
    struct errmsg message;
    const struct problems *problems;
    enum script_origin origin; // of the version, or of the name that was given up
    struct span version;       // hash; empty: none
    struct span before;        // that was active before; empty: none
    bool is_active;            // it is now
};
typedef void order_done_fn(void *context, const struct ordered *ordered);

// Checks, golden tests, and the options of all webhooks that use it come first: a version that fails
// never becomes active. on_done later, on main.
void order_submit(struct script *script, const struct order *order, order_done_fn *on_done,
                  void *context);
