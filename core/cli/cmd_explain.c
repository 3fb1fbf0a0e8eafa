// SPDX-License-Identifier: MIT
// grapnel explain ID: what became of an event, a delivery or a webhook, and why; the main thread.
#include <stdio.h>

#include "cli/session.h"

#define CROSS     "\xe2\x9c\x97"
#define CHECKMARK "\xe2\x9c\x93"
#define DASH      "\xe2\x80\x93"
#define DOTS      "\xe2\x80\xa6"

// ---- one delivery ------------------------------------------------------------------------------

static void put_mark(struct view *view, struct span state)
{
    if (span_is(state, "delivered"))
        view_put_styled(view, TERM_GOOD, SPAN(CHECKMARK));
    else if (span_is(state, "filtered"))
        view_put_styled(view, TERM_DIM, SPAN(DASH));
    else if (span_is(state, "dead") || span_is(state, "cancelled"))
        view_put_styled(view, TERM_BAD, SPAN(CROSS));
    else
        view_put_styled(view, TERM_WAIT, SPAN(DOTS));
}

// "Delivered with attempt 1 at …" need not follow the word "delivered".
static struct span without_state(struct span summary, struct span state)
{
    struct span first = {summary.at, state.len < summary.len ? state.len : summary.len};
    if (state.len == 0 || !span_eq_nocase(first, state))
        return summary;
    return span_trim(span_make(summary.at + state.len, summary.len - state.len));
}

// {"target","summary","delivery"}: a line, and its attempts below.
static void put_delivery(struct view *view, uint32_t row)
{
    uint32_t delivery = view_member(view, row, "delivery");
    uint32_t attempts = view_member(view, delivery, "attempts");
    uint32_t attempt = JSON_NONE;
    struct span state = view_text(view, delivery, "state");
    view_format(view, "  ");
    put_mark(view, state);
    view_format(view, " ");
    view_put(view, view_text(view, row, "target"));
    view_format(view, "   ");
    view_put_styled(view, view_style(state), state);
    struct span summary = view_text(view, row, "summary");
    struct span rest = without_state(summary, state);
    if (rest.len == summary.len)
        view_format(view, ". ");
    else if (rest.len > 0 && rest.at[0] != ':')
        view_format(view, " ");
    view_put(view, rest);
    view_format(view, "\n");
    view_format(view, "      delivery ");
    view_put(view, view_text(view, delivery, "id"));
    view_format(view, "\n");
    if (attempts == JSON_NONE || json_type(view->doc, attempts) != JSON_ARRAY)
        return;
    for (uint32_t at = attempts + 1; json_next_element(view->doc, attempts, &at, &attempt);) {
        view_format(view, "   ");
        view_attempt_line(view, attempt);
    }
}

// ---- an event ----------------------------------------------------------------------------------

static void put_event(struct view *view)
{
    uint32_t event = view_member(view, 0, "event");
    struct span uid = view_text(view, event, "uid");
    view_put_styled(view, TERM_BOLD, view_text(view, event, "event"));
    view_format(view, ", accepted ");
    view_put(view, view_text(view, event, "accepted_at"));
    if (uid.len > 0) {
        view_format(view, " from uid ");
        view_put(view, uid);
    }
    view_format(view, ", tenant ");
    view_put(view, view_text(view, event, "tenant"));
    view_format(view, ", ");
    view_put(view, view_count(view, view_int(view, event, "bytes")));
    view_format(view, " bytes\n");
    view_put(view, view_text(view, 0, "summary"));
    view_format(view, "\n");
}

static void put_rows(struct view *view, const char *name,
                     void (*put)(struct view *view, uint32_t row))
{
    uint32_t rows = view_member(view, 0, name);
    uint32_t row = JSON_NONE;
    if (rows == JSON_NONE || json_type(view->doc, rows) != JSON_ARRAY)
        return;
    for (uint32_t at = rows + 1; json_next_element(view->doc, rows, &at, &row);)
        put(view, row);
}

static void put_not_matched(struct view *view, uint32_t row)
{
    view_format(view, "  ");
    view_put_styled(view, TERM_DIM, SPAN(DASH));
    view_format(view, " ");
    view_put(view, view_text(view, row, "target"));
    view_format(view, "   ");
    view_put(view, view_text(view, row, "summary"));
    view_format(view, "\n");
}

static void print_event(struct view *view)
{
    put_event(view);
    put_rows(view, "deliveries", put_delivery);
    if (view_is_true(view, 0, "has_more_deliveries"))
        view_format(view, "  %s and more (grapnel deliveries list --event)\n", DOTS);
    put_rows(view, "not_matched", put_not_matched);
}

static void print_delivery(struct view *view)
{
    put_delivery(view, 0);
}

static void print_webhook(struct view *view)
{
    view_put(view, view_text(view, 0, "summary"));
    view_format(view, "\n\n");
    view_webhook(view, view_member(view, 0, "webhook"));
}

// ---- which one ---------------------------------------------------------------------------------

static const struct {
    const char *resource;
    void (*print)(struct view *view);
} kinds[] = {{"webhooks", print_webhook}, {"events", print_event}, {"deliveries", print_delivery}};

// An id does not tell what it names: asks for each kind. `*kind`: what it was.
static enum cmd_exit find(struct session *session, const char *id, size_t *kind)
{
    struct buf path;
    struct errmsg message;
    buf_init(&path, 4096);
    enum err err = OK;
    for (*kind = 0; *kind < COUNT_OF(kinds); (*kind)++) {
        buf_clear(&path);
        (void)buf_append_format(&path, "/api/v1/%s/", kinds[*kind].resource);
        client_append_escaped(&path, span_of(id));
        (void)buf_append_text(&path, "/explain");
        err = client_call(session->client, "GET", buf_text(&path), SPAN(""), &session->answer,
                          &message);
        if (err != OK || session->answer.status != 404)
            break;
    }
    buf_deinit(&path);
    if (err != OK) {
        fprintf(stderr, "grapnel: %s\n", message.text);
        return CMD_UNREACHABLE;
    }
    if (session->answer.status == 200)
        return CMD_DONE;
    struct buf problem;
    buf_init(&problem, 65536);
    if (*kind == COUNT_OF(kinds))
        (void)buf_append_format(&problem, "no webhook, event or delivery has the id %s", id);
    else
        client_print_problem(&session->answer, &problem);
    fprintf(stderr, "grapnel: %s\n", buf_text(&problem));
    buf_deinit(&problem);
    return CMD_FAILED;
}

int cmd_explain(const struct args *args)
{
    struct session session;
    struct view view;
    struct uid uuid;
    char found[UID_TEXT_LEN + 1];
    const char *id = args->words[0];
    size_t kind = 0;
    enum cmd_exit result = session_open(&session, args);
    if (result == CMD_DONE && !uid_parse(span_of(id), &uuid)) {
        result = session_find_webhook(&session, id, found); // by its name or the uuid's beginning
        id = found;
    }
    if (result == CMD_DONE)
        result = find(&session, id, &kind);
    view_init(&view, &session.answer.doc);
    if (result == CMD_DONE && session_is_for_people(&session) && view.doc->count > 0)
        kinds[kind].print(&view);
    view_flush(&view);
    view_deinit(&view);
    session_close(&session);
    return result;
}
