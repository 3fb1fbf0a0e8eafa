// SPDX-License-Identifier: MIT
// grapnel tenants list, add, show, set, pause, resume, remove; the main thread.
#include <stdio.h>
#include <string.h>

#include "cli/session.h"
#include "json/json_write.h"

#define BODY_MAX 65536

enum column { C_NAME, C_STATE, C_WEBHOOKS, C_WAITING, C_IN_FLIGHT, C_EVENTS };

static const struct table_column columns[] = {
    [C_NAME] = {"NAME", false, 0},          [C_STATE] = {"STATE", false, 0},
    [C_WEBHOOKS] = {"WEBHOOKS", true, 0},   [C_WAITING] = {"WAITING", true, 0},
    [C_IN_FLIGHT] = {"IN FLIGHT", true, 0}, [C_EVENTS] = {"EVENTS/S", true, 0},
};

static struct span state_of(const struct view *view, uint32_t row)
{
    return view_is_true(view, row, "is_paused") ? SPAN("paused") : SPAN("active");
}

// "3 of 10"; the limit may be none.
static struct span part(struct view *view, uint32_t row, const char *used, const char *limit)
{
    struct span most = view_text(view, row, limit);
    char text[96];
    if (most.len == 0)
        return view_count(view, view_int(view, row, used));
    snprintf(text, sizeof text, "%lld of %.*s", (long long)view_int(view, row, used),
             (int)(most.len < 32 ? most.len : 32), most.at);
    return arena_copy(&view->arena, span_of(text));
}

static void add_row(struct view *view, struct table *table, uint32_t row)
{
    struct span state = state_of(view, row);
    struct span events = view_text(view, row, "events_per_second");
    if (!table_add_row(table))
        return;
    table_set(table, C_NAME, view_text(view, row, "name"), TERM_PLAIN);
    table_set(table, C_STATE, state, view_style(state));
    table_set(table, C_WEBHOOKS, part(view, row, "webhooks", "max_webhooks"), TERM_PLAIN);
    table_set(table, C_WAITING, part(view, row, "waiting", "max_waiting"), TERM_PLAIN);
    table_set(table, C_IN_FLIGHT, part(view, row, "in_flight", "max_in_flight"), TERM_PLAIN);
    table_set(table, C_EVENTS, events.len > 0 ? events : SPAN("no limit"), TERM_PLAIN);
}

int cmd_tenants_list(const struct args *args)
{
    struct session session;
    struct view view;
    enum cmd_exit result = session_open(&session, args);
    if (result == CMD_DONE)
        result = session_call(&session, "GET", "/tenants", SPAN(""));
    view_init(&view, &session.answer.doc);
    if (result == CMD_DONE && session.output != SESSION_JSON)
        (void)session_print_rows(&session, &view, columns, COUNT_OF(columns), add_row);
    else if (result == CMD_DONE)
        (void)session_is_for_people(&session);
    view_flush(&view);
    view_deinit(&view);
    session_close(&session);
    return result;
}

// ---- add, set ----------------------------------------------------------------------------------

// As it was written: the engine says what is wrong with it. "none" takes a limit away.
static enum err put_limits(const struct args *args, struct json_writer *w, struct errmsg *message)
{
    static const struct {
        const char *option, *member;
    } limits[] = {{"max-in-flight", "max_in_flight"},
                  {"events-per-second", "events_per_second"},
                  {"events-burst", "events_burst"},
                  {"max-waiting", "max_waiting"},
                  {"max-webhooks", "max_webhooks"}};
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        const char *given = args_value(args, limits[i].option);
        if (given == NULL)
            continue;
        bool is_none = strcmp(given, "none") == 0;
        if (!is_none && (given[0] == '\0' || strlen(given) > 20 ||
                         strspn(given, "0123456789.") != strlen(given))) {
            errmsg_set(message, "--%s: \"%.40s\" is no number; write one, or none",
                       limits[i].option, given);
            return ERR_SYNTAX;
        }
        json_write_name(w, limits[i].member);
        json_write_raw(w, is_none ? SPAN("null") : span_of(given));
    }
    return OK;
}

static enum cmd_exit call_with(struct session *session, const char *method, const char *name,
                               struct span body)
{
    struct buf path;
    buf_init(&path, 4096);
    (void)buf_append_text(&path, "/tenants/");
    client_append_escaped(&path, span_of(session->args->words[0]));
    (void)buf_append_text(&path, name);
    enum cmd_exit result = session_call(session, method, buf_text(&path), body);
    buf_deinit(&path);
    return result;
}

static int put(const struct args *args, bool is_new)
{
    struct session session;
    struct json_writer w;
    struct buf body;
    struct errmsg message = {""};
    enum cmd_exit result = session_open(&session, args);
    buf_init(&body, BODY_MAX);
    json_write_init(&w, &body);
    json_write_object(&w);
    if (is_new)
        json_write_member_text(&w, "name", args->words[0]);
    if (result == CMD_DONE && put_limits(args, &w, &message) != OK)
        result = session_misuse(&message);
    json_write_end_object(&w);
    if (result == CMD_DONE)
        result = is_new ? session_call(&session, "POST", "/tenants", buf_span(&body))
                        : call_with(&session, "PATCH", "", buf_span(&body));
    if (result == CMD_DONE && session_is_for_people(&session))
        printf(is_new ? "tenant %s is there\n" : "tenant %s is changed\n", args->words[0]);
    buf_deinit(&body);
    session_close(&session);
    return result;
}

int cmd_tenants_add(const struct args *args)
{
    return put(args, true);
}

int cmd_tenants_set(const struct args *args)
{
    return put(args, false);
}

// ---- show, pause, resume, remove ---------------------------------------------------------------

static void print_tenant(struct view *view)
{
    struct span state = state_of(view, 0);
    struct span events = view_text(view, 0, "events_per_second");
    view_format(view, "tenant ");
    view_put(view, view_text(view, 0, "name"));
    view_format(view, " is ");
    view_put_styled(view, view_style(state), state);
    view_format(view, "\n");
    view_put_field(view, "webhooks", part(view, 0, "webhooks", "max_webhooks"));
    view_put_field(view, "in flight", part(view, 0, "in_flight", "max_in_flight"));
    view_put_field(view, "waiting", part(view, 0, "waiting", "max_waiting"));
    view_put_field(view, "events/s", events.len > 0 ? events : SPAN("no limit"));
    view_put_field(view, "at once", view_text(view, 0, "events_burst"));
}

static int call_for(const struct args *args, const char *method, const char *verb, const char *said)
{
    struct session session;
    struct view view;
    enum cmd_exit result = session_open(&session, args);
    if (result == CMD_DONE)
        result = call_with(&session, method, verb, SPAN(""));
    view_init(&view, &session.answer.doc);
    if (result == CMD_DONE && session_is_for_people(&session)) {
        if (said != NULL)
            view_format(&view, "tenant %s is %s\n", args->words[0], said);
        else
            print_tenant(&view);
    }
    view_flush(&view);
    view_deinit(&view);
    session_close(&session);
    return result;
}

int cmd_tenants_show(const struct args *args)
{
    return call_for(args, "GET", "", NULL);
}

int cmd_tenants_pause(const struct args *args)
{
    return call_for(args, "POST", "/pause", "paused: deliveries wait, nothing is lost");
}

int cmd_tenants_resume(const struct args *args)
{
    return call_for(args, "POST", "/resume", "active");
}

int cmd_tenants_remove(const struct args *args)
{
    return call_for(args, "DELETE", "", "removed; its history stays");
}
