// SPDX-License-Identifier: MIT
// One producer's connection, and what all connections share; only for the files of this folder;
// main only.
//
// Each line gets a slot in its connection's queue, in order. A slot is answered when its reply is
// known; replies leave when all earlier ones have. What has to be written or gone on with is done
// once per loop turn, for all connections that are marked.
#pragma once

#include "base/list.h"
#include "base/unix_socket.h"
#include "ingest/ingest.h"
#include "ingest/ndjson.h"

#define CONNECTION_READ_BYTES ((size_t)64 << 10) // one reading; all connections share its memory

#define INGEST_MAGIC          0x494e4753u
#define CONNECTION_MAGIC      0x434f4e4eu
#define SLOT_MAGIC            0x534c4f54u

// The whole socket. ingest.c makes and frees it.
struct ingest {
    uint32_t magic;
    uv_loop_t *loop; // borrowed
    struct ingest_env env;
    struct ingest_limits limits;
    struct wire *wire; // owned
    size_t max_line;   // bytes

    struct unix_socket socket;
    int reserve_fd;     // given up for a moment to refuse a connection when there are no more
    uv_poll_t poll;     // the listening socket
    uv_timer_t timer;   // accepting goes on after a pause; looks after stuck unfinished lines
    uv_idle_t turn;     // active while something is marked
    unsigned handles;   // that have to close before it can be freed
    bool is_accept_due; // accepting was put off until the timer

    struct list connections; // owned; struct connection.node
    struct list marked;      // borrowed; struct connection.marked_node
    struct list crowded;     // borrowed; crowded_node: wait until there are fewer lines in all
    uint64_t last_ticket;    // of those: who came first goes first
    struct list growing;     // borrowed; growing_node: hold a long unfinished line; oldest first
    struct list orphans;     // slots whose connection is gone; struct slot.node
    char *read_buffer;       // owned; CONNECTION_READ_BYTES

    struct ingest_stats stats;
    uint64_t patience_ms;        // while draining
    bool is_waiting_for_readers; // draining is held up only by producers that do not read
    bool is_draining, is_drained, is_stopping;
    void (*on_drained)(void *context);
    void *drained_context;
    void (*on_stopped)(void *context);
    void *stopped_context;
};

// A line that waits for its reply, or whose reply waits for those before it. Freed when its reply
// has been moved on, and not before it has been answered.
struct slot {
    uint32_t magic;
    struct list_node node;         // connection's queue, or the orphans
    struct ingest *ingest;         // NULL: it has stopped
    struct connection *connection; // NULL: it is gone
    size_t bytes;                  // of the line
    char *ref;                     // owned; as in wire_reply; NULL: none
    char *reply;                   // owned; printed, with its line feed; NULL: not answered yet
    size_t reply_len;              // bytes
};

struct connection {
    uint32_t magic;
    struct list_node node;
    struct list_node marked_node;
    struct list_node crowded_node;
    struct list_node growing_node;
    uint64_t ticket;       // of its place in the crowd, kept until it could take a line; 0: none
    struct ingest *ingest; // borrowed
    uv_pipe_t pipe;
    uv_write_t write; // one at a time
    struct wire_producer producer;
    struct ndjson lines;
    size_t held;          // bytes of `lines` that are counted in the totals
    size_t last_held;     // of an unfinished line when the timer looked last
    struct list queue;    // owned; slots in the order of lines
    uint32_t queued;      // slots in it
    size_t waiting_bytes; // of lines without a reply yet
    struct buf out;       // replies in order, to be written
    struct buf writing;   // being written
    uint64_t accepted, rejected;
    bool is_reading;  // uv calls us
    bool is_starved;  // all that was read has been taken: there is need for more
    bool is_ended;    // the producer has closed its writing side
    bool is_finished; // … and its last line has been taken
    bool is_writing;  // `write` is under way
    bool is_deaf;     // the producer is gone: replies are dropped, lines that came are taken
    bool is_closing;
};

// Takes a connected descriptor.
void connection_open(struct ingest *ingest, int fd, uint32_t uid, uint32_t pid);
// At once; what was accepted goes on without it.
void connection_close(struct connection *c);
// Has it written, and gone on with, before the loop waits again.
void connection_mark(struct connection *c);
// The same without one that is marked: looks whether draining is done.
void connection_turn_later(struct ingest *ingest);
// Writes and goes on with all that are marked.
void connection_turn(struct ingest *ingest);
// Closes the oldest unfinished long line when memory is short and it does not grow.
void connection_check_growing(struct ingest *ingest);
// Nothing is owed to its producer.
bool connection_is_quiet(const struct connection *c);

// ingest.c: looks whether draining is done.
void ingest_check_drained(struct ingest *ingest);
// ingest.c: a handle has been closed; frees the ingest when it was the last.
void ingest_handle_closed(struct ingest *ingest);
