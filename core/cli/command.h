// SPDX-License-Identifier: MIT
// The table of commands and their options (cli.def, cli_option.def), and the help that it gives;
// any thread.
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum command_id {
#define X(id, words, kind, least, most, arguments, help) COMMAND_##id,
#include "cli/cli.def"
#undef X
    COMMAND_COUNT
};

enum command_kind {
    COMMAND_LOCAL,  // its own options only
    COMMAND_ENGINE, // talks to the admin socket: --socket and --output besides
    COMMAND_CONFIG, // the options of the configuration besides
};

struct command {
    const char *words; // "webhooks list"
    enum command_kind kind;
    int least, most;       // arguments without a name
    const char *arguments; // "ID", for the usage
    const char *help;      // one line
};
extern const struct command command_table[COMMAND_COUNT];

enum command_times { COMMAND_ONCE, COMMAND_MANY };

struct command_option {
    const char *name;  // without the dashes
    const char *value; // "URL"; NULL: a switch
    enum command_times times;
    const char *help;
};

// The options of a command in the order of the table; NULL at the end. Start with *at = 0.
const struct command_option *command_next_option(enum command_id id, size_t *at);
// By name; NULL: it has none of that name.
const struct command_option *command_option(enum command_id id, struct span name);
// The command whose words `argv` begins with; `*used` gets how many. ERR_NOT_FOUND with a message
// that names the nearest one, or the commands that begin with argv[0].
MUST_CHECK enum err command_find(int argc, char **argv, enum command_id *out, int *used,
                                 struct errmsg *message);

// What `grapnel --help` and `grapnel COMMAND --help` print, wrapped to `width` columns.
void command_print_usage(struct buf *out, int width);
void command_print_help(enum command_id id, struct buf *out, int width);
// One line: "usage: grapnel webhooks show ID".
void command_print_synopsis(enum command_id id, struct buf *out);
// Commands that begin with that word, such as "webhooks"; false: none has more words.
bool command_print_group(struct span word, struct buf *out, int width);
