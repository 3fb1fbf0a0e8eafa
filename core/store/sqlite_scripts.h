// SPDX-License-Identifier: MIT
// Versions of scripts in SQLite: both connections read rows of the same columns.
#pragma once

#include "store/scripts.h"
#include "store/sqlite_query.h"

// The columns of SCRIPT_COLUMNS; `has_source`: and the source after them. Borrowed from the
// statement.
void sqlite_scripts_read(struct sqlite_db *db, enum sqlite_sql which, bool has_source,
                         struct script_row *out);

// ---- catalogue: store thread ----
MUST_CHECK enum err sqlite_scripts_change(struct journal_conn *conn,
                                          const struct script_change *change);
MUST_CHECK enum err sqlite_scripts_active(struct journal_conn *conn,
                                          void (*on_row)(void *context,
                                                         const struct script_row *row),
                                          void *context);

// ---- query: reader thread ----
MUST_CHECK enum err sqlite_scripts_versions(
    struct query_conn *conn, const struct query_scripts *wanted,
    void (*on_row)(void *context, const struct script_row *row), void *context);
MUST_CHECK enum err sqlite_scripts_version(
    struct query_conn *conn, const struct query_scripts *wanted,
    void (*on_row)(void *context, const struct script_row *row), void *context);
