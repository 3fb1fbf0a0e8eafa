// SPDX-License-Identifier: MIT
// What this process uses of the machine, as the kernel counts it. Any thread; reads /proc, so not often.
#pragma once

#include <stdint.h>

// Of this process alone: its children (the script hosts) are not in it.
struct usage {
    double cpu_seconds;      // user and system
    uint64_t resident_bytes; // 0: /proc is not there
    uint64_t open_files;     // 0: /proc is not there
    uint64_t most_files;     // RLIMIT_NOFILE, the soft one
};

// A process may read these of itself even when nobody else may (proc(5), PR_SET_DUMPABLE).
void usage_read(struct usage *out);
