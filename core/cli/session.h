// SPDX-License-Identifier: MIT
// What every command that talks to the engine does alike: connect, call, print as was asked for;
// blocking, the main thread.
#pragma once

#include "base/uid.h"
#include "cli/client.h"
#include "cli/view.h"

enum session_output {
    SESSION_TABLE,  // for people
    SESSION_JSON,   // the answer, untouched
    SESSION_NDJSON, // a list's rows, one a line
};

struct session {
    const struct args *args; // borrowed
    struct client *client;   // owned
    enum session_output output;
    struct client_answer answer; // owned; of the last call
};

// CMD_DONE, or CMD_USAGE after printing why (--output). Close in either case.
enum cmd_exit session_open(struct session *session, const struct args *args);
void session_close(struct session *session);

// client_do with the answer kept. `path` is without the leading /api/v1.
enum cmd_exit session_call(struct session *session, const char *method, const char *path,
                           struct span body);
// Prints the answer as JSON if that was asked for; true: the caller prints it for people.
bool session_is_for_people(struct session *session);

// Gets a list page by page, printed or handed to `on_page`, whose `data` is an array of rows. All
// pages, unless --limit or --cursor stand for one; JSON is always one page.
typedef void session_page_fn(void *context, const struct json_doc *doc, uint32_t data);
// `query`: "state=dead&…" or "". `most`: rows to ask for when there is no --limit; `is_one_page`:
// the rest has to be asked for.
struct session_list {
    const char *path;  // "/webhooks"
    struct span query; // escaped; may be empty
    int64_t limit;     // rows of a page when there is no --limit
    bool is_one_page;  // also without --limit
    session_page_fn *on_page;
    void *context;
};
enum cmd_exit session_list(struct session *session, const struct session_list *list);

// Prints the rows of the last answer's "data": one a line for NDJSON, else as a table that `add_row`
// fills, unless it is empty. How many rows there are.
typedef void session_row_fn(struct view *view, struct table *table, uint32_t row);
size_t session_print_rows(const struct session *session, struct view *view,
                          const struct table_column *columns, size_t column_count,
                          session_row_fn *add_row);

// A webhook's uuid from what a person wrote: the uuid, its beginning (4 characters or more), or its
// name. CMD_FAILED after printing why.
enum cmd_exit session_find_webhook(struct session *session, const char *text,
                                   char out[UID_TEXT_LEN + 1]);
// Puts a usage mistake on standard error.
enum cmd_exit session_misuse(const struct errmsg *message);
