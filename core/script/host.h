// SPDX-License-Identifier: MIT
// One script host: a child process, its socket and its board; main only.
//
// Started by posix_spawn of this very program with an empty environment. What it sends is untrusted:
// a frame that a host may not send kills it. on_down is the last that is heard of a host; it is
// called once, when the process is reaped and everything it had sent before has been handed over.
#pragma once

#include <sys/types.h>
#include <uv.h>

#include "base/list.h"
#include "base/map.h"
#include "script/frame.h"
#include "script/watchdog.h"

struct host;

struct host_env {
    uv_loop_t *loop;
    const char *self; // path of the program; borrowed
    void *context;
    // It is warm and locked. `missing`: see frame_ready.
    void (*on_ready)(void *context, struct host *host, struct span missing);
    // A frame that hosts may send. False: it is forged after all, and the host is killed.
    bool (*on_frame)(void *context, struct host *host, const struct frame *frame);
    // All that had arrived has been handed over: refill, and write.
    void (*on_turn)(void *context, struct host *host);
    // `status` as waitpid gives it. The host is freed after this.
    void (*on_down)(void *context, struct host *host, int status);
};

MUST_CHECK enum err host_start(struct host **out, const struct host_env *env,
                               struct errmsg *message);
// Ends it without ado, whatever it is doing; on_down follows.
void host_kill(struct host *host);
// Asks whether the process has ended, and does what follows: on SIGCHLD.
void host_reap(struct host *host);

bool host_is_ready(const struct host *host);
bool host_is_dying(const struct host *host);
// CPU time that the process has used, ns; -1 when it is not known.
int64_t host_cpu_ns(const struct host *host);

// What it says it is doing. Untrusted; false while it is being changed, or after 100 tries.
struct host_board {
    uint64_t turn, visit, cpu_ns;
    uint32_t script;
};
bool host_read_board(const struct host *host, struct host_board *out);

// Asks it to stop the visit that is named.
void host_stop_visit(struct host *host, uint64_t visit);

// Where frames are put; host_flush sends what the socket takes, and the rest as it takes it.
struct buf *host_out(struct host *host);
void host_flush(struct host *host);

// What it has been told: keys of the caller's making, and how many bytes that were in all.
bool host_knows(const struct host *host, uint64_t key);
void host_learn(struct host *host, uint64_t key, size_t bytes);
void host_unlearn(struct host *host, uint64_t key);
size_t host_known_bytes(const struct host *host);

// The caller's; this module sets `cause`, started_ns and pid.
struct host_book {
    struct list_node node;  // in the caller's list of hosts
    struct list visits;     // outstanding, in the order they were sent
    uint32_t count;         // of them
    int64_t cost_ns;        // CPU time that they are expected to take, all together
    uint32_t slot;          // the caller's place for it
    bool is_retired;        // gets no more visits
    uint64_t culprit;       // visit that is blamed for its end; 0: ask the board
    int64_t culprit_cpu_ns; // CPU time that it had used; -1: not known
    bool is_stalled;        // killed though the culprit had not used its time
    const char *cause;      // static: why it was killed; NULL: it was not
    struct watch watch;
    int64_t started_ns; // monotonic
    pid_t pid;          // also when it is reaped; for the log
};
struct host_book *host_book(struct host *host);
struct host *host_of_book(struct list_node *node);
