// SPDX-License-Identifier: MIT
// grapnel webhooks list, show, enable, disable, pause, resume, remove, test; the main thread.
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/date.h"
#include "cli/session.h"

#define SHORT_UUID 8 // characters: enough to name one
#define DOT        " \xc2\xb7 "

// ---- list --------------------------------------------------------------------------------------

enum column { C_ID, C_STATE, C_EVENT, C_TARGET, C_SCRIPTS, C_DELIVERED, C_SHARE, C_AGO, C_LAST };

static const struct table_column columns[] = {
    [C_ID] = {"ID", false, 0},           [C_STATE] = {"STATE", false, 0},
    [C_EVENT] = {"EVENT", false, 10},    [C_TARGET] = {"TARGET", false, 16},
    [C_SCRIPTS] = {"SCRIPTS", false, 8}, [C_DELIVERED] = {"DELIVERED", true, 0},
    [C_SHARE] = {"", true, 0},           [C_AGO] = {"LAST", false, 0},
    [C_LAST] = {"", false, 6},
};

static struct span script_names(struct view *view, uint32_t webhook)
{
    uint32_t scripts = view_member(view, webhook, "scripts");
    uint32_t script = JSON_NONE;
    const char *names = "";
    if (scripts == JSON_NONE || json_type(view->doc, scripts) != JSON_ARRAY)
        return (struct span){0};
    for (uint32_t at = scripts + 1; json_next_element(view->doc, scripts, &at, &script);) {
        struct span name = view_text(view, script, "name");
        names = arena_format(&view->arena, "%s%s%.*s", names, names[0] != 0 ? ", " : "",
                             SPAN_ARGS(name));
    }
    return span_of(names);
}

// Why it is in this state, and what happens next; empty when all is well.
static struct span note_of(struct view *view, uint32_t webhook, uint32_t traffic)
{
    uint32_t quarantine = view_member(view, webhook, "quarantine");
    bool is_quarantined = quarantine != JSON_NONE;
    struct span held = view_holds(view, webhook, is_quarantined ? SPAN("quarantine") : SPAN(""));
    int64_t waiting = view_int(view, traffic, "waiting");
    struct span waits = view_count(view, waiting);
    struct span reason = view_text(view, webhook, "disabled_reason");
    if (is_quarantined) {
        return span_of(arena_format(
            &view->arena, "%.*s%squarantine: %.*s failures in a row, %.*s: %.*s" DOT "%.*s waiting",
            SPAN_ARGS(held), held.len > 0 ? DOT : "",
            SPAN_ARGS(view_text(view, quarantine, "failures")),
            SPAN_ARGS(view_text(view, quarantine, "outcome")),
            SPAN_ARGS(view_text(view, quarantine, "reason")), SPAN_ARGS(waits)));
    }
    if (held.len > 0)
        return span_of(arena_format(&view->arena, "%.*s" DOT "%.*s waiting", SPAN_ARGS(held),
                                    SPAN_ARGS(waits)));
    if (reason.len > 0)
        return span_of(arena_format(&view->arena, "disabled: %.*s", SPAN_ARGS(reason)));
    return (struct span){0};
}

static void set_traffic(struct view *view, struct table *table, uint32_t traffic)
{
    int64_t delivered = view_int(view, traffic, "delivered");
    int64_t tried = delivered + view_int(view, traffic, "failed_attempts");
    struct span outcome = view_text(view, traffic, "last_outcome");
    table_set(table, C_DELIVERED, view_count(view, delivered), TERM_PLAIN);
    if (tried > 0)
        table_set_text(table, C_SHARE,
                       arena_format(&view->arena, "%" PRId64 " %%", delivered * 100 / tried));
    table_set(table, C_AGO, view_ago(view, view_text(view, traffic, "last_attempt_at")),
              TERM_PLAIN);
    table_set(table, C_LAST, outcome,
              outcome.len == 0 || span_is(outcome, "delivered") ? TERM_PLAIN : TERM_BAD);
}

static void on_webhooks(void *context, const struct json_doc *doc, uint32_t data)
{
    struct table *table = context;
    struct view view;
    uint32_t row = JSON_NONE;
    view_init(&view, doc);
    for (uint32_t at = data + 1; json_next_element(doc, data, &at, &row);) {
        if (!table_add_row(table))
            break;
        struct span uuid = view_text(&view, row, "uuid");
        struct span state = view_text(&view, row, "state");
        uint32_t traffic = view_member(&view, row, "traffic");
        uuid.len = uuid.len > SHORT_UUID ? SHORT_UUID : uuid.len;
        table_set(table, C_ID, uuid, TERM_PLAIN);
        table_set(table, C_STATE, state, view_style(state));
        table_set(table, C_EVENT, view_joined(&view, view_member(&view, row, "events"), ", "),
                  TERM_PLAIN);
        table_set(table, C_TARGET, view_text(&view, row, "target"), TERM_PLAIN);
        table_set(table, C_SCRIPTS, script_names(&view, row), TERM_PLAIN);
        set_traffic(&view, table, traffic);
        table_add_note(table, note_of(&view, row, traffic));
    }
    view_deinit(&view);
}

int cmd_webhooks_list(const struct args *args)
{
    struct session session;
    struct table table;
    struct buf query;
    enum cmd_exit result = session_open(&session, args);
    const char *tenant = args_value(args, "tenant");
    table_init(&table, columns, COUNT_OF(columns));
    buf_init(&query, 4096);
    if (tenant != NULL) {
        (void)buf_append_text(&query, "tenant=");
        client_append_escaped(&query, span_of(tenant));
    }
    const struct session_list list = {.path = "/webhooks",
                                      .query = buf_span(&query),
                                      .limit = 250,
                                      .on_page = on_webhooks,
                                      .context = &table};
    if (result == CMD_DONE)
        result = session_list(&session, &list);
    if (result == CMD_DONE && session.output == SESSION_TABLE) {
        struct view view;
        view_init(&view, &session.answer.doc);
        if (table.row_count > 0)
            table_print(&table, &view.out, view.width, view.has_colour);
        else
            view_format(&view, "No webhooks yet. Add one: grapnel webhooks add --target URL "
                               "--event NAME\n");
        view_flush(&view);
        view_deinit(&view);
    }
    buf_deinit(&query);
    table_deinit(&table);
    session_close(&session);
    return result;
}

// ---- one webhook -------------------------------------------------------------------------------

static void show_webhook(struct session *session)
{
    struct view view;
    if (!session_is_for_people(session))
        return;
    view_init(&view, &session->answer.doc);
    if (view.doc->count > 0)
        view_webhook(&view, 0);
    view_flush(&view);
    view_deinit(&view);
}

// Calls METHOD /webhooks/{id}{verb} for the webhook that the argument names.
static enum cmd_exit call_for(struct session *session, const char *method, const char *verb,
                              char uuid[UID_TEXT_LEN + 1])
{
    enum cmd_exit result = session_find_webhook(session, session->args->words[0], uuid);
    char path[128];
    if (result != CMD_DONE)
        return result;
    snprintf(path, sizeof path, "/webhooks/%s%s", uuid, verb);
    return session_call(session, method, path, SPAN(""));
}

int cmd_webhooks_show(const struct args *args)
{
    struct session session;
    char uuid[UID_TEXT_LEN + 1];
    enum cmd_exit result = session_open(&session, args);
    if (result == CMD_DONE)
        result = call_for(&session, "GET", "", uuid);
    if (result == CMD_DONE)
        show_webhook(&session);
    session_close(&session);
    return result;
}

static int change_state(const struct args *args, const char *verb, const char *word)
{
    struct session session;
    char uuid[UID_TEXT_LEN + 1];
    enum cmd_exit result = session_open(&session, args);
    if (result == CMD_DONE)
        result = call_for(&session, "POST", verb, uuid);
    if (result == CMD_DONE && session_is_for_people(&session))
        printf("webhook %s is %s\n", uuid, word);
    session_close(&session);
    return result;
}

// And says how to get what it missed: only before it is enabled is it known since when.
int cmd_webhooks_enable(const struct args *args)
{
    struct session session;
    struct view view;
    char uuid[UID_TEXT_LEN + 1];
    char since[DATE_TEXT_LEN] = "";
    enum cmd_exit result = session_open(&session, args);
    if (result == CMD_DONE)
        result = call_for(&session, "GET", "", uuid);
    view_init(&view, &session.answer.doc);
    if (result == CMD_DONE && !view_is_true(&view, 0, "is_active"))
        snprintf(since, sizeof since, "%.*s", SPAN_ARGS(view_text(&view, 0, "disabled_at")));
    view_deinit(&view);
    if (result == CMD_DONE)
        result = call_for(&session, "POST", "/enable", uuid);
    if (result == CMD_DONE && session_is_for_people(&session)) {
        printf("webhook %s is active\n", uuid);
        if (since[0] != '\0')
            printf("what it missed is sent by: grapnel replay start %s --since %s\n", uuid, since);
    }
    session_close(&session);
    return result;
}

int cmd_webhooks_disable(const struct args *args)
{
    return change_state(args, "/disable", "inactive; what was pending is cancelled");
}

int cmd_webhooks_pause(const struct args *args)
{
    return change_state(args, "/pause", "paused: deliveries wait, nothing is lost");
}

int cmd_webhooks_resume(const struct args *args)
{
    return change_state(args, "/resume", "going on");
}

int cmd_webhooks_reset(const struct args *args)
{
    return change_state(args, "/breaker/reset", "going on: its circuit breaker is closed");
}

// ---- remove ------------------------------------------------------------------------------------

// Asks on the terminal; without one, --yes is needed.
static enum cmd_exit confirm(struct session *session, const char *uuid)
{
    char answer[16] = "";
    if (args_has(session->args, "yes"))
        return CMD_DONE;
    if (!isatty(STDIN_FILENO)) {
        fprintf(stderr, "grapnel: removing a webhook needs --yes when nobody can be asked\n");
        return CMD_USAGE;
    }
    fprintf(stderr, "Remove webhook %s? What is pending for it is cancelled. [y/N] ", uuid);
    if (fgets(answer, sizeof answer, stdin) == NULL || (answer[0] != 'y' && answer[0] != 'Y')) {
        fprintf(stderr, "nothing was changed\n");
        return CMD_FAILED;
    }
    return CMD_DONE;
}

int cmd_webhooks_remove(const struct args *args)
{
    struct session session;
    char uuid[UID_TEXT_LEN + 1];
    char path[128];
    enum cmd_exit result = session_open(&session, args);
    if (result == CMD_DONE)
        result = session_find_webhook(&session, args->words[0], uuid);
    if (result == CMD_DONE)
        result = confirm(&session, uuid);
    if (result == CMD_DONE) {
        snprintf(path, sizeof path, "/webhooks/%s", uuid);
        result = session_call(&session, "DELETE", path, SPAN(""));
    }
    if (result == CMD_DONE && session.output == SESSION_TABLE)
        printf("webhook %s is removed; its history stays\n", uuid);
    session_close(&session);
    return result;
}

// ---- test --------------------------------------------------------------------------------------

int cmd_webhooks_test(const struct args *args)
{
    struct session session;
    struct view view;
    char uuid[UID_TEXT_LEN + 1];
    enum cmd_exit result = session_open(&session, args);
    if (result == CMD_DONE)
        result = call_for(&session, "POST", "/test", uuid);
    view_init(&view, &session.answer.doc);
    if (result == CMD_DONE && session.answer.doc.count > 0) {
        if (session_is_for_people(&session))
            view_attempt(&view, 0);
        if (!span_is(view_text(&view, 0, "outcome"), "delivered"))
            result = CMD_FAILED; // so that a shell script can tell
    }
    view_flush(&view);
    view_deinit(&view);
    session_close(&session);
    return result;
}
