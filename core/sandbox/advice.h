// SPDX-License-Identifier: MIT
// Makes Lua's messages say what to do: "did you mean", what is missing and why, null instead of
// userdata. Any thread; knows what api.def lists and what scripts are given.
#pragma once

#include "base/buf.h"

// Writes `message` ("github.lua:7: attempt to call a nil value (field 'hmca')") to `out`, improved
// and with a hint behind it where there is one to give.
void advice_write(struct buf *out, struct span message);
// "; did you mean \"grapnel.crypto\"?", or the list of what there is: completes "no module 'NAME'".
// `files`: names of the modules of lua/, a NULL behind them.
void advice_module(struct buf *out, struct span name, const char *const *files);
