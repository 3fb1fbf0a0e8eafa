// SPDX-License-Identifier: MIT
// Locks a script host's process: no files, no network, nothing to start, no more memory. Script host
// only; once, when everything that needs the system has been done.
#pragma once

#include "base/buf.h"
#include "base/err.h"

// Network, mounts and users of its own and an empty root, where the system allows that; what it does
// not is named in `missing` ("network namespace, …"), which is no failure. Mandatory: limits, no new
// privileges, not dumpable, dies with its parent's thread, and an allow-list of system calls, of
// which all others end the process; reading and writing are allowed on `socket` alone.
MUST_CHECK enum err lock_process(int socket, struct buf *missing, struct errmsg *message);
