// SPDX-License-Identifier: MIT
// What reading specs and checking values share. Script host only.
#pragma once

#include "sandbox/options.h"

#define OPTIONS_MAX     64
#define OPTIONS_NAME    64  // bytes of an option's name
#define OPTIONS_MESSAGE 256 // bytes of a complaint

enum option_type {
    OPTION_STRING,
    OPTION_TEXT,
    OPTION_INTEGER,
    OPTION_NUMBER,
    OPTION_BOOLEAN,
    OPTION_DURATION,
    OPTION_PATH,
    OPTION_SECRET,
    OPTION_LIST,
    OPTION_MAP,
    OPTION_TYPES,
};

struct option {
    char name[OPTIONS_NAME + 1];
    enum option_type type;
    enum option_type of; // of list and map
    bool is_required;
    bool has_min, has_max;
    double min, max; // of numbers, seconds; of lengths and counts for the others
    int default_ref; // registry: the converted default; LUA_NOREF: none
    int choices_ref; // registry: a list; LUA_NOREF: any
    int check_ref;   // registry: a function; LUA_NOREF: none
    char *json;      // owned: help, example, default, choices as members ,"help":…
};

#define OPTIONS_MAGIC 0x4f505453u
struct options {
    uint32_t magic;
    size_t count, capacity;
    struct option *list; // owned; required first, then by name
    bool has_checks;     // has any of them a function of the script's?
};

const char *options_type_name(enum option_type type);
// Checks and converts the value at `index` against a spec. True: pushes the result [+1]. False:
// `message` says what is wrong [0]. Secrets are added to the list at `secrets` (0: nowhere).
bool options_check_value(const struct option *option, lua_State *L, int index, int secrets,
                         char message[OPTIONS_MESSAGE]);
