// SPDX-License-Identifier: MIT
// The command line: one table of commands (cli.def), one cmd_*.c each; the main thread.
#pragma once

// Runs `argv[1]`; the process's exit code: 0 done, 1 refused or failed, 2 usage, 3 unreachable.
int cli_run(int argc, char **argv);
