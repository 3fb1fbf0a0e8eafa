// SPDX-License-Identifier: MIT
// grapnel secrets list, rotate, add, reveal, revoke, generate, rotate-key; the main thread.
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/session.h"
#include "cli/source.h"
#include "crypto/secret.h"
#include "crypto/vault.h"
#include "json/json_write.h"

#define BODY_MAX 8192

enum column { C_ID, C_TYPE, C_CREATED, C_ENDS, C_PUBLIC };

static const struct table_column columns[] = {
    [C_ID] = {"ID", false, 0},
    [C_TYPE] = {"TYPE", false, 0},
    [C_CREATED] = {"MADE", false, 0},
    [C_ENDS] = {"ENDS", false, 0},
    [C_PUBLIC] = {"PUBLIC KEY", false, 16},
};

// Calls METHOD /webhooks/{id}/secrets{rest} for the webhook that the first argument names.
static enum cmd_exit call_for(struct session *session, const char *method, const char *verb,
                              struct span body)
{
    const struct args *args = session->args;
    char uuid[UID_TEXT_LEN + 1];
    struct buf path;
    enum cmd_exit result = session_find_webhook(session, args->words[0], uuid);
    if (result != CMD_DONE)
        return result;
    buf_init(&path, 4096);
    (void)buf_append_format(&path, "/webhooks/%s/secrets", uuid);
    if (args->word_count > 1) {
        (void)buf_append_char(&path, '/');
        client_append_escaped(&path, span_of(args->words[1]));
    }
    (void)buf_append_text(&path, verb);
    result = session_call(session, method, buf_text(&path), body);
    buf_deinit(&path);
    return result;
}

// ---- list --------------------------------------------------------------------------------------

static void add_row(struct view *view, struct table *table, uint32_t row)
{
    struct span ends = view_text(view, row, "expires_at");
    if (!table_add_row(table))
        return;
    table_set(table, C_ID, view_text(view, row, "id"), TERM_PLAIN);
    table_set(table, C_TYPE, view_text(view, row, "type"), TERM_PLAIN);
    table_set(table, C_CREATED, view_ago(view, view_text(view, row, "created_at")), TERM_PLAIN);
    table_set(table, C_ENDS, ends.len > 0 ? view_ago(view, ends) : SPAN("never"), TERM_PLAIN);
    table_set(table, C_PUBLIC, view_text(view, row, "public_key"), TERM_PLAIN);
}

static void print_rows(struct view *view, const struct session *session)
{
    size_t count = session_print_rows(session, view, columns, COUNT_OF(columns), add_row);
    if (count == 0 && session->output == SESSION_TABLE)
        view_format(view, "No secret. Make one: grapnel secrets rotate %s\n",
                    session->args->words[0]);
}

int cmd_secrets_list(const struct args *args)
{
    struct session session;
    struct view view;
    enum cmd_exit result = session_open(&session, args);
    if (result == CMD_DONE)
        result = call_for(&session, "GET", "", SPAN(""));
    view_init(&view, &session.answer.doc);
    if (result == CMD_DONE && session.output != SESSION_JSON)
        print_rows(&view, &session);
    else if (result == CMD_DONE)
        (void)session_is_for_people(&session);
    view_flush(&view);
    view_deinit(&view);
    session_close(&session);
    return result;
}

// ---- rotate, add -------------------------------------------------------------------------------

// The secret as it was given, without the line feed that a file may end in.
static enum err put_secret(const char *given, struct json_writer *w, struct errmsg *message)
{
    struct buf text;
    buf_init(&text, BODY_MAX);
    enum err err = source_read(&text, given, message);
    if (err == OK) {
        struct span secret = buf_span(&text);
        if (given[0] == '@' || given[0] == '-')
            secret = span_trim(secret);
        json_write_name(w, "secret");
        json_write_quoted_value(w, secret);
    } else {
        errmsg_prefix(message, "--secret: ");
    }
    if (text.at != NULL)
        mem_wipe(text.at, text.capacity);
    buf_deinit(&text);
    return err;
}

static enum err make_body(const struct args *args, bool is_rotation, struct buf *body,
                          struct errmsg *message)
{
    struct json_writer w;
    const char *secret = args_value(args, "secret");
    const char *type = args_value(args, "type");
    int64_t overlap_ms = -1;
    enum err err = OK;
    json_write_init(&w, body);
    json_write_object(&w);
    if (secret != NULL)
        err = put_secret(secret, &w, message);
    if (type != NULL)
        json_write_member_text(&w, "type", type);
    if (err == OK && is_rotation)
        err = args_duration(args, "overlap", &overlap_ms, message);
    if (!is_rotation)
        json_write_member_raw(&w, "overlap_s", SPAN("null"));
    else if (overlap_ms >= 0)
        json_write_member_int(&w, "overlap_s", (overlap_ms + 999) / 1000);
    json_write_end_object(&w);
    return err;
}

// What was made is shown this once.
static void show(struct session *session)
{
    struct view view;
    if (!session_is_for_people(session))
        return;
    view_init(&view, &session->answer.doc);
    struct span secret = view_text(&view, 0, "secret");
    view_put_field(&view, "id", view_text(&view, 0, "id"));
    view_put_field(&view, "type", view_text(&view, 0, "type"));
    view_put_field(&view, "public key", view_text(&view, 0, "public_key"));
    view_put_field(&view, "secret", secret);
    if (secret.len > 0 && session->args->command != COMMAND_secrets_reveal)
        view_format(&view,
                    "\nKeep the secret: receivers verify signatures with it%s, and it is "
                    "not shown again.\n",
                    view_text(&view, 0, "public_key").len > 0 ? " (with its public key alone)"
                                                              : "");
    view_flush(&view);
    view_deinit(&view);
}

static int add(const struct args *args, bool is_rotation)
{
    struct session session;
    struct errmsg message;
    struct buf body;
    enum cmd_exit result = session_open(&session, args);
    buf_init(&body, (size_t)6 * BODY_MAX);
    if (result == CMD_DONE && make_body(args, is_rotation, &body, &message) != OK)
        result = session_misuse(&message);
    if (result == CMD_DONE)
        result = call_for(&session, "POST", "", buf_span(&body));
    if (result == CMD_DONE)
        show(&session);
    if (body.at != NULL)
        mem_wipe(body.at, body.capacity);
    buf_deinit(&body);
    session_close(&session);
    return result;
}

int cmd_secrets_rotate(const struct args *args)
{
    return add(args, true);
}

int cmd_secrets_add(const struct args *args)
{
    return add(args, false);
}

// ---- reveal, revoke ----------------------------------------------------------------------------

int cmd_secrets_reveal(const struct args *args)
{
    struct session session;
    enum cmd_exit result = session_open(&session, args);
    if (result == CMD_DONE)
        result = call_for(&session, "POST", "/reveal", SPAN(""));
    if (result == CMD_DONE)
        show(&session);
    session_close(&session);
    return result;
}

// Asks on the terminal; without one, --yes is needed.
static enum cmd_exit confirm(const struct session *session)
{
    char answer[16] = "";
    if (args_has(session->args, "yes"))
        return CMD_DONE;
    if (!isatty(STDIN_FILENO)) {
        fprintf(stderr, "grapnel: revoking a secret needs --yes when nobody can be asked\n");
        return CMD_USAGE;
    }
    fprintf(stderr,
            "Revoke secret %s at once? Receivers that know only this one refuse what "
            "follows. [y/N] ",
            session->args->words[1]);
    if (fgets(answer, sizeof answer, stdin) == NULL || (answer[0] != 'y' && answer[0] != 'Y')) {
        fprintf(stderr, "nothing was changed\n");
        return CMD_FAILED;
    }
    return CMD_DONE;
}

int cmd_secrets_revoke(const struct args *args)
{
    struct session session;
    enum cmd_exit result = session_open(&session, args);
    if (result == CMD_DONE)
        result = confirm(&session);
    if (result == CMD_DONE)
        result = call_for(&session, "DELETE", "", SPAN(""));
    if (result == CMD_DONE && session.output == SESSION_TABLE)
        printf("secret %s is revoked\n", args->words[1]);
    session_close(&session);
    return result;
}

// ---- generate ----------------------------------------------------------------------------------

int cmd_secrets_generate(const struct args *args)
{
    const char *type = args_value(args, "type");
    char secret[SECRET_MAX_LEN + 1];
    enum secret_kind kind = SECRET_SYMMETRIC;
    if (type != NULL && !secret_kind_parse(span_of(type), &kind)) {
        fprintf(stderr, "grapnel: --type: \"%.40s\" is none of symmetric, ed25519 and plain\n",
                type);
        return CMD_USAGE;
    }
    secret_generate(kind, secret);
    printf("%s\n", secret);
    mem_wipe(secret, sizeof secret);
    return CMD_DONE;
}

// ---- the key of the store ----------------------------------------------------------------------

int cmd_secrets_rotate_key(const struct args *args)
{
    struct errmsg message;
    if (vault_add_key(args->words[0], &message) != OK) {
        fprintf(stderr, "grapnel: %s\n", message.text);
        return CMD_FAILED;
    }
    printf("%s begins with a fresh key. Restart the engine: it encrypts everything anew; then the "
           "other lines may go, unless backups need them.\n",
           args->words[0]);
    return CMD_DONE;
}
