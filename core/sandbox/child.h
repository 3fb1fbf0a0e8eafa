// SPDX-License-Identifier: MIT
// The script host's process: this very program, started by script/host.c as `grapnel script-host`
// with its socket as descriptor 3 and the board (frame.h) as 4, and locked down before it reads.
//
// For core/cli: when argv[1] is CHILD_MARKER, return child_main(argc, argv) before anything else is
// set up: no log, no configuration, no threads. It is not a command, so no help lists it. Whoever
// types it by hand is told what it is.
#pragma once

#define CHILD_MARKER "script-host"
#define CHILD_SOCKET 3
#define CHILD_BOARD  4

// Returns the process's exit status: 0 when the engine has closed its end.
int child_main(int argc, char **argv);
