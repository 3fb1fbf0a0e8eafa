// SPDX-License-Identifier: MIT
// A script's options: the specs that it declares, and what a webhook gives for them. Script host
// only. (lua.md, Options)
#pragma once

#include "sandbox/lazy.h"

struct options; // the specs of one script; belongs to its state

struct options *options_new(void);
void options_free(struct options *options); // NULL is fine
// Reads and checks the table of specs at `index`. Throws a message that names the option: a script
// with malformed specs does not load. Once per object.
void options_read(struct options *options, struct lazy *lazy, lua_State *L, int index);
// The specs as a JSON array of {"name","type",…}: required ones first, then by name.
void options_print(const struct options *options, struct buf *out);

// Complaints; `option` is empty when it is about the whole.
typedef void options_problem_fn(void *context, struct span option, const char *message);
// Turns what a webhook gives (a JSON object; empty: nothing) into the table that scripts see:
// defaults filled in, durations as seconds. Calls the script's `check` functions. Pushes the table
// and a list of the secrets in it [+2]; a value that was complained about is left out. May throw
// (memory, time).
void options_convert(const struct options *options, struct lazy *lazy, lua_State *L,
                     struct span json, options_problem_fn *on_problem, void *context);
// Raises that there is no option of that name: for a script's own reading. Returns when there is one.
void options_check_name(const struct options *options, lua_State *L, struct span name);
// Does converting call functions of the script?
bool options_have_checks(const struct options *options);
// A deep copy of the table at `index`, as options_convert made it. [+1]
void options_push_copy(lua_State *L, int index);
