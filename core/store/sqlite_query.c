// SPDX-License-Identifier: MIT
// Reading for the API on a connection of its own; reader thread.
#include "base/mem.h"
#include "store/sqlite.h"

struct query_conn {
    struct sqlite_db db;
};

static void close_query(struct query_conn **conn)
{
    if (*conn == NULL)
        return;
    sqlite_db_close(&(*conn)->db);
    xfree(*conn);
    *conn = NULL;
}

static enum err open_query(struct query_conn **out, const struct store_config *config,
                           struct errmsg *message)
{
    struct query_conn *conn = xcalloc(1, sizeof *conn);
    enum err err = sqlite_db_open(&conn->db, config->location, SQLITE_DB_READER, message);
    if (err == OK)
        err = sqlite_db_prepare(&conn->db, SQLITE_DB_READER, message);
    if (err != OK)
        close_query(&conn);
    else
        *out = conn;
    return err;
}

const struct query sqlite_query = {
    .open = open_query,
    .close = close_query,
};
