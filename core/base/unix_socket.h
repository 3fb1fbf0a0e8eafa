// SPDX-License-Identifier: MIT
// Listening Unix sockets: bound without a race, or handed over by systemd; main, at start.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"

// A listening socket and what is needed to take it away again.
struct unix_socket {
    int fd;              // owned; -1: none
    int lock_fd;         // owned; -1: handed over
    char path[108];      // "" when handed over
    dev_t device;        // of the file that we made,
    ino_t inode;         // so that nobody else's is removed
    bool is_handed_over; // systemd keeps it open: connections that come meanwhile wait
};

struct unix_socket_options {
    const char *path;
    unsigned mode;     // permission bits, e.g. 0660
    const char *group; // name or number; "": the process's own
    const char *name;  // which one to take of several that systemd hands over: "ingest"
};

// Takes the socket that was handed over (LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES) under that name or
// with that path, or the only one there is when it has no other name; else binds: the folder is made
// (0750) if only it is missing, a lock file "PATH.lock" keeps a second engine away, a stale socket is
// replaced, anything else is left alone. The mode holds before the first connection. Non-blocking,
// close-on-exec. ERR_BUSY: somebody listens there; ERR_EXISTS: the path is no socket.
MUST_CHECK enum err unix_socket_listen(struct unix_socket *out,
                                       const struct unix_socket_options *options,
                                       struct errmsg *message);
// Removes what it made, and only that. Fine for one that is closed.
void unix_socket_close(struct unix_socket *socket);
// The peer of a connection; UINT32_MAX each when the kernel does not tell.
void unix_socket_peer(int fd, uint32_t *uid, uint32_t *pid);
