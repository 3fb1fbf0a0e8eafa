// SPDX-License-Identifier: MIT
// THE interface of a database: three small tables of blocking, batch-shaped functions.
//
// journal and catalogue: called on the store thread only. query: on the reader thread only, with a
// connection of its own. Every call is one transaction. The algorithm (insert late, low-water mark)
// is in core/README.md and the same for each backend; tests/store/contract.c holds each to it.
#pragma once

#include "store/catalogue.h"
#include "store/journal.h"
#include "store/query.h"

struct backend {
    const struct journal *journal;
    const struct catalogue *catalogue;
    const struct query *query;
};

extern const struct backend sqlite_backend; // store/sqlite.c
