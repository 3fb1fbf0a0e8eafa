// SPDX-License-Identifier: MIT
// A sandboxed Lua state for unit tests: runs a piece of Lua on a document and gives what became of it.
#pragma once

#include "sandbox/bind.h"

struct sandbox_rig {
    lua_State *L;
    struct lazy *lazy;
    struct bind *bind;
    struct buf out;   // what the last call gave: JSON, or the error's message
    struct buf lines; // what print and grapnel.log wrote
};

void sandbox_rig_start(struct sandbox_rig *rig);
void sandbox_rig_stop(struct sandbox_rig *rig);
// A new visit: runs `code` with `d` = the document's value, `e` = the same as fresh tables (as a
// script sees body and event) and `json` = grapnel.json, and writes what it returns (else d) as
// JSON to rig->out. False: rig->out is the message.
bool sandbox_rig_edit(struct sandbox_rig *rig, struct span document, const char *code);
// The same without a document; what `code` returns is made text by tostring.
bool sandbox_rig_run(struct sandbox_rig *rig, const char *code);
