// SPDX-License-Identifier: MIT
// grapnel try SCRIPT: what a script would send for events, without sending; the main thread.
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/script_argument.h"
#include "cli/session.h"
#include "cli/source.h"
#include "cli/try_local.h"
#include "cli/try_view.h"
#include "json/json_write.h"
#include "script/library.h"

#define MAX_TEXT ((size_t)4 * 1024 * 1024) // bytes of an event, an argument, a question

struct trying {
    const struct args *args;
    struct session session;
    struct buf argument; // "slack,text=…", with --option behind it
    struct span script;  // what stands before its first comma
    bool is_file;
    struct buf name, source;             // of a file
    struct buf event, response, options; // JSON; empty: not given
    char uuid[UID_TEXT_LEN + 1];         // of the webhook; "": none
    bool is_event_id;
    struct buf why;
};

static enum cmd_exit fail(struct trying *t, enum cmd_exit code)
{
    fprintf(stderr, "grapnel: %s\n", buf_text(&t->why));
    return code;
}

static enum cmd_exit misuse(struct trying *t, const char *why)
{
    (void)buf_append_text(&t->why, why);
    return fail(t, CMD_USAGE);
}

// ---- arguments ---------------------------------------------------------------------------------

// SCRIPT, and each --option behind it as it would stand there.
static void join_argument(struct trying *t)
{
    const char *option = NULL;
    (void)buf_append_text(&t->argument, t->args->words[0]);
    for (size_t i = 0; (option = args_nth(t->args, "option", i)) != NULL; i++) {
        (void)buf_append_char(&t->argument, ',');
        for (; *option != 0; option++) {
            if (*option == ',' || *option == '\\')
                (void)buf_append_char(&t->argument, '\\');
            (void)buf_append_char(&t->argument, *option);
        }
    }
    struct span whole = span_of(buf_text(&t->argument));
    const char *comma = memchr(whole.at, ',', whole.len);
    t->script = span_make(whole.at, comma != NULL ? (size_t)(comma - whole.at) : whole.len);
    t->is_file = memchr(t->script.at, '/', t->script.len) != NULL ||
                 (t->script.len > 4 && memcmp(t->script.at + t->script.len - 4, ".lua", 4) == 0);
}

// JSON as it stands, "-", or a file.
static enum err read_json(struct buf *out, const char *text, struct errmsg *message)
{
    struct buf at;
    bool is_path = text[0] != '{' && text[0] != '@' && strcmp(text, "-") != 0;
    buf_init(&at, MAX_TEXT);
    (void)buf_append_format(&at, "%s%s", is_path ? "@" : "", text);
    enum err err = source_read_json(out, buf_text(&at), message);
    buf_deinit(&at);
    return err;
}

static enum cmd_exit read_arguments(struct trying *t)
{
    const char *event = args_value(t->args, "event");
    const char *response = args_value(t->args, "response");
    struct errmsg message = {""};
    struct uid uid;
    int64_t last = 0;
    join_argument(t);
    if (event != NULL && args_has(t->args, "last"))
        return misuse(t, "--event and --last: one of them");
    if (event == NULL && !args_has(t->args, "webhook"))
        return misuse(t, "against which events? --event FILE, --event ID, or --webhook ID "
                         "[--last N]");
    if (args_number(t->args, "last", 1, 100, &last, &message) != OK)
        return misuse(t, message.text);
    enum err err = OK;
    t->is_event_id = event != NULL && uid_parse(span_of(event), &uid);
    if (event != NULL && !t->is_event_id)
        err = read_json(&t->event, event, &message);
    if (err == OK && response != NULL)
        err = read_json(&t->response, response, &message);
    if (err == OK && t->is_file) {
        char *path = xmemdup0(t->script.at, t->script.len);
        err = local_host_read(path, &t->name, &t->source, &message);
        xfree(path);
    }
    if (err == OK)
        return CMD_DONE;
    (void)buf_append_text(&t->why, message.text);
    return fail(t, CMD_FAILED);
}

// ---- options -----------------------------------------------------------------------------------

// {"data":[{"name":…,"options":[…]}]}: as GET /scripts tells of a script.
static void describe(struct trying *t, const struct try_local *local, struct buf *out)
{
    struct json_writer w;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_name(&w, "data");
    json_write_array(&w);
    json_write_object(&w);
    json_write_member_string(&w, "name", buf_span(&t->name));
    json_write_member_raw(&w, "options", script_draft_options(local->draft));
    json_write_end_object(&w);
    json_write_end_array(&w);
    json_write_end_object(&w);
}

// The argument with the bare name in front, as script_argument reads it.
static enum err print_options(struct trying *t, const struct json_doc *scripts,
                              struct errmsg *message)
{
    struct buf argument;
    struct buf printed;
    struct json_doc doc;
    struct json_error error;
    struct json_writer w;
    struct span name = t->is_file ? buf_span(&t->name) : t->script;
    const char *at = memchr(name.at, '@', name.len);
    name.len = at != NULL ? (size_t)(at - name.at) : name.len;
    buf_init(&argument, MAX_TEXT);
    buf_init(&printed, MAX_TEXT);
    json_init(&doc);
    json_write_init(&w, &printed);
    (void)buf_append_span(&argument, name);
    (void)buf_append_text(&argument, buf_text(&t->argument) + t->script.len);
    enum err err = script_argument_print(buf_span(&argument), scripts, &w, message);
    if (err == OK && json_parse(&doc, buf_span(&printed), JSON_MAX_DEPTH, &error) == OK) {
        uint32_t options = json_get(&doc, 0, SPAN("options"));
        if (options != JSON_NONE)
            (void)buf_append_span(&t->options, json_raw(&doc, options));
    }
    json_deinit(&doc);
    buf_deinit(&printed);
    buf_deinit(&argument);
    return err;
}

static enum cmd_exit read_options(struct trying *t, const struct json_doc *scripts)
{
    struct errmsg message = {""};
    if (print_options(t, scripts, &message) == OK)
        return CMD_DONE;
    (void)buf_append_text(&t->why, message.text);
    return fail(t, CMD_USAGE);
}

// Of a file: from the file itself.
static enum cmd_exit read_file_options(struct trying *t, const struct try_local *local)
{
    struct buf text;
    struct json_doc doc;
    struct json_error error;
    buf_init(&text, MAX_TEXT);
    json_init(&doc);
    describe(t, local, &text);
    CHECK(json_parse(&doc, buf_span(&text), JSON_MAX_DEPTH, &error) == OK);
    enum cmd_exit result = read_options(t, &doc);
    json_deinit(&doc);
    buf_deinit(&text);
    return result;
}

// ---- without an engine -------------------------------------------------------------------------

static enum cmd_exit show(struct trying *t)
{
    struct view view;
    enum cmd_exit result = CMD_DONE;
    view_init(&view, &t->session.answer.doc);
    if (session_is_for_people(&t->session) && view.doc->count > 0)
        try_view_print(&view, args_has(t->args, "full"));
    if (view.doc->count > 0 && try_view_errors(&view) > 0)
        result = CMD_FAILED; // so that a shell script can tell
    view_flush(&view);
    view_deinit(&view);
    return result;
}

static enum cmd_exit run_here(struct trying *t, struct try_local *local)
{
    struct try_question question = {.event = buf_span(&t->event),
                                    .options = buf_span(&t->options),
                                    .response = buf_span(&t->response)};
    struct client_answer *answer = &t->session.answer;
    struct json_error error;
    if (!try_local_run(local, &question, &answer->body, &t->why))
        return fail(t, CMD_FAILED);
    if (json_parse(&answer->doc, buf_span(&answer->body), JSON_MAX_DEPTH * 2, &error) != OK)
        return misuse(t, "the request is too large to be shown");
    return show(t);
}

// ---- with one ----------------------------------------------------------------------------------

static void print_question(struct trying *t, struct buf *out)
{
    struct json_writer w;
    int64_t last = 0;
    struct errmsg message;
    json_write_init(&w, out);
    json_write_object(&w);
    if (t->is_file)
        json_write_member_string(&w, "source", buf_span(&t->source));
    if (t->options.len > 0)
        json_write_member_raw(&w, "options", buf_span(&t->options));
    if (t->uuid[0] != 0)
        json_write_member_text(&w, "webhook", t->uuid);
    if (args_has(t->args, "alone"))
        json_write_member_bool(&w, "alone", true);
    if (t->is_event_id)
        json_write_member_text(&w, "event_id", args_value(t->args, "event"));
    else if (t->event.len > 0)
        json_write_member_raw(&w, "event", buf_span(&t->event));
    if (args_number(t->args, "last", 1, 100, &last, &message) == OK && last > 0)
        json_write_member_int(&w, "last", last);
    if (t->response.len > 0)
        json_write_member_raw(&w, "response", buf_span(&t->response));
    json_write_end_object(&w);
}

static enum cmd_exit ask(struct trying *t)
{
    struct buf path;
    struct buf question;
    buf_init(&path, 4096);
    buf_init(&question, 2 * MAX_TEXT);
    (void)buf_append_text(&path, "/scripts/");
    client_append_escaped(&path, t->is_file ? buf_span(&t->name) : t->script);
    (void)buf_append_text(&path, "/try");
    print_question(t, &question);
    enum cmd_exit result = session_call(&t->session, "POST", buf_text(&path), buf_span(&question));
    buf_deinit(&path);
    buf_deinit(&question);
    return result == CMD_DONE ? show(t) : result;
}

static enum cmd_exit run_there(struct trying *t, const struct try_local *local)
{
    const char *webhook = args_value(t->args, "webhook");
    enum cmd_exit result = CMD_DONE;
    if (webhook != NULL)
        result = session_find_webhook(&t->session, webhook, t->uuid);
    if (result == CMD_DONE && local != NULL) {
        result = read_file_options(t, local);
    } else if (result == CMD_DONE) {
        result = session_call(&t->session, "GET", "/scripts", SPAN(""));
        if (result == CMD_DONE)
            result = read_options(t, &t->session.answer.doc);
    }
    return result == CMD_DONE ? ask(t) : result;
}

// A file is loaded here first, also when an engine is asked: so its options have types.
static enum cmd_exit run_file(struct trying *t)
{
    struct try_local local;
    enum cmd_exit result = CMD_DONE;
    bool needs_engine = t->is_event_id || args_has(t->args, "webhook");
    if (!try_local_open(&local, buf_span(&t->name), buf_span(&t->source), &t->why))
        result = fail(t, CMD_FAILED);
    else if (needs_engine)
        result = run_there(t, &local);
    else if ((result = read_file_options(t, &local)) == CMD_DONE)
        result = run_here(t, &local);
    try_local_close(&local);
    return result;
}

int cmd_try(const struct args *args)
{
    struct trying t = {.args = args};
    buf_init(&t.argument, MAX_TEXT);
    buf_init(&t.name, 1024);
    buf_init(&t.source, LIBRARY_MAX_SOURCE);
    buf_init(&t.event, MAX_TEXT);
    buf_init(&t.response, MAX_TEXT);
    buf_init(&t.options, MAX_TEXT);
    buf_init(&t.why, 65536);
    enum cmd_exit result = session_open(&t.session, args);
    if (result == CMD_DONE)
        result = read_arguments(&t);
    if (result == CMD_DONE)
        result = t.is_file ? run_file(&t) : run_there(&t, NULL);
    session_close(&t.session);
    struct buf *const all[] = {&t.argument, &t.name,    &t.source, &t.event,
                               &t.response, &t.options, &t.why};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        buf_deinit(all[i]);
    return result;
}
