// SPDX-License-Identifier: MIT
// What stands behind a command on the command line, taken apart by the table; the main thread.
#pragma once

#include "cli/command.h"

// Texts are borrowed from argv.
struct args_given {
    const struct command_option *option;
    const char *value; // "" of a switch
};

struct args {
    enum command_id command;
    struct args_given *given; // owned
    size_t given_count;
    const char **words; // owned; the arguments without a name
    size_t word_count;
    int rest_count; // CONFIG: everything that is the configuration's
    char **rest;    // owned, its texts borrowed
    bool wants_help;
};

// Takes "--name VALUE", "--name=VALUE", "--switch" and plain words in any order; "--" ends the
// options, "-" is a word. ERR_SYNTAX with a message that says what to write instead. Deinit in
// either case.
MUST_CHECK enum err args_parse(struct args *args, enum command_id command, int argc, char **argv,
                               struct errmsg *message);
void args_deinit(struct args *args);

// The option's value; NULL: not given. The name must be in the command's table.
const char *args_value(const struct args *args, const char *name);
// The n-th value of one that may be repeated, from 0; NULL: there are no more.
const char *args_nth(const struct args *args, const char *name, size_t n);
bool args_has(const struct args *args, const char *name);
// A whole number of that option between low and high; `*out` stays when it was not given.
MUST_CHECK enum err args_number(const struct args *args, const char *name, int64_t low,
                                int64_t high, int64_t *out, struct errmsg *message);
// A duration ("2s") in ms; `*out` stays when it was not given.
MUST_CHECK enum err args_duration(const struct args *args, const char *name, int64_t *out,
                                  struct errmsg *message);
