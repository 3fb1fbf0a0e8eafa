// SPDX-License-Identifier: MIT
// Takes a command line apart by the table of options; the main thread.
#include "cli/args.h"

#include "base/mem.h"
#include "base/nearest.h"
#include "base/units.h"

#define MAX_OPTIONS 64 // of one command

// Where parsing stands.
struct cursor {
    int argc, at;
    char **argv;
};

static void unknown_option(enum command_id id, struct span name, struct errmsg *message)
{
    const char *names[MAX_OPTIONS];
    size_t count = 0;
    const struct command_option *option;
    for (size_t at = 0; count < MAX_OPTIONS && (option = command_next_option(id, &at)) != NULL;)
        names[count++] = option->name;
    char hint[NEAREST_HINT_LEN];
    errmsg_set(message, "%s has no option \"--%.*s\"%s", command_table[id].words,
               (int)(name.len < 60 ? name.len : 60), name.at,
               nearest_hint(name, names, count, hint));
}

static enum err add_given(struct args *args, const struct command_option *option, const char *value,
                          struct errmsg *message)
{
    if (option->times == COMMAND_ONCE && args_has(args, option->name)) {
        errmsg_set(message, "--%s is given twice", option->name);
        return ERR_SYNTAX;
    }
    args->given[args->given_count++] = (struct args_given){option, value};
    return OK;
}

// "--name", "--name=VALUE" or "--name" "VALUE" at the cursor.
static enum err parse_option(struct args *args, struct cursor *c, struct errmsg *message)
{
    const char *text = c->argv[c->at] + 2;
    const char *equals = strchr(text, '=');
    struct span name = {text, equals != NULL ? (size_t)(equals - text) : strlen(text)};
    if (span_is(name, "help") && equals == NULL) {
        args->wants_help = true;
        return OK;
    }
    const struct command_option *option = command_option(args->command, name);
    if (option == NULL && command_table[args->command].kind == COMMAND_CONFIG) {
        args->rest[args->rest_count++] = c->argv[c->at];
        if (equals == NULL && c->at + 1 < c->argc)
            args->rest[args->rest_count++] = c->argv[++c->at];
        return OK;
    }
    if (option == NULL) {
        unknown_option(args->command, name, message);
        return ERR_SYNTAX;
    }
    if (option->value == NULL && equals != NULL) {
        errmsg_set(message, "--%s takes no value", option->name);
        return ERR_SYNTAX;
    }
    if (option->value == NULL)
        return add_given(args, option, "", message);
    if (equals != NULL)
        return add_given(args, option, equals + 1, message);
    if (c->at + 1 >= c->argc) {
        errmsg_set(message, "--%s needs a value: --%s %s", option->name, option->name,
                   option->value);
        return ERR_SYNTAX;
    }
    return add_given(args, option, c->argv[++c->at], message);
}

// "-" is a word, and so is a negative number, which is JSON.
static bool is_short_option(const char *text)
{
    return text[0] == '-' && text[1] != 0 && (text[1] < '0' || text[1] > '9');
}

static enum err refuse_short(const char *text, struct errmsg *message)
{
    errmsg_set(message, "there is no option \"%.40s\": options begin with two dashes", text);
    return ERR_SYNTAX;
}

static enum err check_words(const struct args *args, struct errmsg *message)
{
    const struct command *c = &command_table[args->command];
    if (args->word_count < (size_t)c->least) {
        errmsg_set(message, "%s needs %s", c->words, c->arguments);
        return ERR_SYNTAX;
    }
    if (args->word_count > (size_t)c->most) {
        errmsg_set(message, "%s does not take \"%.80s\"", c->words, args->words[c->most]);
        return ERR_SYNTAX;
    }
    return OK;
}

enum err args_parse(struct args *args, enum command_id command, int argc, char **argv,
                    struct errmsg *message)
{
    size_t room = (size_t)argc + 1;
    *args = (struct args){
        .command = command,
        .given = xcalloc(room, sizeof *args->given),
        .words = xcalloc(room, sizeof *args->words),
        .rest = xcalloc(room, sizeof *args->rest),
    };
    struct cursor c = {.argc = argc, .argv = argv};
    bool is_over = false;
    for (; c.at < argc; c.at++) {
        const char *text = argv[c.at];
        enum err err = OK;
        if (!is_over && strcmp(text, "--") == 0)
            is_over = true;
        else if (!is_over && strcmp(text, "-h") == 0)
            args->wants_help = true;
        else if (!is_over && strncmp(text, "--", 2) == 0)
            err = parse_option(args, &c, message);
        else if (!is_over && is_short_option(text))
            err = refuse_short(text, message);
        else
            args->words[args->word_count++] = text;
        if (err != OK)
            return err;
    }
    return args->wants_help ? OK : check_words(args, message);
}

void args_deinit(struct args *args)
{
    xfree(args->given);
    xfree(args->words);
    xfree(args->rest);
    *args = (struct args){0};
}

const char *args_nth(const struct args *args, const char *name, size_t n)
{
    CHECK(command_option(args->command, span_of(name)) != NULL);
    for (size_t i = 0; i < args->given_count; i++) {
        if (strcmp(args->given[i].option->name, name) == 0 && n-- == 0)
            return args->given[i].value;
    }
    return NULL;
}

const char *args_value(const struct args *args, const char *name)
{
    return args_nth(args, name, 0);
}

bool args_has(const struct args *args, const char *name)
{
    return args_nth(args, name, 0) != NULL;
}

enum err args_number(const struct args *args, const char *name, int64_t low, int64_t high,
                     int64_t *out, struct errmsg *message)
{
    const char *text = args_value(args, name);
    int64_t number = 0;
    if (text == NULL)
        return OK;
    if (!span_to_int64(span_of(text), &number) || number < low || number > high) {
        errmsg_set(message, "--%s: \"%.40s\" is no whole number from %lld to %lld", name, text,
                   (long long)low, (long long)high);
        return ERR_SYNTAX;
    }
    *out = number;
    return OK;
}

enum err args_duration(const struct args *args, const char *name, int64_t *out,
                       struct errmsg *message)
{
    const char *text = args_value(args, name);
    if (text == NULL)
        return OK;
    if (!units_parse_duration(span_of(text), out)) {
        errmsg_set(message, "--%s: \"%.40s\" is no duration such as 500ms, 2s, 5m", name, text);
        return ERR_SYNTAX;
    }
    return OK;
}
