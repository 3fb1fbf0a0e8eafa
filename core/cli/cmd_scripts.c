// SPDX-License-Identifier: MIT
// grapnel scripts list, show, put, versions, diff, activate, rollback, remove; the main thread.
#include <stdio.h>
#include <string.h>

#include "cli/local_host.h"
#include "cli/session.h"
#include "json/json_write.h"

#define SHORT      8 // digits of a version where people read it
#define MAX_SOURCE (256 * 1024)

static struct span shortened(struct span hash)
{
    return span_make(hash.at, hash.len < SHORT ? hash.len : SHORT);
}

// "/scripts/NAME" and what follows, with --tenant.
static void put_path(struct buf *path, const struct args *args, const char *name, const char *verb)
{
    const char *tenant = args_value(args, "tenant");
    (void)buf_append_text(path, "/scripts/");
    client_append_escaped(path, span_of(name));
    (void)buf_append_text(path, verb);
    if (tenant == NULL)
        return;
    (void)buf_append_text(path, "?tenant=");
    client_append_escaped(path, span_of(tenant));
}

static void add_argument(struct buf *path, const char *name, const char *value)
{
    bool is_first = memchr(path->at, '?', path->len) == NULL;
    if (value == NULL)
        return;
    (void)buf_append_format(path, "%s%s=", is_first ? "?" : "&", name);
    client_append_escaped(path, span_of(value));
}

// ---- lists ----

enum column { C_NAME, C_VERSION, C_ORIGIN, C_SINCE, C_BY, C_HELP };
static const struct table_column columns[] = {
    [C_NAME] = {"NAME", false, 0},     [C_VERSION] = {"VERSION", false, 0},
    [C_ORIGIN] = {"ORIGIN", false, 0}, [C_SINCE] = {"ACTIVE SINCE", false, 8},
    [C_BY] = {"BY", false, 6},         [C_HELP] = {"", false, 20},
};

static void on_scripts(void *context, const struct json_doc *doc, uint32_t data)
{
    struct table *table = context;
    struct view view;
    uint32_t row = JSON_NONE;
    view_init(&view, doc);
    for (uint32_t at = data + 1; json_next_element(doc, data, &at, &row);) {
        if (!table_add_row(table))
            break;
        struct span waiting = view_text(&view, row, "waiting");
        table_set(table, C_NAME, view_text(&view, row, "name"), TERM_PLAIN);
        table_set(table, C_VERSION, shortened(view_text(&view, row, "version")), TERM_PLAIN);
        table_set(table, C_ORIGIN, view_text(&view, row, "origin"), TERM_PLAIN);
        table_set(table, C_SINCE, view_ago(&view, view_text(&view, row, "activated_at")),
                  TERM_PLAIN);
        table_set(table, C_BY, view_text(&view, row, "activated_by"), TERM_PLAIN);
        table_set(table, C_HELP, view_text(&view, row, "help"), TERM_PLAIN);
        if (waiting.len > 0) {
            char note[128];
            (void)snprintf(note, sizeof note, "version %.*s of this engine waits to be activated",
                           SPAN_ARGS(shortened(waiting)));
            table_add_note(table, span_of(note));
        }
    }
    view_deinit(&view);
}

enum version_column { V_VERSION, V_ACTIVE, V_ORIGIN, V_MADE, V_BY, V_NOTE };
static const struct table_column version_columns[] = {
    [V_VERSION] = {"VERSION", false, 0}, [V_ACTIVE] = {"", false, 0},
    [V_ORIGIN] = {"ORIGIN", false, 0},   [V_MADE] = {"MADE", false, 8},
    [V_BY] = {"BY", false, 6},           [V_NOTE] = {"NOTE", false, 12},
};

static void on_versions(void *context, const struct json_doc *doc, uint32_t data)
{
    struct table *table = context;
    struct view view;
    uint32_t row = JSON_NONE;
    view_init(&view, doc);
    for (uint32_t at = data + 1; json_next_element(doc, data, &at, &row);) {
        if (!table_add_row(table))
            break;
        bool is_active = view_is_true(&view, row, "active");
        table_set(table, V_VERSION, shortened(view_text(&view, row, "version")), TERM_PLAIN);
        table_set(table, V_ACTIVE, is_active ? SPAN("active") : SPAN(""), TERM_GOOD);
        table_set(table, V_ORIGIN, view_text(&view, row, "origin"), TERM_PLAIN);
        table_set(table, V_MADE, view_ago(&view, view_text(&view, row, "at")), TERM_PLAIN);
        table_set(table, V_BY, view_text(&view, row, "by"), TERM_PLAIN);
        table_set(table, V_NOTE, view_text(&view, row, "note"), TERM_PLAIN);
    }
    view_deinit(&view);
}

static int show_list(const struct args *args, const struct table_column *titles, size_t count,
                     const struct session_list *wanted)
{
    struct session_list list = *wanted;
    struct session session;
    struct table table;
    struct buf query;
    const char *tenant = args_value(args, "tenant");
    enum cmd_exit result = session_open(&session, args);
    table_init(&table, titles, count);
    buf_init(&query, 4096);
    if (tenant != NULL) {
        (void)buf_append_text(&query, "tenant=");
        client_append_escaped(&query, span_of(tenant));
    }
    list.query = buf_span(&query);
    list.limit = 250;
    list.context = &table;
    if (result == CMD_DONE)
        result = session_list(&session, &list);
    if (result == CMD_DONE && session.output == SESSION_TABLE) {
        struct view view;
        view_init(&view, &session.answer.doc);
        table_print(&table, &view.out, view.width, view.has_colour);
        view_flush(&view);
        view_deinit(&view);
    }
    buf_deinit(&query);
    table_deinit(&table);
    session_close(&session);
    return result;
}

int cmd_scripts_list(const struct args *args)
{
    const struct session_list list = {.path = "/scripts", .on_page = on_scripts};
    return show_list(args, columns, COUNT_OF(columns), &list);
}

int cmd_scripts_versions(const struct args *args)
{
    struct buf path;
    buf_init(&path, 4096);
    (void)buf_append_text(&path, "/scripts/");
    client_append_escaped(&path, span_of(args->words[0]));
    (void)buf_append_text(&path, "/versions");
    const struct session_list list = {.path = buf_text(&path), .on_page = on_versions};
    int result = show_list(args, version_columns, COUNT_OF(version_columns), &list);
    buf_deinit(&path);
    return result;
}

// ---- one version ----

static void print_source(struct session *session)
{
    struct view view;
    view_init(&view, &session->answer.doc);
    // A script's text is printed as it is, so that it can be redirected to a file.
    if (view.doc->count > 0)
        (void)buf_append_span(&view.out, view_text(&view, 0, "source"));
    view_flush(&view);
    view_deinit(&view);
}

static void print_version(struct session *session)
{
    struct view view;
    view_init(&view, &session->answer.doc);
    if (view.doc->count > 0) {
        view_put(&view, view_text(&view, 0, "name"));
        view_format(&view, "\n");
        view_put_field(&view, "version", view_text(&view, 0, "version"));
        view_put_field(&view, "active", view_text(&view, 0, "active"));
        view_put_field(&view, "origin", view_text(&view, 0, "origin"));
        view_put_field(&view, "tenant", view_text(&view, 0, "tenant"));
        view_put_field(&view, "made", view_text(&view, 0, "at"));
        view_put_field(&view, "by", view_text(&view, 0, "by"));
        view_put_field(&view, "note", view_text(&view, 0, "note"));
        view_put_field(&view, "help", view_text(&view, 0, "help"));
    }
    view_flush(&view);
    view_deinit(&view);
}

int cmd_scripts_show(const struct args *args)
{
    struct session session;
    struct buf path;
    enum cmd_exit result = session_open(&session, args);
    buf_init(&path, 4096);
    put_path(&path, args, args->words[0], "");
    add_argument(&path, "version", args_value(args, "version"));
    if (result == CMD_DONE)
        result = session_call(&session, "GET", buf_text(&path), SPAN(""));
    if (result == CMD_DONE && session_is_for_people(&session)) {
        if (args_has(args, "source"))
            print_source(&session);
        else
            print_version(&session);
    }
    buf_deinit(&path);
    session_close(&session);
    return result;
}

int cmd_scripts_diff(const struct args *args)
{
    struct session session;
    struct buf path;
    enum cmd_exit result = session_open(&session, args);
    buf_init(&path, 4096);
    put_path(&path, args, args->words[0], "/diff");
    add_argument(&path, "from", args->words[1]);
    add_argument(&path, "to", args->word_count > 2 ? args->words[2] : NULL);
    if (result == CMD_DONE)
        result = session_call(&session, "GET", buf_text(&path), SPAN(""));
    if (result == CMD_DONE && session_is_for_people(&session)) {
        struct view view;
        view_init(&view, &session.answer.doc);
        struct span diff = view_text(&view, 0, "diff");
        if (diff.len > 0)
            view_format(&view, "--- %s@%.*s\n+++ %s@%.*s\n", args->words[0],
                        SPAN_ARGS(shortened(view_text(&view, 0, "from"))), args->words[0],
                        SPAN_ARGS(shortened(view_text(&view, 0, "to"))));
        (void)buf_append_span(&view.out, diff);
        view_flush(&view);
        view_deinit(&view);
    }
    buf_deinit(&path);
    session_close(&session);
    return result;
}

// ---- changes ----

static void print_changed(struct session *session, const char *verb)
{
    struct view view;
    if (!session_is_for_people(session))
        return;
    view_init(&view, &session->answer.doc);
    if (view.doc->count > 0) {
        struct span before = view_text(&view, 0, "before");
        view_put(&view, view_text(&view, 0, "name"));
        view_format(&view, "@%.*s %s", SPAN_ARGS(shortened(view_text(&view, 0, "version"))),
                    view_is_true(&view, 0, "active") ? "is active" : verb);
        if (before.len > 0)
            view_format(&view, ", before it was %.*s", SPAN_ARGS(shortened(before)));
        view_format(&view, "\n");
    }
    view_flush(&view);
    view_deinit(&view);
}

// What goes to METHOD /scripts/NAME/verb.
struct wish {
    const char *method, *verb, *name;
    const char *version, *note; // NULL: none
    struct span source;         // empty: none
    bool is_kept_only;
};

static enum cmd_exit send_wish(struct session *session, const struct wish *wish)
{
    struct json_writer w;
    struct buf body;
    struct buf path;
    buf_init(&body, (size_t)8 * MAX_SOURCE);
    buf_init(&path, 4096);
    put_path(&path, session->args, wish->name, wish->verb);
    json_write_init(&w, &body);
    json_write_object(&w);
    if (wish->version != NULL)
        json_write_member_text(&w, "version", wish->version);
    if (wish->source.len > 0)
        json_write_member_string(&w, "source", wish->source);
    if (wish->is_kept_only)
        json_write_member_bool(&w, "activate", false);
    if (wish->note != NULL)
        json_write_member_text(&w, "note", wish->note);
    json_write_end_object(&w);
    enum cmd_exit result = session_call(session, wish->method, buf_text(&path), buf_span(&body));
    buf_deinit(&path);
    buf_deinit(&body);
    return result;
}

static int change(const struct args *args, const struct wish *wish, const char *verb)
{
    struct session session;
    enum cmd_exit result = session_open(&session, args);
    if (result == CMD_DONE)
        result = send_wish(&session, wish);
    if (result == CMD_DONE)
        print_changed(&session, verb);
    session_close(&session);
    return result;
}

int cmd_scripts_put(const struct args *args)
{
    struct errmsg message;
    struct buf name;
    struct buf source;
    int result = CMD_FAILED;
    buf_init(&name, 256);
    buf_init(&source, MAX_SOURCE);
    if (local_host_read(args->words[0], &name, &source, &message) != OK) {
        fprintf(stderr, "grapnel: %s\n", message.text);
    } else {
        const char *given = args_value(args, "name");
        const struct wish wish = {.method = "PUT",
                                  .verb = "",
                                  .name = given != NULL ? given : buf_text(&name),
                                  .source = buf_span(&source),
                                  .note = args_value(args, "note"),
                                  .is_kept_only = args_has(args, "inactive")};
        result = change(args, &wish, "is kept, not active");
    }
    buf_deinit(&source);
    buf_deinit(&name);
    return result;
}

int cmd_scripts_activate(const struct args *args)
{
    const struct wish wish = {
        .method = "POST", .verb = "/activate", .name = args->words[0], .version = args->words[1]};
    return change(args, &wish, "is there");
}

int cmd_scripts_rollback(const struct args *args)
{
    const struct wish wish = {.method = "POST", .verb = "/rollback", .name = args->words[0]};
    return change(args, &wish, "is there");
}

int cmd_scripts_remove(const struct args *args)
{
    struct session session;
    struct buf path;
    enum cmd_exit result = session_open(&session, args);
    buf_init(&path, 4096);
    put_path(&path, args, args->words[0], "");
    if (result == CMD_DONE)
        result = session_call(&session, "DELETE", buf_text(&path), SPAN(""));
    if (result == CMD_DONE && session_is_for_people(&session))
        printf("%s is given up; its versions stay\n", args->words[0]);
    buf_deinit(&path);
    session_close(&session);
    return result;
}
