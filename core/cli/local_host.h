// SPDX-License-Identifier: MIT
// A script host of the command line's own, for what needs no engine: testing and trying a file; the
// main thread, blocking.
#pragma once

#include "script/script_draft.h"

struct local_host {
    uv_loop_t loop;
    struct script *script; // NULL: not started
};

// The limits are those of the configuration's defaults and GRAPNEL_ variables. ERR_IO … with a message.
MUST_CHECK enum err local_host_start(struct local_host *host, struct errmsg *message);
void local_host_stop(struct local_host *host); // also when it could not be started
// Turns the loop until the flag is true.
void local_host_wait(struct local_host *host, const bool *is_done);

// Reads a script's file. `name`: its name without folder and ".lua", for messages; in `source` the
// text. ERR_FULL: larger than a script may be.
MUST_CHECK enum err local_host_read(const char *path, struct buf *name, struct buf *source,
                                    struct errmsg *message);
