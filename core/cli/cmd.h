// SPDX-License-Identifier: MIT
// What each command is: cmd_<id>(args), its exit code; the main thread.
#pragma once

#include "cli/args.h"

// Exit codes (admin.md, Command line).
enum cmd_exit { CMD_DONE = 0, CMD_FAILED = 1, CMD_USAGE = 2, CMD_UNREACHABLE = 3 };

#define X(id, words, kind, least, most, arguments, help) int cmd_##id(const struct args *args);
#include "cli/cli.def"
#undef X
