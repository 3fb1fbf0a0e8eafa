// SPDX-License-Identifier: MIT
// Options as text for people: effective values, ranges, the sample file, the reference; main only.
#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/units.h"
#include "config/config_build.h"

#define SHOWN_MAX ((size_t)1 << 20) // bytes of one value; more is cut
#define MASK      "\xe2\x80\xa6"    // an ellipsis

const char *config_origin_name(enum config_origin origin)
{
    switch (origin) {
    case CONFIG_DEFAULT: return "default";
    case CONFIG_FILE: return "file";
    case CONFIG_ENVIRONMENT: return "environment";
    case CONFIG_FLAG: return "flag";
    }
    return "unknown";
}

void config_value(const struct config *config, size_t option, struct span *value,
                  enum config_origin *origin)
{
    CHECK(option < CONFIG_OPTION_COUNT);
    *value = config->shown[option];
    *origin = (enum config_origin)config->origins[option];
}

// ---- ranges ------------------------------------------------------------------------------------

static void print_number(struct buf *out, enum config_kind kind, int64_t number)
{
    char text[UNITS_TEXT_LEN];
    if (kind == CONFIG_DURATION)
        units_print_duration(number, text);
    else if (kind == CONFIG_SIZE)
        units_print_size(number, text);
    else
        (void)snprintf(text, sizeof text, "%" PRId64, number);
    (void)buf_append_text(out, text);
}

static void print_choices(struct buf *out, const char *choices)
{
    struct span rest = span_of(choices);
    struct span choice = {0};
    bool is_first = true;
    while (span_split(&rest, '|', &choice)) {
        if (!is_first)
            (void)buf_append_text(out, rest.at == NULL || rest.len == 0 ? " or " : ", ");
        (void)buf_append_span(out, choice);
        is_first = false;
    }
}

const char *config_option_range(size_t option, struct buf *scratch)
{
    const struct config_row *row = &config_rows[option];
    buf_clear(scratch);
    switch (row->kind) {
    case CONFIG_TEXT: (void)buf_append_text(scratch, "text"); break;
    case CONFIG_PATH: (void)buf_append_text(scratch, "path"); break;
    case CONFIG_LIST: (void)buf_append_text(scratch, "list of texts"); break;
    case CONFIG_TABLE: (void)buf_append_text(scratch, "table (file only)"); break;
    case CONFIG_CHOICE: print_choices(scratch, row->choices); break;
    case CONFIG_INT:
    case CONFIG_DURATION:
    case CONFIG_SIZE:
        (void)buf_append_text(scratch, row->kind == CONFIG_INT        ? "whole number, "
                                       : row->kind == CONFIG_DURATION ? "duration, "
                                                                      : "size, ");
        print_number(scratch, row->kind, row->low);
        (void)buf_append_text(scratch, " to ");
        print_number(scratch, row->kind, row->high);
        break;
    }
    return buf_text(scratch);
}

// ---- effective values --------------------------------------------------------------------------

// "scheme://user:password@host" without the password.
static void print_masked(struct buf *out, struct span text)
{
    const char *host = memchr(text.at, '@', text.len);
    const char *scheme = memmem(text.at, text.len, "://", 3);
    const char *colon = NULL;
    if (host != NULL && scheme != NULL && scheme < host)
        colon = memchr(scheme + 3, ':', (size_t)(host - scheme - 3));
    if (colon == NULL) {
        (void)buf_append_span(out, text);
        return;
    }
    // A password may hold an @ itself: the last one before the path ends it.
    const char *end = text.at + text.len;
    const char *slash = memchr(host, '/', (size_t)(end - host));
    const char *last = memrchr(host, '@', (size_t)((slash ? slash : end) - host));
    (void)buf_append(out, text.at, (size_t)(colon - text.at) + 1);
    (void)buf_append_text(out, MASK);
    (void)buf_append(out, last, (size_t)(end - last));
}

static void print_items(struct buf *out, const struct span *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)buf_append_text(out, i > 0 ? ", " : "");
        (void)buf_append_span(out, items[i]);
    }
}

static void print_uids(struct buf *out, const struct config *config)
{
    if (config->ingest_uids == NULL)
        return;
    (void)buf_append_text(out, "{");
    for (size_t i = 0; i < config->ingest_uid_count; i++) {
        const struct config_uid *row = &config->ingest_uids[i];
        (void)buf_append_format(out, "%s [%" PRIu32 "] = ", i > 0 ? "," : "", row->uid);
        if (row->is_any_tenant) {
            (void)buf_append_text(out, "\"*\"");
            continue;
        }
        (void)buf_append_text(out, "{ ");
        print_items(out, row->tenants, row->tenant_count);
        (void)buf_append_text(out, " }");
    }
    (void)buf_append_text(out, " }");
}

static void print_env(struct buf *out, const struct config *config)
{
    if (config->hook_env_count == 0)
        return;
    (void)buf_append_text(out, "{");
    for (size_t i = 0; i < config->hook_env_count; i++) {
        const struct config_env *row = &config->hook_env[i];
        (void)buf_append_text(out, i > 0 ? ", " : " ");
        (void)buf_append_span(out, row->tenant);
        (void)buf_append_text(out, " = {");
        for (size_t j = 0; j < row->value_count; j++) {
            (void)buf_append_text(out, j > 0 ? ", " : " ");
            (void)buf_append_span(out, row->values[j].name);
            (void)buf_append_text(out, " = " MASK);
        }
        (void)buf_append_text(out, " }");
    }
    (void)buf_append_text(out, " }");
}

static void print_value(struct buf *out, const struct config *config, size_t option)
{
    const struct config_row *row = &config_rows[option];
    const char *field = (const char *)config + row->offset;
    const char *text = NULL;
    int64_t number = 0;
    struct config_list list = {0};
    switch (row->kind) {
    case CONFIG_TEXT:
    case CONFIG_PATH:
    case CONFIG_CHOICE:
        memcpy(&text, field, sizeof text);
        print_masked(out, span_of(text));
        break;
    case CONFIG_INT:
    case CONFIG_DURATION:
    case CONFIG_SIZE:
        memcpy(&number, field, sizeof number);
        print_number(out, row->kind, number);
        break;
    case CONFIG_LIST:
        memcpy(&list, field, sizeof list);
        print_items(out, list.items, list.count);
        break;
    case CONFIG_TABLE:
        if (option == CONFIG_OPTION_ingest_uids)
            print_uids(out, config);
        else
            print_env(out, config);
        break;
    }
}

void config_show(struct config *config)
{
    struct buf text;
    buf_init(&text, SHOWN_MAX);
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        buf_clear(&text);
        print_value(&text, config, i);
        config->shown[i] = arena_copy(&config->arena, buf_span(&text));
    }
    buf_deinit(&text);
}

// ---- documents ---------------------------------------------------------------------------------

static void print_sample_value(struct buf *out, size_t option)
{
    const struct config_row *row = &config_rows[option];
    bool is_table = row->kind == CONFIG_LIST || row->kind == CONFIG_TABLE;
    bool is_bare = row->kind == CONFIG_INT || strcmp(row->fallback, "false") == 0;
    const char *quote = is_bare || is_table ? "" : "\"";
    (void)buf_append_format(out, "%s%s%s", quote, is_table ? "{}" : row->fallback, quote);
}

void config_print_sample(struct buf *out)
{
    struct buf range;
    buf_init(&range, 256);
    (void)buf_append_text(
        out, "-- The configuration of grapnel: a Lua file that returns a table.\n"
             "-- Every option is also a flag (--max-age 5d) and an environment variable\n"
             "-- (GRAPNEL_MAX_AGE=5d); later wins in the order file, environment, flag.\n"
             "-- What stands here are the defaults: take off the dashes of what you change.\n"
             "return {\n");
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        (void)buf_append_format(out, "    -- %s (%s%s)\n    -- %s = ", config_options[i].help,
                                config_option_range(i, &range),
                                config_options[i].is_fixed ? "" : "; SIGHUP reloads it",
                                config_rows[i].name);
        print_sample_value(out, i);
        (void)buf_append_text(out, ",\n\n");
    }
    (void)buf_append_text(out, "}\n");
    buf_deinit(&range);
}

static void print_cell(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            (void)buf_append_char(out, '\\');
        (void)buf_append_char(out, *text);
    }
}

void config_print_reference(struct buf *out)
{
    struct buf range;
    buf_init(&range, 256);
    (void)buf_append_text(out, "| option | default | may be | takes effect | meaning |\n"
                               "|---|---|---|---|---|\n");
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        const char *fallback = config_rows[i].fallback;
        (void)buf_append_format(out, "| `%s` | ", config_rows[i].name);
        if (fallback[0] != '\0')
            (void)buf_append_format(out, "`%s` | ", fallback);
        else
            (void)buf_append_text(out, "none | ");
        print_cell(out, config_option_range(i, &range));
        (void)buf_append_format(out, " | %s | ",
                                config_options[i].is_fixed ? "at start" : "on SIGHUP");
        print_cell(out, config_options[i].help);
        (void)buf_append_text(out, " |\n");
    }
    buf_deinit(&range);
}
