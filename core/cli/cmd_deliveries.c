// SPDX-License-Identifier: MIT
// grapnel deliveries list, show, retry; the main thread.
#include <stdio.h>

#include "cli/session.h"

enum column { C_ID, C_STATE, C_OUTCOME, C_EVENT, C_WEBHOOK, C_ATTEMPTS, C_AGO, C_REASON };

static const struct table_column columns[] = {
    [C_ID] = {"ID", false, 0},           [C_STATE] = {"STATE", false, 0},
    [C_OUTCOME] = {"OUTCOME", false, 6}, [C_EVENT] = {"EVENT", false, 10},
    [C_WEBHOOK] = {"WEBHOOK", false, 8}, [C_ATTEMPTS] = {"ATTEMPTS", true, 0},
    [C_AGO] = {"ACCEPTED", false, 0},    [C_REASON] = {"REASON", false, 12},
};

static void on_deliveries(void *context, const struct json_doc *doc, uint32_t data)
{
    struct table *table = context;
    struct view view;
    uint32_t row = JSON_NONE;
    view_init(&view, doc);
    for (uint32_t at = data + 1; json_next_element(doc, data, &at, &row);) {
        if (!table_add_row(table))
            break;
        struct span state = view_text(&view, row, "state");
        struct span webhook = view_text(&view, row, "webhook");
        uint32_t attempts = view_member(&view, row, "attempts");
        uint32_t count = attempts == JSON_NONE ? 0 : doc->nodes[attempts].count;
        webhook.len = webhook.len > 8 ? 8 : webhook.len;
        table_set(table, C_ID, view_text(&view, row, "id"), TERM_PLAIN);
        table_set(table, C_STATE, state, view_style(state));
        table_set(table, C_OUTCOME, view_text(&view, row, "outcome"), TERM_PLAIN);
        table_set(table, C_EVENT, view_text(&view, row, "event_name"), TERM_PLAIN);
        table_set(table, C_WEBHOOK, webhook, TERM_PLAIN);
        table_set(table, C_ATTEMPTS, view_count(&view, count), TERM_PLAIN);
        table_set(table, C_AGO, view_ago(&view, view_text(&view, row, "accepted_at")), TERM_PLAIN);
        table_set(table, C_REASON, view_text(&view, row, "reason"), TERM_PLAIN);
    }
    view_deinit(&view);
}

static void append_filter(struct buf *query, const char *name, const char *value)
{
    if (value == NULL)
        return;
    (void)buf_append_format(query, "%s%s=", query->len > 0 ? "&" : "", name);
    client_append_escaped(query, span_of(value));
}

static enum cmd_exit build_query(struct session *session, struct buf *query)
{
    static const char *const names[] = {"event", "state", "outcome", "status"};
    const char *webhook = args_value(session->args, "webhook");
    char uuid[UID_TEXT_LEN + 1];
    enum cmd_exit result = CMD_DONE;
    if (webhook != NULL)
        result = session_find_webhook(session, webhook, uuid);
    if (result != CMD_DONE)
        return result;
    append_filter(query, "webhook", webhook != NULL ? uuid : NULL);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        append_filter(query, names[i], args_value(session->args, names[i]));
    return CMD_DONE;
}

int cmd_deliveries_list(const struct args *args)
{
    struct session session;
    struct table table;
    struct buf query;
    enum cmd_exit result = session_open(&session, args);
    table_init(&table, columns, COUNT_OF(columns));
    buf_init(&query, 8192);
    if (result == CMD_DONE)
        result = build_query(&session, &query);
    const struct session_list list = {.path = "/deliveries",
                                      .query = buf_span(&query),
                                      .limit = 50,
                                      .is_one_page = session.output == SESSION_TABLE,
                                      .on_page = on_deliveries,
                                      .context = &table};
    if (result == CMD_DONE)
        result = session_list(&session, &list);
    if (result == CMD_DONE && session.output == SESSION_TABLE) {
        struct view view;
        view_init(&view, &session.answer.doc);
        if (table.row_count > 0)
            table_print(&table, &view.out, view.width, view.has_colour);
        else
            view_format(&view,
                        query.len > 0 ? "No deliveries like that.\n" : "No deliveries yet.\n");
        view_flush(&view);
        view_deinit(&view);
    }
    buf_deinit(&query);
    table_deinit(&table);
    session_close(&session);
    return result;
}

static enum cmd_exit call_for(struct session *session, const char *method, const char *id,
                              const char *verb)
{
    struct buf path;
    buf_init(&path, 4096);
    (void)buf_append_text(&path, "/deliveries/");
    client_append_escaped(&path, span_of(id));
    (void)buf_append_text(&path, verb);
    enum cmd_exit result = session_call(session, method, buf_text(&path), SPAN(""));
    buf_deinit(&path);
    return result;
}

int cmd_deliveries_show(const struct args *args)
{
    struct session session;
    struct view view;
    enum cmd_exit result = session_open(&session, args);
    if (result == CMD_DONE)
        result = call_for(&session, "GET", args->words[0], "");
    view_init(&view, &session.answer.doc);
    if (result == CMD_DONE && session_is_for_people(&session) && view.doc->count > 0)
        view_delivery(&view, 0);
    view_flush(&view);
    view_deinit(&view);
    session_close(&session);
    return result;
}

// Each on its own: one that cannot be retried does not keep the others from it.
int cmd_deliveries_retry(const struct args *args)
{
    struct session session;
    enum cmd_exit worst = session_open(&session, args);
    for (size_t i = 0; i < args->word_count && worst != CMD_UNREACHABLE && worst != CMD_USAGE;
         i++) {
        enum cmd_exit result = call_for(&session, "POST", args->words[i], "/retry");
        worst = result > worst ? result : worst;
        if (result == CMD_DONE && session_is_for_people(&session))
            printf("delivery %s is due now\n", args->words[i]);
    }
    session_close(&session);
    return worst;
}
