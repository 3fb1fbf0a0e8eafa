// SPDX-License-Identifier: MIT
// grapnel replay start, list, show, pause, resume, cancel, event; the main thread.
#include <stdio.h>

#include "base/clock.h"
#include "base/date.h"
#include "base/units.h"
#include "cli/session.h"
#include "json/json_write.h"

#define BODY_MAX 8192

enum column { C_WEBHOOK, C_NAME, C_STATE, C_MADE, C_PERCENT, C_STARTED, C_REASON };

static const struct table_column columns[] = {
    [C_WEBHOOK] = {"WEBHOOK", false, 0}, [C_NAME] = {"NAME", false, 8},
    [C_STATE] = {"STATE", false, 0},     [C_MADE] = {"SENT AGAIN", true, 0},
    [C_PERCENT] = {"DONE", true, 0},     [C_STARTED] = {"STARTED", false, 0},
    [C_REASON] = {"REASON", false, 12},
};

// ---- start -------------------------------------------------------------------------------------

// An RFC 3339 time, or how long ago: "2h".
static enum err put_time(const struct args *args, const char *name, struct json_writer *w,
                         struct errmsg *message)
{
    const char *given = args_value(args, name);
    char text[DATE_TEXT_LEN];
    int64_t ms = 0;
    if (given == NULL)
        return OK;
    if (units_parse_duration(span_of(given), &ms))
        date_print_ms(clock_wall_ms() - ms, text);
    else if (date_parse_ms(span_of(given), &ms))
        snprintf(text, sizeof text, "%s", given);
    else
        return errmsg_set(
                   message,
                   "--%s: \"%.60s\" is no time: write 2026-01-31T12:00:00Z, or how long ago, "
                   "such as 2h",
                   name, given),
               ERR_SYNTAX;
    json_write_member_text(w, name, text);
    return OK;
}

static void put_states(const char *given, struct json_writer *w)
{
    struct span rest = span_of(given);
    struct span part;
    json_write_name(w, "state");
    json_write_array(w);
    while (span_split(&rest, ',', &part))
        json_write_quoted_value(w, part);
    json_write_end_array(w);
}

static enum err make_body(const struct args *args, struct buf *body, struct errmsg *message)
{
    struct json_writer w;
    json_write_init(&w, body);
    json_write_object(&w);
    enum err err = put_time(args, "since", &w, message);
    if (err == OK)
        err = put_time(args, "until", &w, message);
    if (args_value(args, "state") != NULL)
        put_states(args_value(args, "state"), &w);
    if (args_value(args, "outcome") != NULL)
        json_write_member_text(&w, "outcome", args_value(args, "outcome"));
    if (args_value(args, "event-name") != NULL)
        json_write_member_text(&w, "event_name", args_value(args, "event-name"));
    if (args_value(args, "tenant") != NULL)
        json_write_member_text(&w, "tenant", args_value(args, "tenant"));
    if (args_has(args, "dry-run"))
        json_write_member_bool(&w, "dry_run", true);
    json_write_end_object(&w);
    return err;
}

static void print_count(struct session *session)
{
    struct view view;
    uint32_t row = JSON_NONE;
    view_init(&view, &session->answer.doc);
    int64_t count = view_int(&view, 0, "count");
    view_format(&view, "%s%.*s would be sent again\n",
                view_is_true(&view, 0, "is_more") ? "more than " : "",
                SPAN_ARGS(view_count(&view, count)));
    uint32_t first = view_member(&view, 0, "first");
    if (first != JSON_NONE && json_type(view.doc, first) == JSON_ARRAY) {
        for (uint32_t at = first + 1; json_next_element(view.doc, first, &at, &row);) {
            view_format(&view, "  ");
            view_put(&view, view_text(&view, row, "accepted_at"));
            view_format(&view, "  ");
            view_put(&view, view_text(&view, row, "event"));
            view_format(&view, "  ");
            view_put(&view, view_text(&view, row, "event_name"));
            view_format(&view, "\n");
        }
        if (count > (int64_t)view.doc->nodes[first].count)
            view_format(&view, "  …\n");
    }
    view_flush(&view);
    view_deinit(&view);
}

static void print_started(struct session *session)
{
    const struct args *args = session->args;
    struct view view;
    view_init(&view, &session->answer.doc);
    if (args_has(args, "dry-run")) {
        print_count(session);
    } else if (args->word_count > 0) {
        printf("a replay has begun; follow it with: grapnel replay show %s\n", args->words[0]);
    } else {
        printf("replays begun: %lld; follow them with: grapnel replay list\n",
               (long long)view_int(&view, 0, "started"));
        if (view_int(&view, 0, "busy") > 0)
            printf("%lld webhooks have one under way already and keep it\n",
                   (long long)view_int(&view, 0, "busy"));
    }
    view_deinit(&view);
}

static enum cmd_exit call_for(struct session *session, const char *method, const char *verb,
                              struct span body)
{
    char uuid[UID_TEXT_LEN + 1];
    char path[128];
    enum cmd_exit result = session_find_webhook(session, session->args->words[0], uuid);
    snprintf(path, sizeof path, "/webhooks/%s/replay%s", uuid, verb);
    return result == CMD_DONE ? session_call(session, method, path, body) : result;
}

int cmd_replay_start(const struct args *args)
{
    struct session session;
    struct buf body;
    struct errmsg message = {""};
    enum cmd_exit result = session_open(&session, args);
    buf_init(&body, BODY_MAX);
    if (result == CMD_DONE && make_body(args, &body, &message) != OK)
        result = session_misuse(&message);
    if (result == CMD_DONE && (args->word_count == 0) != args_has(args, "all")) {
        errmsg_set(&message, "name a webhook, or say --all");
        result = session_misuse(&message);
    }
    if (result == CMD_DONE && args->word_count > 0 && args_has(args, "tenant")) {
        errmsg_set(&message, "--tenant goes with --all");
        result = session_misuse(&message);
    }
    if (result == CMD_DONE)
        result = args->word_count > 0
                     ? call_for(&session, "POST", "", buf_span(&body))
                     : session_call(&session, "POST", "/deliveries/retry", buf_span(&body));
    if (result == CMD_DONE && session_is_for_people(&session))
        print_started(&session);
    buf_deinit(&body);
    session_close(&session);
    return result;
}

// ---- list, show --------------------------------------------------------------------------------

static void on_replays(void *context, const struct json_doc *doc, uint32_t data)
{
    struct table *table = context;
    struct view view;
    uint32_t row = JSON_NONE;
    view_init(&view, doc);
    for (uint32_t at = data + 1; json_next_element(doc, data, &at, &row);) {
        if (!table_add_row(table))
            break;
        char percent[16];
        struct span state = view_text(&view, row, "state");
        snprintf(percent, sizeof percent, "%lld %%", (long long)view_int(&view, row, "percent"));
        table_set(table, C_WEBHOOK, view_text(&view, row, "webhook"), TERM_PLAIN);
        table_set(table, C_NAME, view_text(&view, row, "name"), TERM_PLAIN);
        table_set(table, C_STATE, state, view_style(state));
        table_set(table, C_MADE, view_count(&view, view_int(&view, row, "made")), TERM_PLAIN);
        table_set(table, C_PERCENT, span_of(percent), TERM_PLAIN);
        table_set(table, C_STARTED, view_ago(&view, view_text(&view, row, "started_at")),
                  TERM_PLAIN);
        table_set(table, C_REASON, view_text(&view, row, "reason"), TERM_PLAIN);
    }
    view_deinit(&view);
}

int cmd_replay_list(const struct args *args)
{
    struct session session;
    struct table table;
    enum cmd_exit result = session_open(&session, args);
    table_init(&table, columns, COUNT_OF(columns));
    const struct session_list list = {
        .path = "/replays", .limit = 250, .on_page = on_replays, .context = &table};
    if (result == CMD_DONE)
        result = session_list(&session, &list);
    if (result == CMD_DONE && session.output == SESSION_TABLE) {
        struct view view;
        view_init(&view, &session.answer.doc);
        if (table.row_count > 0)
            table_print(&table, &view.out, view.width, view.has_colour);
        else
            view_format(&view,
                        "No replays yet. Begin one: grapnel replay start WEBHOOK --since 2h\n");
        view_flush(&view);
        view_deinit(&view);
    }
    table_deinit(&table);
    session_close(&session);
    return result;
}

static void print_replay(struct view *view)
{
    char percent[16];
    struct span state = view_text(view, 0, "state");
    uint32_t what = view_member(view, 0, "what");
    view_format(view, "replay to ");
    view_put(view, view_text(view, 0, "webhook"));
    view_format(view, " is ");
    view_put_styled(view, view_style(state), state);
    view_format(view, "\n");
    view_put_field(view, "reason", view_text(view, 0, "reason"));
    view_put_field(view, "sent again", view_count(view, view_int(view, 0, "made")));
    if (view_int(view, 0, "skipped") > 0)
        view_put_field(view, "skipped", view_count(view, view_int(view, 0, "skipped")));
    snprintf(percent, sizeof percent, "%lld %%", (long long)view_int(view, 0, "percent"));
    view_put_field(view, "done", span_of(percent));
    if (what != JSON_NONE && json_type(view->doc, what) == JSON_ARRAY)
        view_put_field(view, "what", view_joined(view, what, ", "));
    view_put_field(view, "outcome", view_text(view, 0, "outcome"));
    view_put_field(view, "event", view_text(view, 0, "event_name"));
    view_put_field(view, "since", view_text(view, 0, "since"));
    view_put_field(view, "until", view_text(view, 0, "until"));
    view_put_field(view, "by", view_text(view, 0, "by"));
    view_put_field(view, "started", view_ago(view, view_text(view, 0, "started_at")));
    view_put_field(view, "ended", view_ago(view, view_text(view, 0, "ended_at")));
}

static int show_after(const struct args *args, const char *method, const char *verb)
{
    struct session session;
    struct view view;
    enum cmd_exit result = session_open(&session, args);
    if (result == CMD_DONE)
        result = call_for(&session, method, verb, SPAN(""));
    view_init(&view, &session.answer.doc);
    if (result == CMD_DONE && session_is_for_people(&session) && view.doc->count > 0)
        print_replay(&view);
    view_flush(&view);
    view_deinit(&view);
    session_close(&session);
    return result;
}

int cmd_replay_show(const struct args *args)
{
    return show_after(args, "GET", "");
}

int cmd_replay_pause(const struct args *args)
{
    return show_after(args, "POST", "/pause");
}

int cmd_replay_resume(const struct args *args)
{
    return show_after(args, "POST", "/resume");
}

int cmd_replay_cancel(const struct args *args)
{
    return show_after(args, "POST", "/cancel");
}

// ---- one event ---------------------------------------------------------------------------------

int cmd_replay_event(const struct args *args)
{
    struct session session;
    struct json_writer w;
    struct buf body;
    struct buf path;
    char uuid[UID_TEXT_LEN + 1];
    enum cmd_exit result = session_open(&session, args);
    buf_init(&body, BODY_MAX);
    buf_init(&path, BODY_MAX);
    if (result == CMD_DONE)
        result = session_find_webhook(&session, args->words[1], uuid);
    if (result == CMD_DONE) {
        json_write_init(&w, &body);
        json_write_object(&w);
        json_write_member_text(&w, "webhook", uuid);
        json_write_end_object(&w);
        (void)buf_append_text(&path, "/events/");
        client_append_escaped(&path, span_of(args->words[0]));
        (void)buf_append_text(&path, "/replay");
        result = session_call(&session, "POST", buf_text(&path), buf_span(&body));
    }
    if (result == CMD_DONE && session_is_for_people(&session))
        printf("event %s is due now for webhook %s\n", args->words[0], uuid);
    buf_deinit(&path);
    buf_deinit(&body);
    session_close(&session);
    return result;
}
