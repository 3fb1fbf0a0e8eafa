// SPDX-License-Identifier: MIT
// One SQLite connection with all its statements prepared; used by the one thread that owns it.
#pragma once

#include <sqlite3.h>

#include "base/err.h"
#include "base/span.h"

enum sqlite_sql {
#define X(name, who, text) SQL_##name,
#include "store/sqlite_sql.def"
#undef X
    SQL_COUNT
};

enum sqlite_who { SQLITE_DB_READER = 1, SQLITE_DB_WRITER = 2 };

#define SQLITE_DB_PAGE_BYTES 8192

struct sqlite_db {
    sqlite3 *handle;                     // owned
    sqlite3_stmt *statements[SQL_COUNT]; // owned; NULL: not for this connection
    int logged_rc;                       // the failure that was logged last
    int64_t logged_mono_ms;              // when
};

// Opens the file; the writer makes it (mode 0600) and sets what belongs to the file. Statements are
// not prepared yet: the schema may be missing.
MUST_CHECK enum err sqlite_db_open(struct sqlite_db *db, const char *path, enum sqlite_who who,
                                   struct errmsg *message);
MUST_CHECK enum err sqlite_db_prepare(struct sqlite_db *db, enum sqlite_who who,
                                      struct errmsg *message);
void sqlite_db_close(struct sqlite_db *db);

// The statement, reset and ready to be bound.
sqlite3_stmt *sqlite_db_use(struct sqlite_db *db, enum sqlite_sql which);
// One row is wanted: OK, ERR_NOT_FOUND, or what failed (reset then).
MUST_CHECK enum err sqlite_db_row(struct sqlite_db *db, enum sqlite_sql which);
// The next of many: like sqlite_db_row. Whoever stops early resets.
MUST_CHECK enum err sqlite_db_next(struct sqlite_db *db, enum sqlite_sql which);
// Steps to the end and resets. ERR_EXISTS: a key is taken.
MUST_CHECK enum err sqlite_db_run(struct sqlite_db *db, enum sqlite_sql which);
void sqlite_db_reset(struct sqlite_db *db, enum sqlite_sql which);
// Plain text, any number of statements.
MUST_CHECK enum err sqlite_db_exec(struct sqlite_db *db, const char *sql);

// What an SQLite result means, logged unless it is expected (a constraint, an interrupt):
// ERR_INTERRUPTED for anything after which the state of the file is not known.
enum err sqlite_db_err(struct sqlite_db *db, int rc);

// Values of the current row; blobs and texts live until the next step or reset.
int64_t sqlite_db_int(struct sqlite_db *db, enum sqlite_sql which, int column);
struct span sqlite_db_blob(struct sqlite_db *db, enum sqlite_sql which, int column);
// Binding; the bytes must live until the statement is reset.
void sqlite_db_bind(sqlite3_stmt *statement, int at, int64_t number);
void sqlite_db_bind_blob(sqlite3_stmt *statement, int at, struct span bytes);
void sqlite_db_bind_text(sqlite3_stmt *statement, int at, struct span text);

// A number in meta; `fallback` when it is missing.
MUST_CHECK enum err sqlite_db_meta(struct sqlite_db *db, const char *key, int64_t fallback,
                                   int64_t *out);
MUST_CHECK enum err sqlite_db_set_meta(struct sqlite_db *db, const char *key, int64_t number);
