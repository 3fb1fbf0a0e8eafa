// SPDX-License-Identifier: MIT
// Finds the command in the table and runs it; the main thread.
#include "cli/cli.h"

#include <stdio.h>

#include "cli/cmd.h"
#include "cli/term.h"
#include "sandbox/child.h"

#define MAX_HELP 65536 // bytes

static int (*const runs[COMMAND_COUNT])(const struct args *args) = {
#define X(id, words, kind, least, most, arguments, help) cmd_##id,
#include "cli/cli.def"
#undef X
};

static int print_and_free(struct buf *text, FILE *to, int exit_code)
{
    fputs(buf_text(text), to);
    buf_deinit(text);
    return exit_code;
}

static int usage(FILE *to, int exit_code)
{
    struct buf text;
    buf_init(&text, MAX_HELP);
    command_print_usage(&text, term_help_width(to));
    return print_and_free(&text, to, exit_code);
}

// "grapnel webhooks", "grapnel webhooks --help"; false: no such group, or a command follows.
static bool print_group(int argc, char **argv)
{
    struct buf text;
    buf_init(&text, MAX_HELP);
    bool is_asked = argc == 1 || span_is(span_of(argv[1]), "--help") ||
                    span_is(span_of(argv[1]), "-h") || span_is(span_of(argv[1]), "help");
    bool is_group =
        is_asked && command_print_group(span_of(argv[0]), &text, term_help_width(stdout));
    (void)print_and_free(&text, argc == 1 ? stderr : stdout, 0);
    return is_group;
}

static int run(enum command_id id, int argc, char **argv)
{
    struct args args;
    struct errmsg message;
    struct buf text;
    buf_init(&text, MAX_HELP);
    int exit_code = CMD_USAGE;
    if (args_parse(&args, id, argc, argv, &message) != OK) {
        command_print_synopsis(id, &text);
        fprintf(stderr, "grapnel: %s\n%s", message.text, buf_text(&text));
    } else if (args.wants_help) {
        command_print_help(id, &text, term_help_width(stdout));
        fputs(buf_text(&text), stdout);
        exit_code = CMD_DONE;
    } else {
        exit_code = runs[id](&args);
    }
    args_deinit(&args);
    buf_deinit(&text);
    if (fflush(stdout) != 0 && exit_code == CMD_DONE)
        exit_code = CMD_FAILED;
    return exit_code;
}

int cli_run(int argc, char **argv)
{
    if (argc < 2)
        return usage(stderr, CMD_USAGE);
    struct span first = span_of(argv[1]);
    if (span_is(first, CHILD_MARKER))
        return child_main(argc, argv);
    if (span_is(first, "--help") || span_is(first, "-h") || (argc == 2 && span_is(first, "help")))
        return usage(stdout, CMD_DONE);
    int shift = span_is(first, "help") ? 2 : 1; // grapnel help webhooks add
    if (span_is(first, "--version"))
        shift = 1, argv[1] = (char[]){"version"};
    if (print_group(argc - shift, argv + shift))
        return argc - shift == 1 && shift == 1 ? CMD_USAGE : CMD_DONE;
    enum command_id id = COMMAND_version;
    int used = 0;
    struct errmsg message;
    if (command_find(argc - shift, argv + shift, &id, &used, &message) != OK) {
        fprintf(stderr, "grapnel: %s\n", message.text);
        return CMD_USAGE;
    }
    char help[] = "--help";
    char *only_help[] = {help};
    if (shift == 2)
        return run(id, 1, only_help);
    return run(id, argc - shift - used, argv + shift + used);
}
