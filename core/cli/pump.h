// SPDX-License-Identifier: MIT
// Lines to the ingest socket, replies back, without ever waiting for the one while the other waits;
// blocking, the main thread.
//
// At most PUMP_WINDOW lines and PUMP_BYTES bytes are on their way without a reply; replies are
// always read, also when the engine has stopped reading.
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define PUMP_WINDOW 4096
#define PUMP_BYTES  (1 << 20)

// One reply line, without its line feed.
typedef void pump_reply_fn(void *context, struct span reply);

struct pump {
    int socket;        // connected; borrowed
    int input;         // file descriptor that lines come from; -1: there is only `first`
    struct span first; // sent before the input; whole lines
    pump_reply_fn *on_reply;
    void *context;
    uint64_t sent, answered; // lines; sent: handed to the socket as a whole or in part
};

// Runs until the input has ended and every line has its reply. ERR_CLOSED: the engine closed the
// connection before; ERR_IO: the input cannot be read, or a reply is longer than any may be.
MUST_CHECK enum err pump_run(struct pump *pump, struct errmsg *message);
