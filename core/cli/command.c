// SPDX-License-Identifier: MIT
// The tables of commands and options, looking them up and printing help from them; any thread.
#include "cli/command.h"

#include <stdio.h>

#include "base/nearest.h"
#include "config/config.h"

#define MAX_COLUMN 30 // of help: what is longer gets a line of its own

const struct command command_table[COMMAND_COUNT] = {
#define X(id, words, kind, least, most, arguments, help) \
    {words, COMMAND_##kind, least, most, arguments, help},
#include "cli/cli.def"
#undef X
};

static const struct {
    enum command_id command;
    struct command_option option;
} options[] = {
#define X(command, name, value, times, help) \
    {COMMAND_##command, {name, value, COMMAND_##times, help}},
#include "cli/cli_option.def"
#undef X
};

// Of every command of kind ENGINE.
static const struct command_option engine_options[] = {
    {"socket", "PATH", COMMAND_ONCE, "the engine's admin socket (GRAPNEL_ADMIN_SOCKET)"},
    {"output", "FORMAT", COMMAND_ONCE, "table (default), json (as the engine says it) or ndjson"},
};
// Of every command that takes the configuration's options.
static const struct command_option config_file_option = {"config", "FILE", COMMAND_ONCE,
                                                         "the configuration file (GRAPNEL_CONFIG)"};

// ---- looking up --------------------------------------------------------------------------------

const struct command_option *command_next_option(enum command_id id, size_t *at)
{
    for (; *at < COUNT_OF(options); (*at)++) {
        if (options[*at].command == id)
            return &options[(*at)++].option;
    }
    if (command_table[id].kind != COMMAND_ENGINE ||
        *at >= COUNT_OF(options) + COUNT_OF(engine_options))
        return NULL;
    return &engine_options[(*at)++ - COUNT_OF(options)];
}

const struct command_option *command_option(enum command_id id, struct span name)
{
    const struct command_option *option;
    for (size_t at = 0; (option = command_next_option(id, &at)) != NULL;) {
        if (span_is(name, option->name))
            return option;
    }
    return NULL;
}

// Does `argv` begin with those words? How many they are; 0: no.
static int words_match(struct span words, int argc, char **argv)
{
    struct span word;
    int count = 0;
    while (span_split(&words, ' ', &word)) {
        if (count >= argc || !span_is(word, argv[count]))
            return 0;
        count++;
    }
    return count;
}

static struct span first_word(const char *words)
{
    struct span rest = span_of(words);
    struct span word = {NULL, 0};
    (void)span_split(&rest, ' ', &word);
    return word;
}

static bool is_group(struct span word)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (span_eq(first_word(command_table[i].words), word) &&
            strlen(command_table[i].words) > word.len)
            return true;
    }
    return false;
}

// "webhooks" alone, or with a second word that is none of its.
static void explain_group(int argc, char **argv, struct errmsg *message)
{
    struct span group = span_of(argv[0]);
    const char *names[COMMAND_COUNT];
    size_t count = 0;
    char list[160] = "";
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const char *words = command_table[i].words;
        if (!span_eq(first_word(words), group) || words[group.len] != ' ')
            continue;
        names[count++] = words + group.len + 1;
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", used > 0 ? ", " : "",
                 words + group.len + 1);
    }
    char hint[NEAREST_HINT_LEN];
    if (argc > 1 && argv[1][0] != '-')
        errmsg_set(message, "%s has no command \"%.40s\"%s (there are: %s)", argv[0], argv[1],
                   nearest_hint(span_of(argv[1]), names, count, hint), list);
    else
        errmsg_set(message, "%s needs one of: %s", argv[0], list);
}

enum err command_find(int argc, char **argv, enum command_id *out, int *used,
                      struct errmsg *message)
{
    const char *names[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        names[i] = command_table[i].words;
        int count = words_match(span_of(names[i]), argc, argv);
        if (count > 0) {
            *out = (enum command_id)i;
            *used = count;
            return OK;
        }
    }
    if (argc > 0 && argv[0][0] == '-') {
        errmsg_set(message, "options go behind the command: grapnel COMMAND %.80s", argv[0]);
        return ERR_NOT_FOUND;
    }
    if (argc > 0 && is_group(span_of(argv[0]))) {
        explain_group(argc, argv, message);
        return ERR_NOT_FOUND;
    }
    char firsts[COMMAND_COUNT][32];
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        struct span word = first_word(names[i]);
        snprintf(firsts[i], sizeof firsts[i], "%.*s", SPAN_ARGS(word));
        names[i] = firsts[i];
    }
    char hint[NEAREST_HINT_LEN];
    errmsg_set(message, "there is no command \"%.40s\"%s (grapnel --help lists them)",
               argc > 0 ? argv[0] : "",
               nearest_hint(span_of(argc > 0 ? argv[0] : ""), names, COMMAND_COUNT, hint));
    return ERR_NOT_FOUND;
}

// ---- printing ----------------------------------------------------------------------------------

static void pad(struct buf *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)buf_append_char(out, ' ');
}

// `text` broken between words at `width`; the lines after the first begin at `indent`.
static void append_wrapped(struct buf *out, struct span text, size_t indent, size_t width)
{
    size_t room = width > indent + 20 ? width - indent : 20;
    size_t column = 0;
    struct span word;
    while (span_split(&text, ' ', &word)) {
        if (column > 0 && column + 1 + word.len > room) {
            (void)buf_append_char(out, '\n');
            pad(out, indent);
            column = 0;
        }
        if (column > 0) {
            (void)buf_append_char(out, ' ');
            column++;
        }
        (void)buf_append_span(out, word);
        column += word.len;
    }
    (void)buf_append_char(out, '\n');
}

// "  left       right": one row of help.
static void append_row(struct buf *out, struct span left, struct span right, size_t column,
                       size_t width)
{
    (void)buf_append_text(out, "  ");
    (void)buf_append_span(out, left);
    if (left.len + 4 > column) {
        (void)buf_append_char(out, '\n');
        pad(out, column);
    } else {
        pad(out, column - left.len - 2);
    }
    append_wrapped(out, right, column, width);
}

static size_t column_of(size_t longest)
{
    return longest + 4 > MAX_COLUMN ? MAX_COLUMN : longest + 4;
}

static void append_commands(struct buf *out, struct span group, size_t width)
{
    size_t longest = 0;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        size_t len = strlen(command_table[i].words);
        longest = len > longest ? len : longest;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct command *c = &command_table[i];
        if (group.len == 0 || span_eq(first_word(c->words), group))
            append_row(out, span_of(c->words), span_of(c->help), column_of(longest), width);
    }
}

void command_print_usage(struct buf *out, int width)
{
    (void)buf_append_text(out, "usage: grapnel COMMAND [ARGUMENT ...]\n\n");
    append_commands(out, SPAN(""), (size_t)width);
    (void)buf_append_text(
        out, "\ngrapnel COMMAND --help says more. Exit codes: 0 done, 1 refused or failed,\n"
             "2 wrong usage, 3 the engine cannot be reached.\n");
}

bool command_print_group(struct span word, struct buf *out, int width)
{
    if (!is_group(word))
        return false;
    (void)buf_append_format(out, "usage: grapnel %.*s COMMAND [ARGUMENT ...]\n\n", SPAN_ARGS(word));
    append_commands(out, word, (size_t)width);
    return true;
}

void command_print_synopsis(enum command_id id, struct buf *out)
{
    const struct command *c = &command_table[id];
    size_t at = 0;
    bool has_options = command_next_option(id, &at) != NULL && c->kind != COMMAND_CONFIG;
    (void)buf_append_format(out, "usage: grapnel %s%s%s%s\n", c->words,
                            c->arguments[0] != 0 ? " " : "", c->arguments,
                            has_options ? " [--OPTION VALUE ...]" : "");
}

static void option_left(const struct command_option *option, struct buf *out)
{
    buf_clear(out);
    (void)buf_append_format(out, "--%s%s%s%s", option->name, option->value != NULL ? " " : "",
                            option->value != NULL ? option->value : "",
                            option->times == COMMAND_MANY ? " ..." : "");
}

static void append_config_options(struct buf *out, size_t width)
{
    struct buf left;
    struct buf right;
    buf_init(&left, 256);
    buf_init(&right, 4096);
    option_left(&config_file_option, &left);
    append_row(out, buf_span(&left), span_of(config_file_option.help), MAX_COLUMN, width);
    for (size_t i = 0; i < config_option_count; i++) {
        const struct config_option *option = &config_options[i];
        if (strncmp(option->type, "TABLE", 5) == 0)
            continue; // only in the file
        buf_clear(&left);
        buf_clear(&right);
        (void)buf_append_format(&left, "--%s VALUE", option->name);
        for (size_t c = 0; c < left.len; c++)
            left.at[c] = left.at[c] == '_' ? '-' : left.at[c];
        (void)buf_append_text(&right, option->help);
        if (option->fallback[0] != 0)
            (void)buf_append_format(&right, " (default: %s)", option->fallback);
        append_row(out, buf_span(&left), buf_span(&right), MAX_COLUMN, width);
    }
    buf_deinit(&left);
    buf_deinit(&right);
}

void command_print_help(enum command_id id, struct buf *out, int width)
{
    command_print_synopsis(id, out);
    (void)buf_append_char(out, '\n');
    append_wrapped(out, span_of(command_table[id].help), 0, (size_t)width);
    (void)buf_append_char(out, '\n');
    struct buf left;
    buf_init(&left, 256);
    const struct command_option *option;
    for (size_t at = 0; (option = command_next_option(id, &at)) != NULL;) {
        option_left(option, &left);
        append_row(out, buf_span(&left), span_of(option->help), MAX_COLUMN, (size_t)width);
    }
    buf_deinit(&left);
    if (command_table[id].kind == COMMAND_CONFIG) {
        append_config_options(out, (size_t)width);
        (void)buf_append_text(out, "\nEach option also as GRAPNEL_NAME in the environment, and in "
                                   "the file; flags win.\n");
    }
    append_row(out, SPAN("--help"), SPAN("print this"), MAX_COLUMN, (size_t)width);
}
