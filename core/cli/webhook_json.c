// SPDX-License-Identifier: MIT
// Makes the JSON that adds or changes a webhook out of command line options; the main thread.
#include "cli/webhook_json.h"

#include "base/units.h"
#include "cli/script_argument.h"
#include "cli/source.h"

struct maker {
    const struct args *args;
    bool is_patch;
    const struct json_doc *scripts;
    struct json_writer w;
    struct errmsg *message;
};

bool webhook_json_needs_scripts(const struct args *args)
{
    const char *value;
    for (size_t i = 0; (value = args_nth(args, "script", i)) != NULL; i++) {
        if (strchr(value, ',') != NULL)
            return true;
    }
    return false;
}

// ---- simple members ----------------------------------------------------------------------------

static bool has_option(const struct maker *m, const char *name)
{
    return command_option(m->args->command, span_of(name)) != NULL && args_has(m->args, name);
}

static void put_text(struct maker *m, const char *option, const char *member)
{
    if (has_option(m, option))
        json_write_member_text(&m->w, member, args_value(m->args, option));
}

static void put_texts(struct maker *m, const char *option, const char *member)
{
    const char *value;
    if (!has_option(m, option))
        return;
    json_write_name(&m->w, member);
    json_write_array(&m->w);
    for (size_t i = 0; (value = args_nth(m->args, option, i)) != NULL; i++)
        json_write_text(&m->w, value);
    json_write_end_array(&m->w);
}

static enum err put_number(struct maker *m, const char *option, const char *member)
{
    int64_t number = 0;
    if (!has_option(m, option))
        return OK;
    enum err err = args_number(m->args, option, INT64_MIN, INT64_MAX, &number, m->message);
    if (err == OK)
        json_write_member_int(&m->w, member, number);
    return err;
}

static enum err put_duration(struct maker *m, const char *option, const char *member)
{
    int64_t ms = 0;
    if (!has_option(m, option))
        return OK;
    enum err err = args_duration(m->args, option, &ms, m->message);
    if (err == OK)
        json_write_member_int(&m->w, member, ms);
    return err;
}

static enum err put_json(struct maker *m, const char *option, const char *member)
{
    struct buf json;
    if (!has_option(m, option))
        return OK;
    buf_init(&json, WEBHOOK_JSON_MAX);
    enum err err = source_read_json(&json, args_value(m->args, option), m->message);
    if (err == OK)
        json_write_member_raw(&m->w, member, span_trim(buf_span(&json)));
    else
        errmsg_prefix(m->message, "--%s: ", option);
    buf_deinit(&json);
    return err;
}

// ---- members with a form of their own ----------------------------------------------------------

// "Name: value"; in a patch "Name:" alone takes the header away.
static enum err put_header(struct maker *m, struct span text)
{
    const char *colon = memchr(text.at, ':', text.len);
    size_t name_len = colon == NULL ? 0 : (size_t)(colon - text.at);
    if (name_len == 0) {
        errmsg_set(m->message, "--extra-header: \"%.60s\" is no 'Name: value'", text.at);
        return ERR_SYNTAX;
    }
    struct span value = span_trim(span_make(colon + 1, text.len - name_len - 1));
    json_write_name_span(&m->w, span_trim(span_make(text.at, name_len)));
    if (m->is_patch && value.len == 0)
        json_write_null(&m->w);
    else
        json_write_string(&m->w, value);
    return OK;
}

static enum err put_headers(struct maker *m)
{
    const char *value;
    enum err err = OK;
    if (!has_option(m, "extra-header"))
        return OK;
    json_write_name(&m->w, "extra_headers");
    json_write_object(&m->w);
    for (size_t i = 0; err == OK && (value = args_nth(m->args, "extra-header", i)) != NULL; i++)
        err = put_header(m, span_of(value));
    if (err == OK)
        json_write_end_object(&m->w);
    return err;
}

// "none" alone: no script.
static enum err put_scripts(struct maker *m)
{
    const char *value;
    enum err err = OK;
    if (!has_option(m, "script"))
        return OK;
    json_write_name(&m->w, "scripts");
    json_write_array(&m->w);
    bool is_none = args_nth(m->args, "script", 1) == NULL &&
                   strcmp(args_value(m->args, "script"), "none") == 0;
    for (size_t i = 0; !is_none && err == OK; i++) {
        value = args_nth(m->args, "script", i);
        if (value == NULL)
            break;
        err = script_argument_print(span_of(value), m->scripts, &m->w, m->message);
    }
    if (err == OK)
        json_write_end_array(&m->w);
    return err;
}

static bool read_number(struct span text, double *out)
{
    struct json_doc doc;
    struct json_error error;
    json_init(&doc);
    bool is_number = text.len > 0 && json_parse(&doc, text, 1, &error) == OK &&
                     json_type(&doc, 0) == JSON_NUMBER && json_to_double(&doc, 0, out);
    json_deinit(&doc);
    return is_number;
}

// "10/s" or "0.5/s": the number is written as it was given.
static enum err put_per_second(struct maker *m)
{
    double number = 0;
    if (!has_option(m, "rate"))
        return OK;
    struct span text = span_of(args_value(m->args, "rate"));
    if (text.len > 2 && memcmp(text.at + text.len - 2, "/s", 2) == 0)
        text.len -= 2;
    if (!read_number(text, &number) || number <= 0) {
        errmsg_set(m->message, "--rate: \"%.40s\" is no rate such as 10/s or 0.5/s",
                   args_value(m->args, "rate"));
        return ERR_SYNTAX;
    }
    json_write_member_raw(&m->w, "per_second", text);
    return OK;
}

// --rate and --burst become {"per_second":10,"burst":20}; "none" takes the limit away.
static enum err put_rate(struct maker *m)
{
    if (!has_option(m, "rate") && !has_option(m, "burst"))
        return OK;
    json_write_name(&m->w, "rate_limit");
    if (m->is_patch && has_option(m, "rate") && strcmp(args_value(m->args, "rate"), "none") == 0) {
        json_write_null(&m->w);
        return OK;
    }
    json_write_object(&m->w);
    enum err err = put_per_second(m);
    if (err == OK)
        err = put_number(m, "burst", "burst");
    if (err == OK)
        json_write_end_object(&m->w);
    return err;
}

// "5s,30s,2m" becomes [5,30,120]; "none" []; "default" takes the list away.
static enum err put_retry(struct maker *m)
{
    if (!has_option(m, "retry"))
        return OK;
    struct span rest = span_of(args_value(m->args, "retry"));
    json_write_name(&m->w, "retry");
    if (m->is_patch && span_is(rest, "default")) {
        json_write_null(&m->w);
        return OK;
    }
    json_write_array(&m->w);
    struct span part;
    bool is_none = span_is(rest, "none");
    while (!is_none && span_split(&rest, ',', &part)) {
        int64_t ms = 0;
        if (!units_parse_duration(span_trim(part), &ms) || ms % 1000 != 0) {
            errmsg_set(m->message, "--retry: \"%.*s\" is no wait in whole seconds such as 30s, 2m",
                       (int)(part.len < 40 ? part.len : 40), part.at);
            return ERR_SYNTAX;
        }
        json_write_int(&m->w, ms / 1000);
    }
    json_write_end_array(&m->w);
    return OK;
}

// ---- all ---------------------------------------------------------------------------------------

static enum err put_all(struct maker *m)
{
    put_text(m, "uuid", "uuid");
    put_text(m, "target", "target");
    put_texts(m, "event", "events");
    put_text(m, "name", "name");
    put_text(m, "tenant", "tenant");
    if (has_option(m, "inactive"))
        json_write_member_bool(&m->w, "is_active", false);
    put_text(m, "extra-payload-into", "extra_payload_into");
    put_texts(m, "secret", "secrets");
    put_text(m, "ordered", "ordered");
    enum err err = put_json(m, "extra-payload", "extra_payload");
    if (err == OK)
        err = put_json(m, "metadata", "metadata");
    if (err == OK)
        err = put_headers(m);
    if (err == OK)
        err = put_scripts(m);
    if (err == OK)
        err = put_rate(m);
    if (err == OK)
        err = put_number(m, "max-in-flight", "max_in_flight");
    if (err == OK)
        err = put_duration(m, "timeout", "timeout_ms");
    if (err == OK)
        err = put_retry(m);
    return err;
}

enum err webhook_json_print(const struct args *args, bool is_patch, const struct json_doc *scripts,
                            struct buf *out, struct errmsg *message)
{
    struct maker m = {.args = args, .is_patch = is_patch, .scripts = scripts, .message = message};
    json_write_init(&m.w, out);
    json_write_object(&m.w);
    enum err err = put_all(&m);
    if (err != OK)
        return err;
    json_write_end_object(&m.w);
    if (out->is_full) {
        errmsg_set(message, "the webhook is longer than %d bytes", WEBHOOK_JSON_MAX);
        return ERR_FULL;
    }
    return OK;
}
