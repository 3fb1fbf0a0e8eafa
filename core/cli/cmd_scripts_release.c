// SPDX-License-Identifier: MIT
// grapnel scripts release; the main thread.
#include <inttypes.h>
#include <stdio.h>

#include "cli/session.h"
#include "json/json_write.h"

// {"webhook": UUID} when there is --webhook.
static enum cmd_exit write_body(struct session *session, struct buf *body)
{
    const char *webhook = args_value(session->args, "webhook");
    char uuid[UID_TEXT_LEN + 1];
    struct json_writer w;
    if (webhook == NULL)
        return CMD_DONE;
    enum cmd_exit result = session_find_webhook(session, webhook, uuid);
    if (result != CMD_DONE)
        return result;
    json_write_init(&w, body);
    json_write_object(&w);
    json_write_member_text(&w, "webhook", uuid);
    json_write_end_object(&w);
    return CMD_DONE;
}

static void say(struct session *session)
{
    struct view view;
    const char *name = session->args->words[0];
    if (!session_is_for_people(session))
        return;
    view_init(&view, &session->answer.doc);
    int64_t count = view_int(&view, 0, "released");
    if (count == 0)
        printf("no webhook is held because of %s\n", name);
    else
        printf("%" PRId64 " webhook%s released: what waited is sent\n", count,
               count == 1 ? "" : "s");
    view_deinit(&view);
}

int cmd_scripts_release(const struct args *args)
{
    struct session session;
    struct buf path;
    struct buf body;
    const char *tenant = args_value(args, "tenant");
    enum cmd_exit result = session_open(&session, args);
    buf_init(&path, 4096);
    buf_init(&body, 4096);
    if (result == CMD_DONE)
        result = write_body(&session, &body);
    if (result == CMD_DONE) {
        (void)buf_append_text(&path, "/scripts/");
        client_append_escaped(&path, span_of(args->words[0]));
        (void)buf_append_text(&path, "/release");
        if (tenant != NULL) {
            (void)buf_append_text(&path, "?tenant=");
            client_append_escaped(&path, span_of(tenant));
        }
        result = session_call(&session, "POST", buf_text(&path), buf_span(&body));
    }
    if (result == CMD_DONE)
        say(&session);
    buf_deinit(&body);
    buf_deinit(&path);
    session_close(&session);
    return result;
}
