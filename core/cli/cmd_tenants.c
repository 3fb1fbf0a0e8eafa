// SPDX-License-Identifier: MIT
// grapnel tenants list, add; the main thread.
#include <stdio.h>

#include "cli/session.h"
#include "json/json_write.h"

int cmd_tenants_list(const struct args *args)
{
    struct session session;
    struct view view;
    enum cmd_exit result = session_open(&session, args);
    if (result == CMD_DONE)
        result = session_call(&session, "GET", "/tenants", SPAN(""));
    view_init(&view, &session.answer.doc);
    uint32_t data = result == CMD_DONE ? view_member(&view, 0, "data") : JSON_NONE;
    uint32_t row = JSON_NONE;
    bool is_list = data != JSON_NONE && json_type(view.doc, data) == JSON_ARRAY;
    if (is_list && session.output != SESSION_JSON) {
        for (uint32_t at = data + 1; json_next_element(view.doc, data, &at, &row);) {
            if (session.output == SESSION_NDJSON)
                (void)buf_append_span(&view.out, json_raw(view.doc, row));
            else
                view_put(&view, view_text(&view, row, "name"));
            view_format(&view, "\n");
        }
    } else if (result == CMD_DONE) {
        (void)session_is_for_people(&session);
    }
    view_flush(&view);
    view_deinit(&view);
    session_close(&session);
    return result;
}

int cmd_tenants_add(const struct args *args)
{
    struct session session;
    struct json_writer w;
    struct buf body;
    enum cmd_exit result = session_open(&session, args);
    buf_init(&body, 65536);
    json_write_init(&w, &body);
    json_write_object(&w);
    json_write_member_text(&w, "name", args->words[0]);
    json_write_end_object(&w);
    if (result == CMD_DONE)
        result = session_call(&session, "POST", "/tenants", buf_span(&body));
    if (result == CMD_DONE && session_is_for_people(&session))
        printf("tenant %s is there\n", args->words[0]);
    buf_deinit(&body);
    session_close(&session);
    return result;
}
