// SPDX-License-Identifier: MIT
// grapnel webhooks add, edit: options to JSON, and what the engine makes of it; the main thread.
#include <stdio.h>

#include "base/mem.h"
#include "cli/session.h"
#include "cli/webhook_json.h"

// The types of scripts' options, kept beside the session's own answer; stays empty when no --script
// has options.
static enum cmd_exit read_scripts(struct session *session, struct client_answer *scripts)
{
    if (!webhook_json_needs_scripts(session->args))
        return CMD_DONE;
    return client_do(session->client, "GET", "/api/v1/scripts?limit=250", SPAN(""), scripts);
}

static enum cmd_exit make_body(struct session *session, bool is_patch, struct buf *body)
{
    struct client_answer scripts;
    struct errmsg message;
    client_answer_init(&scripts);
    enum cmd_exit result = read_scripts(session, &scripts);
    if (result == CMD_DONE &&
        webhook_json_print(session->args, is_patch, &scripts.doc, body, &message) != OK)
        result = session_misuse(&message);
    client_answer_deinit(&scripts);
    return result;
}

static void show(struct session *session)
{
    struct view view;
    if (!session_is_for_people(session))
        return;
    view_init(&view, &session->answer.doc);
    if (view.doc->count > 0) {
        struct span secret = view_text(&view, 0, "secret");
        view_webhook(&view, 0);
        view_put_field(&view, "secret", secret);
        uint32_t signs = view_member(&view, 0, "signs");
        if (secret.len > 0)
            view_format(&view,
                        "\nKeep the secret: the receiver verifies signatures with it, and it "
                        "is not shown again.\n");
        if (secret.len > 0 && signs != JSON_NONE && json_type(view.doc, signs) == JSON_FALSE)
            view_format(&view, "Nothing is signed yet: that takes a script that signs, as in "
                               "--script standard-webhooks.\n");
    }
    view_flush(&view);
    view_deinit(&view);
}

int cmd_webhooks_add(const struct args *args)
{
    struct session session;
    struct buf body;
    enum cmd_exit result = session_open(&session, args);
    buf_init(&body, WEBHOOK_JSON_MAX);
    if (result == CMD_DONE && (!args_has(args, "target") || !args_has(args, "event"))) {
        fprintf(stderr, "grapnel: webhooks add needs --target URL and --event NAME\n");
        result = CMD_USAGE;
    }
    if (result == CMD_DONE)
        result = make_body(&session, false, &body);
    if (result == CMD_DONE)
        result = session_call(&session, "POST", "/webhooks", buf_span(&body));
    if (result == CMD_DONE)
        show(&session);
    if (body.at != NULL)
        mem_wipe(body.at, body.len); // its secrets
    buf_deinit(&body);
    session_close(&session);
    return result;
}

int cmd_webhooks_edit(const struct args *args)
{
    struct session session;
    struct buf body;
    char uuid[UID_TEXT_LEN + 1];
    char path[128];
    enum cmd_exit result = session_open(&session, args);
    buf_init(&body, WEBHOOK_JSON_MAX);
    if (result == CMD_DONE)
        result = make_body(&session, true, &body);
    if (result == CMD_DONE && span_is(buf_span(&body), "{}")) {
        fprintf(stderr, "grapnel: webhooks edit changes what options name: give at least one "
                        "(grapnel webhooks edit --help)\n");
        result = CMD_USAGE;
    }
    if (result == CMD_DONE)
        result = session_find_webhook(&session, args->words[0], uuid);
    if (result == CMD_DONE) {
        snprintf(path, sizeof path, "/webhooks/%s", uuid);
        result = session_call(&session, "PATCH", path, buf_span(&body));
    }
    if (result == CMD_DONE)
        show(&session);
    buf_deinit(&body);
    session_close(&session);
    return result;
}
