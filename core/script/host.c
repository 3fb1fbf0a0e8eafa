// SPDX-License-Identifier: MIT
// One script host: started, written to and read from without blocking, killed and reaped; main only.
#include "script/host.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define CHILD_SOCKET 3 // as in sandbox/child.h, which this room may not know
#define CHILD_BOARD  4
#define CHILD_MARKER "script-host"
#define READ_SIZE    (256u * 1024) // bytes asked for at once
#define READS        8             // reads in one turn of the loop
#define SOCKET_SIZE  (1024 * 1024) // bytes that the kernel may hold, each way
#define OUT_MAX      ((size_t)2 * FRAME_MAX_TO_HOST)
#define KEEP         (1024u * 1024) // bytes of a buffer that stay allocated
#define BOARD_TRIES  100

#define HOST_MAGIC   0x484f5354u
struct host {
    uint32_t magic;
    struct host_env env;       // the caller's
    pid_t pid;                 // 0: reaped
    int socket;                // ours; -1: closed
    struct frame_board *board; // mapped, shared with the host
    clockid_t cpu_clock;
    uv_poll_t poll;      // of socket
    struct buf in, out;  // bytes not taken, not written yet
    bool is_ready;       // has said so
    bool is_dying;       // killed, or gone by itself
    bool is_eof;         // everything it had sent is read
    bool is_waiting;     // for room in the socket
    bool is_in_callback; // do not finish now: a callback of ours is further up
    int status;          // of waitpid
    struct map known;    // key → host, as a non-NULL value
    size_t known_bytes;
    struct host_book book; // the caller's
};

// Forward, in firing order.
static void on_poll(uv_poll_t *poll, int status, int events);
static void finish(struct host *host);
static void on_closed(uv_handle_t *handle);

// ---- start ----

static enum err fail_errno(struct errmsg *message, const char *what)
{
    int error = errno;
    errmsg_set(message, "script host: %s: %s", what, strerrordesc_np(error));
    return err_from_errno(error);
}

static enum err make_board(struct host *host, int *fd, struct errmsg *message)
{
    *fd = memfd_create("script-host board", MFD_CLOEXEC);
    if (*fd < 0 || ftruncate(*fd, sizeof(*host->board)) != 0)
        return fail_errno(message, "cannot make its shared page");
    void *mapped = mmap(NULL, sizeof(*host->board), PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    if (mapped == MAP_FAILED)
        return fail_errno(message, "cannot map its shared page");
    host->board = mapped;
    return OK;
}

// Nothing of ours is passed on but the two descriptors: no environment, no signal mask.
static int spawn(struct host *host, int socket, int board)
{
    char name[] = "grapnel";
    char marker[] = CHILD_MARKER;
    char *argv[] = {name, marker, NULL};
    char *environment[] = {NULL};
    sigset_t none;
    sigset_t all;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return ENOMEM;
    }
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int error = posix_spawn_file_actions_adddup2(&actions, socket, CHILD_SOCKET);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(&actions, board, CHILD_BOARD);
    if (error == 0)
        error = posix_spawn_file_actions_addclosefrom_np(&actions, CHILD_BOARD + 1);
    if (error == 0)
        error = posix_spawnattr_setsigmask(&attributes, &none);
    if (error == 0)
        error = posix_spawnattr_setsigdefault(&attributes, &all);
    if (error == 0)
        error =
            posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (error == 0)
        error = posix_spawn(&host->pid, host->env.self, &actions, &attributes, argv, environment);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

static enum err open_child(struct host *host, struct errmsg *message)
{
    int ends[2] = {-1, -1};
    int board = -1;
    enum err err = make_board(host, &board, message);
    if (err == OK && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        err = fail_errno(message, "cannot make its socket");
    if (err != OK)
        goto out;
    for (int i = 0; i < 2; i++) { // what is refused leaves the default: slower, not wrong
        (void)setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &(int){SOCKET_SIZE}, sizeof(int));
        (void)setsockopt(ends[i], SOL_SOCKET, SO_RCVBUF, &(int){SOCKET_SIZE}, sizeof(int));
    }
    // The numbers that the child gets must not be ours before they are given.
    int child = fcntl(ends[1], F_DUPFD_CLOEXEC, CHILD_BOARD + 1);
    int page = fcntl(board, F_DUPFD_CLOEXEC, CHILD_BOARD + 1);
    int error = child < 0 || page < 0 ? EMFILE : spawn(host, child, page);
    if (child >= 0)
        (void)close(child);
    if (page >= 0)
        (void)close(page);
    if (error != 0) {
        errno = error;
        err = fail_errno(message, "cannot start it");
        host->pid = 0;
        goto out;
    }
    host->socket = ends[0];
    ends[0] = -1;
    (void)fcntl(host->socket, F_SETFL, O_NONBLOCK);
out:
    if (board >= 0)
        (void)close(board);
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0)
            (void)close(ends[i]);
    return err;
}

static void host_free(struct host *host)
{
    if (host->board != NULL)
        (void)munmap(host->board, sizeof(*host->board));
    buf_deinit(&host->in);
    buf_deinit(&host->out);
    map_deinit(&host->known);
    xfree(host);
}

enum err host_start(struct host **out, const struct host_env *env, struct errmsg *message)
{
    struct host *host = xcalloc(1, sizeof(*host));
    host->magic = HOST_MAGIC;
    host->env = *env;
    host->socket = -1;
    host->book.started_ns = clock_mono_ns();
    list_init(&host->book.visits);
    map_init(&host->known);
    buf_init(&host->in, FRAME_HEADER_LEN + FRAME_MAX_FROM_HOST + READ_SIZE);
    buf_init(&host->out, OUT_MAX);
    enum err err = open_child(host, message);
    if (err != OK) {
        host_free(host);
        return err;
    }
    host->book.pid = host->pid;
    if (clock_getcpuclockid(host->pid, &host->cpu_clock) != 0)
        host->cpu_clock = (clockid_t)-1;
    CHECK(uv_poll_init(env->loop, &host->poll, host->socket) == 0);
    host->poll.data = host;
    CHECK(uv_poll_start(&host->poll, UV_READABLE, on_poll) == 0);
    *out = host;
    return OK;
}

// ---- reading ----

static bool take_frame(struct host *host, const struct frame *frame)
{
    struct frame_ready ready;
    if (frame->kind != FRAME_READY)
        return host->is_ready && host->env.on_frame(host->env.context, host, frame);
    if (host->is_ready || !frame_get_ready(frame->payload, &ready))
        return false;
    if (frame->result != SCRIPT_DONE) { // it will end by itself, having said why
        host->env.on_ready(host->env.context, NULL, ready.missing);
        return true;
    }
    host->is_ready = true;
    host->env.on_ready(host->env.context, host, ready.missing);
    return true;
}

static void take_frames(struct host *host)
{
    struct span rest = buf_span(&host->in);
    struct frame frame;
    enum frame_step step;
    while ((step = frame_take(&rest, FRAME_HOST, &frame)) == FRAME_WHOLE)
        if (!take_frame(host, &frame)) {
            step = FRAME_FORGED;
            break;
        }
    if (step == FRAME_FORGED) {
        if (host->book.cause == NULL)
            host->book.cause = "answered what no script host may";
        buf_clear(&host->in);
        host->is_eof = true; // nothing more is believed
        host_kill(host);
        return;
    }
    buf_consume(&host->in, host->in.len - rest.len);
    if (host->in.len == 0)
        buf_reset(&host->in, KEEP);
}

// Reads and takes what is there; answers how many bytes.
static size_t read_some(struct host *host)
{
    char *room = host->is_eof ? NULL : buf_reserve(&host->in, READ_SIZE);
    if (room == NULL)
        return 0;
    ssize_t count = read(host->socket, room, READ_SIZE);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (count <= 0) {
        host->is_eof = true;
        return 0;
    }
    buf_commit(&host->in, (size_t)count);
    take_frames(host);
    return (size_t)count;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct host *host;
    CAST(host, poll->data, HOST_MAGIC);
    (void)status; // shows when reading
    (void)events;
    host->is_in_callback = true;
    for (int i = 0; i < READS && read_some(host) == READ_SIZE; i++)
        ;
    if (!host->is_dying && host->is_ready)
        host->env.on_turn(host->env.context, host);
    if (!host->is_eof)
        host_flush(host);
    host->is_in_callback = false;
    if (host->is_eof) {
        CHECK(uv_poll_stop(poll) == 0); // SIGCHLD does the rest
        host_kill(host);
    }
    host_reap(host);
}

// ---- writing ----

struct buf *host_out(struct host *host)
{
    return &host->out;
}

void host_flush(struct host *host)
{
    size_t sent = 0;
    CHECK(!host->out.is_full); // the caller bounds what it puts there
    if (host->is_dying || host->socket < 0)
        return;
    while (sent < host->out.len) {
        ssize_t count = send(host->socket, host->out.at + sent, host->out.len - sent, MSG_NOSIGNAL);
        if (count <= 0)
            break; // full, or gone: then reading says so
        sent += (size_t)count;
    }
    buf_consume(&host->out, sent);
    if (host->out.len == 0)
        buf_reset(&host->out, KEEP);
    if (host->is_waiting == (host->out.len > 0) || host->is_eof)
        return;
    host->is_waiting = host->out.len > 0;
    CHECK(uv_poll_start(&host->poll, UV_READABLE | (host->is_waiting ? UV_WRITABLE : 0), on_poll) ==
          0);
}

// ---- end ----

void host_kill(struct host *host)
{
    if (host->pid > 0 && !host->is_dying)
        (void)kill(host->pid, SIGKILL);
    host->is_dying = true;
    buf_reset(&host->out, 0);
}

void host_reap(struct host *host)
{
    if (host->is_in_callback)
        return; // it asks again when it returns
    if (host->pid > 0) {
        pid_t reaped = waitpid(host->pid, &host->status, WNOHANG);
        if (reaped == 0 || (reaped < 0 && errno == EINTR))
            return;
        host->pid = 0;
        host->is_dying = true;
    }
    if (host->socket >= 0)
        finish(host);
}

// The process is gone, so the rest of what it had sent is there, and then the end.
static void finish(struct host *host)
{
    host->is_in_callback = true;
    while (read_some(host) > 0)
        ;
    host->is_in_callback = false;
    CHECK(uv_poll_stop(&host->poll) == 0);
    (void)close(host->socket);
    host->socket = -1;
    host->env.on_down(host->env.context, host, host->status);
    uv_close((uv_handle_t *)&host->poll, on_closed);
}

static void on_closed(uv_handle_t *handle)
{
    struct host *host;
    CAST(host, handle->data, HOST_MAGIC);
    host_free(host);
}

// ---- asking ----

bool host_is_ready(const struct host *host)
{
    return host->is_ready && !host->is_dying;
}

bool host_is_dying(const struct host *host)
{
    return host->is_dying;
}

int64_t host_cpu_ns(const struct host *host)
{
    struct timespec used;
    // banned-ok: another process's CPU time, which tests do not own
    if (host->cpu_clock == (clockid_t)-1 || clock_gettime(host->cpu_clock, &used) != 0)
        return -1;
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

bool host_read_board(const struct host *host, struct host_board *out)
{
    const struct frame_board *board = host->board;
    for (int i = 0; i < BOARD_TRIES; i++) {
        uint64_t turn = atomic_load(&board->turn);
        struct host_board seen = {.turn = turn,
                                  .visit = atomic_load(&board->visit),
                                  .cpu_ns = atomic_load(&board->cpu_ns),
                                  .script = atomic_load(&board->script)};
        if ((turn & 1) == 0 && atomic_load(&board->turn) == turn) {
            *out = seen;
            return true;
        }
    }
    return false;
}

void host_stop_visit(struct host *host, uint64_t visit)
{
    union sigval value = {.sival_ptr = NULL};
    // A number that travels as a pointer; nobody follows it.
    memcpy(&value, &visit, sizeof(visit) < sizeof(value) ? sizeof(visit) : sizeof(value));
    if (host->pid > 0 && !host->is_dying)
        (void)sigqueue(host->pid, SIGALRM, value);
}

bool host_knows(const struct host *host, uint64_t key)
{
    return map_get(&host->known, key) != NULL;
}

void host_learn(struct host *host, uint64_t key, size_t bytes)
{
    (void)map_set(&host->known, key, host);
    host->known_bytes += bytes;
}

void host_unlearn(struct host *host, uint64_t key)
{
    (void)map_remove(&host->known, key);
}

size_t host_known_bytes(const struct host *host)
{
    return host->known_bytes;
}

struct host_book *host_book(struct host *host)
{
    return &host->book;
}

struct host *host_of_book(struct list_node *node)
{
    return CONTAINER_OF(CONTAINER_OF(node, struct host_book, node), struct host, book);
}
