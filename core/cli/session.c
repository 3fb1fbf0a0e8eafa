// SPDX-License-Identifier: MIT
// What every command that talks to the engine does alike; blocking, the main thread.
#include "cli/session.h"

#include <stdio.h>

#define MAX_PATH        16384
#define MIN_UUID_PREFIX 4 // characters

enum cmd_exit session_misuse(const struct errmsg *message)
{
    fprintf(stderr, "grapnel: %s\n", message->text);
    return CMD_USAGE;
}

enum cmd_exit session_open(struct session *session, const struct args *args)
{
    const char *output = args_value(args, "output");
    struct errmsg message;
    *session = (struct session){.args = args};
    client_answer_init(&session->answer);
    if (output == NULL || strcmp(output, "table") == 0) {
        session->output = SESSION_TABLE;
    } else if (strcmp(output, "json") == 0) {
        session->output = SESSION_JSON;
    } else if (strcmp(output, "ndjson") == 0) {
        session->output = SESSION_NDJSON;
    } else {
        errmsg_set(&message, "--output is table, json or ndjson, not \"%.40s\"", output);
        return session_misuse(&message);
    }
    session->client = client_new(client_socket(args));
    return CMD_DONE;
}

void session_close(struct session *session)
{
    client_free(session->client);
    client_answer_deinit(&session->answer);
}

enum cmd_exit session_call(struct session *session, const char *method, const char *path,
                           struct span body)
{
    struct buf full;
    buf_init(&full, MAX_PATH);
    (void)buf_append_format(&full, "/api/v1%s", path);
    enum cmd_exit result =
        client_do(session->client, method, buf_text(&full), body, &session->answer);
    buf_deinit(&full);
    return result;
}

// ---- printing ----------------------------------------------------------------------------------

static void print_line(struct span text)
{
    (void)fwrite(text.at, 1, text.len, stdout);
    if (text.len > 0 && text.at[text.len - 1] != '\n')
        putchar('\n');
}

static uint32_t rows_of(const struct json_doc *doc)
{
    uint32_t data = doc->count > 0 ? json_get(doc, 0, SPAN("data")) : JSON_NONE;
    return data != JSON_NONE && json_type(doc, data) == JSON_ARRAY ? data : JSON_NONE;
}

static void print_rows(const struct json_doc *doc, uint32_t data)
{
    uint32_t row = JSON_NONE;
    for (uint32_t at = data + 1; json_next_element(doc, data, &at, &row);)
        print_line(json_raw(doc, row));
}

bool session_is_for_people(struct session *session)
{
    if (session->output == SESSION_TABLE)
        return true;
    print_line(buf_span(&session->answer.body));
    return false;
}

// ---- lists -------------------------------------------------------------------------------------

static void append_argument(struct buf *path, const char *name, struct span value)
{
    bool is_first = path->at == NULL || memchr(path->at, '?', path->len) == NULL;
    (void)buf_append_format(path, "%c%s=", is_first ? '?' : '&', name);
    client_append_escaped(path, value);
}

static void build_path(const struct session_list *list, int64_t limit, struct span cursor,
                       struct buf *path)
{
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)limit);
    buf_clear(path);
    (void)buf_append_text(path, list->path);
    append_argument(path, "limit", span_of(number));
    if (cursor.len > 0)
        append_argument(path, "cursor", cursor);
    if (list->query.len > 0) {
        (void)buf_append_char(path, '&');
        (void)buf_append_span(path, list->query);
    }
}

// The cursor of the page behind; empty: this is the last one.
static struct span next_cursor(const struct json_doc *doc, struct buf *kept)
{
    uint32_t next = doc->count > 0 ? json_get(doc, 0, SPAN("next")) : JSON_NONE;
    buf_clear(kept);
    if (next == JSON_NONE || json_type(doc, next) != JSON_STRING)
        return (struct span){0};
    char *room = buf_reserve(kept, json_inside(doc, next).len + 1);
    if (room == NULL)
        return (struct span){0};
    buf_commit(kept, json_decode_string(doc, next, room));
    return buf_span(kept);
}

static void say_there_is_more(struct span cursor)
{
    fprintf(stderr, "there are more: --cursor %.*s\n", SPAN_ARGS(cursor));
}

static enum cmd_exit print_page(struct session *session, const struct session_list *list)
{
    const struct json_doc *doc = &session->answer.doc;
    uint32_t data = rows_of(doc);
    if (data == JSON_NONE) {
        fprintf(stderr, "grapnel: the engine answered with something that is no list\n");
        return CMD_FAILED;
    }
    if (session->output == SESSION_NDJSON)
        print_rows(doc, data);
    else
        list->on_page(list->context, doc, data);
    return CMD_DONE;
}

enum cmd_exit session_list(struct session *session, const struct session_list *list)
{
    int64_t limit = list->limit;
    struct errmsg message;
    struct buf path;
    struct buf kept;
    if (args_number(session->args, "limit", 1, 250, &limit, &message) != OK)
        return session_misuse(&message);
    struct span cursor = span_of(args_value(session->args, "cursor"));
    bool is_one_page = list->is_one_page || cursor.len > 0 || args_has(session->args, "limit");
    buf_init(&path, MAX_PATH);
    buf_init(&kept, 4096);
    enum cmd_exit result;
    for (;;) {
        build_path(list, limit, cursor, &path);
        result = session_call(session, "GET", buf_text(&path), SPAN(""));
        if (result != CMD_DONE)
            break;
        if (session->output == SESSION_JSON) {
            print_line(buf_span(&session->answer.body));
            break;
        }
        result = print_page(session, list);
        cursor = next_cursor(&session->answer.doc, &kept);
        if (result != CMD_DONE || cursor.len == 0)
            break;
        if (is_one_page) {
            say_there_is_more(cursor);
            break;
        }
    }
    buf_deinit(&path);
    buf_deinit(&kept);
    return result;
}

// ---- finding a webhook -------------------------------------------------------------------------

struct search {
    struct span text;
    size_t found;
    char *out;
};

static bool is_meant(const struct json_doc *doc, uint32_t row, struct span text)
{
    uint32_t uuid = json_get(doc, row, SPAN("uuid"));
    uint32_t name = json_get(doc, row, SPAN("name"));
    if (name != JSON_NONE && json_type(doc, name) == JSON_STRING && text.len > 0 &&
        json_string_is(doc, name, text))
        return true;
    return uuid != JSON_NONE && json_type(doc, uuid) == JSON_STRING &&
           text.len >= MIN_UUID_PREFIX && span_starts_with(json_inside(doc, uuid), text);
}

static void on_search_page(void *context, const struct json_doc *doc, uint32_t data)
{
    struct search *search = context;
    uint32_t row = JSON_NONE;
    for (uint32_t at = data + 1; json_next_element(doc, data, &at, &row);) {
        if (!is_meant(doc, row, search->text))
            continue;
        uint32_t uuid = json_get(doc, row, SPAN("uuid"));
        struct span text = uuid == JSON_NONE ? SPAN("") : json_inside(doc, uuid);
        if (text.len == UID_TEXT_LEN && search->found++ == 0)
            memcpy(search->out, text.at, UID_TEXT_LEN);
    }
}

static enum cmd_exit search_pages(struct session *session, struct search *search)
{
    struct buf path;
    struct buf kept;
    struct span cursor = {0};
    const struct session_list list = {.path = "/webhooks"};
    enum cmd_exit result = CMD_DONE;
    buf_init(&path, MAX_PATH);
    buf_init(&kept, 4096);
    do {
        build_path(&list, 250, cursor, &path);
        result = session_call(session, "GET", buf_text(&path), SPAN(""));
        uint32_t data = result == CMD_DONE ? rows_of(&session->answer.doc) : JSON_NONE;
        if (data != JSON_NONE)
            on_search_page(search, &session->answer.doc, data);
        cursor = next_cursor(&session->answer.doc, &kept);
    } while (result == CMD_DONE && cursor.len > 0);
    buf_deinit(&path);
    buf_deinit(&kept);
    return result;
}

enum cmd_exit session_find_webhook(struct session *session, const char *text,
                                   char out[UID_TEXT_LEN + 1])
{
    struct uid uuid;
    out[UID_TEXT_LEN] = 0;
    if (uid_parse(span_of(text), &uuid)) {
        uid_print(&uuid, out);
        return CMD_DONE;
    }
    struct search search = {.text = span_of(text), .out = out};
    enum cmd_exit result = search_pages(session, &search);
    if (result != CMD_DONE || search.found == 1)
        return result;
    if (search.found > 1)
        fprintf(stderr, "grapnel: \"%s\" could be %zu webhooks; write more of the uuid\n", text,
                search.found);
    else
        fprintf(
            stderr,
            "grapnel: no webhook has the uuid or name \"%s\"; grapnel webhooks list shows all\n",
            text);
    return CMD_FAILED;
}

size_t session_print_rows(const struct session *session, struct view *view,
                          const struct table_column *columns, size_t column_count,
                          session_row_fn *add_row)
{
    uint32_t data = view_member(view, 0, "data");
    uint32_t row = JSON_NONE;
    struct table table;
    size_t count = 0;
    if (data == JSON_NONE || json_type(view->doc, data) != JSON_ARRAY)
        return 0;
    table_init(&table, columns, column_count);
    for (uint32_t at = data + 1; json_next_element(view->doc, data, &at, &row); count++) {
        if (session->output == SESSION_NDJSON)
            view_format(view, "%.*s\n", SPAN_ARGS(json_raw(view->doc, row)));
        else
            add_row(view, &table, row);
    }
    if (table.row_count > 0)
        table_print(&table, &view->out, view->width, view->has_colour);
    table_deinit(&table);
    return count;
}
