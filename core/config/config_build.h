// SPDX-License-Identifier: MIT
// How a configuration comes about; only for the files of this folder; main only.
#pragma once

#include "config/config.h"

// Of an option. Fields: TEXT PATH CHOICE are const char *, INT DURATION SIZE int64_t.
enum config_kind {
    CONFIG_TEXT,
    CONFIG_PATH,
    CONFIG_CHOICE,
    CONFIG_INT,
    CONFIG_DURATION,
    CONFIG_SIZE,
    CONFIG_LIST,
    CONFIG_TABLE,
};

// A row of config.def.
struct config_row {
    const char *name; // "max_age"
    enum config_kind kind;
    int64_t low, high;    // bounds of a number
    const char *choices;  // "a|b", of a CHOICE
    size_t offset;        // of the field in struct config; 0 for TABLE
    const char *fallback; // the default as text
};
extern const struct config_row config_rows[CONFIG_OPTION_COUNT];

// The row of that name, or CONFIG_OPTION_COUNT.
size_t config_find(struct span name);
// `unknown option "x"; did you mean "y"?`
void config_unknown(struct span name, struct errmsg *message);

// All setters: ERR_SYNTAX with a message that does not say where; the option keeps its value then.
// Sets any option but a TABLE from text; a list is split at commas.
MUST_CHECK enum err config_set_text(struct config *config, size_t option, struct span text,
                                    struct errmsg *message);
// Sets a number (INT, DURATION in ms, SIZE in bytes) after checking its bounds.
MUST_CHECK enum err config_set_number(struct config *config, size_t option, int64_t number,
                                      struct errmsg *message);
// Puts `items` behind what is there, or in its place.
MUST_CHECK enum err config_set_list(struct config *config, size_t option, const struct span *items,
                                    size_t count, bool is_added, struct errmsg *message);
// No NUL, not too long.
MUST_CHECK enum err config_check_text(struct span text, struct errmsg *message);

// Takes the options of a file's text (config_lua.c). The message begins with `path` and, where it
// is known, a line.
MUST_CHECK enum err config_read_lua(struct config *config, const char *path, struct span text,
                                    struct errmsg *message);
// A table option (config_table.c) from the Lua value on top of the stack, which stays there. Borrows
// texts from it. May raise memory errors of Lua.
struct lua_State;
MUST_CHECK enum err config_set_table(struct config *config, size_t option, struct lua_State *L,
                                     struct errmsg *message);
// The line of the source in which the option is set, from 1; 0 when it cannot be told.
int config_line_of(struct span source, struct span name);

// Fills config->shown.
void config_show(struct config *config);
