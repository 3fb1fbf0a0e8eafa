// SPDX-License-Identifier: MIT
// "NAME[@VERSION],option=value,…": a script with its options as JSON of the types that it declares; the main
// thread.
#include "cli/script_argument.h"

#include "base/mem.h"
#include "cli/source.h"

#define MAX_OPTIONS 64
#define MAX_VALUE   65536 // bytes

// One "name=value" or "name.member=value".
struct part {
    struct span name;   // borrowed from the argument
    struct span member; // of a map; empty: none
    struct span value;  // in the scratch: escapes are undone
    bool is_done;       // printed with an earlier one of the same name
};

struct reader {
    const struct json_doc *scripts;
    uint32_t options; // array of the script's options, JSON_NONE: not known
    struct part parts[MAX_OPTIONS];
    size_t count;
    struct json_writer *w;
    struct errmsg *message;
};

// ---- taking apart ------------------------------------------------------------------------------

// Up to the next comma that no backslash stands before; undone into `out`.
static struct span take_part(struct span *rest, char *out)
{
    size_t used = 0;
    size_t at = 0;
    for (; at < rest->len && rest->at[at] != ','; at++) {
        bool is_escape = rest->at[at] == '\\' && at + 1 < rest->len &&
                         (rest->at[at + 1] == ',' || rest->at[at + 1] == '\\');
        out[used++] = rest->at[is_escape ? ++at : at];
    }
    bool is_last = at == rest->len;
    rest->at = is_last ? NULL : rest->at + at + 1;
    rest->len = is_last ? 0 : rest->len - at - 1;
    return (struct span){out, used};
}

static enum err add_part(struct reader *r, struct span text)
{
    const char *equals = memchr(text.at, '=', text.len);
    if (equals == NULL || equals == text.at) {
        errmsg_set(r->message, "--script: \"%.*s\" is no option=value",
                   (int)(text.len < 80 ? text.len : 80), text.at);
        return ERR_SYNTAX;
    }
    if (r->count == MAX_OPTIONS) {
        errmsg_set(r->message, "--script: more than %d options", MAX_OPTIONS);
        return ERR_SYNTAX;
    }
    struct part *part = &r->parts[r->count++];
    size_t name_len = (size_t)(equals - text.at);
    *part =
        (struct part){.name = {text.at, name_len}, .value = {equals + 1, text.len - name_len - 1}};
    const char *dot = memchr(text.at, '.', name_len);
    if (dot != NULL) {
        size_t before = (size_t)(dot - text.at);
        part->name.len = before;
        part->member = (struct span){dot + 1, name_len - before - 1};
    }
    return OK;
}

// ---- types -------------------------------------------------------------------------------------

static uint32_t find_named(const struct json_doc *doc, uint32_t array, struct span name)
{
    uint32_t row = JSON_NONE;
    if (array == JSON_NONE || json_type(doc, array) != JSON_ARRAY)
        return JSON_NONE;
    for (uint32_t at = array + 1; json_next_element(doc, array, &at, &row);) {
        uint32_t node = json_get(doc, row, SPAN("name"));
        if (node != JSON_NONE && json_type(doc, node) == JSON_STRING &&
            json_string_is(doc, node, name))
            return row;
    }
    return JSON_NONE;
}

static bool member_is(const struct json_doc *doc, uint32_t object, const char *name,
                      const char *text)
{
    uint32_t node = json_get(doc, object, span_of(name));
    return node != JSON_NONE && json_type(doc, node) == JSON_STRING &&
           json_string_is(doc, node, span_of(text));
}

// Is its type, or that of its elements, this one?
static bool option_is(const struct reader *r, uint32_t option, const char *type)
{
    if (option == JSON_NONE)
        return false;
    bool is_nested = member_is(r->scripts, option, "type", "list") ||
                     member_is(r->scripts, option, "type", "map");
    return member_is(r->scripts, option, is_nested ? "of" : "type", type);
}

// ---- printing ----------------------------------------------------------------------------------

static enum err print_secret(struct reader *r, struct span value)
{
    char *text = xmemdup0(value.at, value.len);
    struct buf secret;
    buf_init(&secret, MAX_VALUE);
    enum err err = source_read(&secret, text, r->message);
    struct span line = buf_span(&secret);
    while (line.len > 0 && (line.at[line.len - 1] == '\n' || line.at[line.len - 1] == '\r'))
        line.len--;
    if (err == OK)
        json_write_string(r->w, line);
    if (secret.at != NULL)
        mem_wipe(secret.at, secret.len);
    buf_deinit(&secret);
    xfree(text);
    return err;
}

static bool is_json_number(struct span text)
{
    struct json_doc doc;
    struct json_error error;
    json_init(&doc);
    bool is_number = json_parse(&doc, text, 1, &error) == OK && json_type(&doc, 0) == JSON_NUMBER;
    json_deinit(&doc);
    return is_number;
}

// What does not fit its type goes as a string: the engine's own refusal says what it must be.
static enum err print_value(struct reader *r, uint32_t option, struct span value)
{
    bool is_number = option_is(r, option, "integer") || option_is(r, option, "number");
    bool is_word =
        option_is(r, option, "boolean") && (span_is(value, "true") || span_is(value, "false"));
    if (option_is(r, option, "secret"))
        return print_secret(r, value);
    if (is_word || (is_number && is_json_number(span_trim(value))))
        json_write_raw(r->w, span_trim(value));
    else
        json_write_string(r->w, value);
    return OK;
}

// All parts of the same name: one value, a list or a map.
static enum err print_option(struct reader *r, size_t first)
{
    const struct part *head = &r->parts[first];
    uint32_t option = find_named(r->scripts, r->options, head->name);
    bool is_map = head->member.len > 0;
    size_t same = 0;
    for (size_t i = first; i < r->count; i++)
        same += span_eq(r->parts[i].name, head->name);
    bool is_list =
        !is_map &&
        (same > 1 || (option != JSON_NONE && member_is(r->scripts, option, "type", "list")));
    json_write_name_span(r->w, head->name);
    if (is_map)
        json_write_object(r->w);
    else if (is_list)
        json_write_array(r->w);
    enum err err = OK;
    for (size_t i = first; i < r->count && err == OK; i++) {
        if (!span_eq(r->parts[i].name, head->name))
            continue;
        r->parts[i].is_done = true;
        if (is_map)
            json_write_name_span(r->w, r->parts[i].member);
        err = print_value(r, option, r->parts[i].value);
    }
    if (err == OK && is_map)
        json_write_end_object(r->w);
    else if (err == OK && is_list)
        json_write_end_array(r->w);
    return err;
}

enum err script_argument_print(struct span argument, const struct json_doc *scripts,
                               struct json_writer *w, struct errmsg *message)
{
    struct reader *r = xcalloc(1, sizeof *r);
    char *scratch = xmalloc(argument.len + 1);
    char *at = scratch;
    *r = (struct reader){.scripts = scripts, .options = JSON_NONE, .w = w, .message = message};
    struct span rest = argument;
    struct span name = take_part(&rest, at);
    struct span version = {NULL, 0};
    const char *pin = memchr(name.at, '@', name.len);
    at += name.len;
    if (pin != NULL) { // "github@1a2b3c4d": that version, whichever is active
        version = span_make(pin + 1, name.len - (size_t)(pin + 1 - name.at));
        name.len = (size_t)(pin - name.at);
    }
    uint32_t script = scripts->count > 0
                          ? find_named(scripts, json_get(scripts, 0, SPAN("data")), name)
                          : JSON_NONE;
    enum err err = OK;
    r->options = json_get(scripts, script, SPAN("options"));
    while (rest.at != NULL && err == OK) {
        struct span text = take_part(&rest, at);
        at += text.len;
        err = add_part(r, text);
    }
    json_write_object(w);
    json_write_member_string(w, "name", name);
    if (version.len > 0)
        json_write_member_string(w, "version", version);
    if (err == OK && r->count > 0) {
        json_write_name(w, "options");
        json_write_object(w);
        for (size_t i = 0; i < r->count && err == OK; i++)
            err = r->parts[i].is_done ? OK : print_option(r, i);
        if (err == OK)
            json_write_end_object(w);
    }
    if (err == OK)
        json_write_end_object(w);
    xfree(scratch);
    xfree(r);
    return err;
}
