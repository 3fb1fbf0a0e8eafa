// SPDX-License-Identifier: MIT
// The script host's process: warms up, locks itself, then reads, serves and answers until its
// socket is closed.
#include "sandbox/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox/lock.h"
#include "sandbox/serve.h"

#define EXIT_USAGE    2
#define EXIT_PROTOCOL 76            // EX_PROTOCOL
#define EXIT_SETUP    71            // EX_OSERR
#define READ_SIZE     (256u * 1024) // bytes asked for at once
#define ANSWER_AT     (64u * 1024)  // bytes of answers that are not held back any longer
#define ANSWER_NS     1000000 // nor when that much CPU time has gone into what came behind them
#define KEEP          (1024u * 1024) // bytes of a buffer that stay allocated

struct child {
    struct serve *serve; // owned
    struct buf in, out;
};

static bool is_socket(int fd)
{
    int type = 0;
    socklen_t len = sizeof(type);
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

// Nothing but the socket and the board: what is written to standard error by a library is lost.
static bool close_the_rest(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    bool is_done = null >= 0;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    for (int fd = 0; fd <= 2 && is_done; fd++)
        is_done = dup2(null, fd) == fd;
#endif
    if (null > CHILD_BOARD)
        (void)close(null);
    return is_done && (close_range(CHILD_BOARD + 1, ~0U, 0) == 0 || errno == ENOSYS);
}

static enum err send_all(struct buf *out)
{
    size_t sent = 0;
    while (sent < out->len) {
        ssize_t count = write(CHILD_SOCKET, out->at + sent, out->len - sent);
        if (count <= 0)
            return ERR_CLOSED; // signals restart it, and it blocks: nothing else can be
        sent += (size_t)count;
    }
    buf_reset(out, KEEP);
    return OK;
}

// Serves all whole frames in `in`; answers leave when they are many, and at the end.
static enum err serve_all(struct child *child)
{
    struct span rest = buf_span(&child->in);
    struct frame frame;
    enum frame_step step;
    int64_t sent_ns = serve_clock(child->serve);
    while ((step = frame_take(&rest, FRAME_ENGINE, &frame)) == FRAME_WHOLE) {
        if (!serve_frame(child->serve, &frame, &child->out) || child->out.is_full)
            return ERR_CORRUPT;
        if (child->out.len < ANSWER_AT && serve_clock(child->serve) - sent_ns < ANSWER_NS)
            continue;
        if (send_all(&child->out) != OK)
            return ERR_CLOSED;
        sent_ns = serve_clock(child->serve);
    }
    if (step == FRAME_FORGED)
        return ERR_CORRUPT;
    buf_consume(&child->in, child->in.len - rest.len);
    if (child->in.len == 0)
        buf_reset(&child->in, KEEP);
    return send_all(&child->out);
}

static int serve_until_closed(struct child *child)
{
    for (;;) {
        char *room = buf_reserve(&child->in, READ_SIZE);
        if (room == NULL)
            return EXIT_PROTOCOL;
        ssize_t count = read(CHILD_SOCKET, room, READ_SIZE);
        if (count <= 0)
            return 0;
        buf_commit(&child->in, (size_t)count);
        enum err err = serve_all(child);
        if (err != OK)
            return err == ERR_CLOSED ? 0 : EXIT_PROTOCOL;
    }
}

static void say_ready(struct child *child, enum err err, struct span missing)
{
    struct frame header = {.kind = FRAME_READY, .result = err == OK ? SCRIPT_DONE : SCRIPT_ERROR};
    struct frame_ready ready = {.missing = missing};
    size_t begin = frame_begin(&child->out, &header);
    frame_put_ready(&child->out, &ready);
    frame_end(&child->out, begin);
}

// What could not be done is said in the place where a host says what is missing, and the host ends:
// the engine has no other way to hear of it.
static int run(struct frame_board *board)
{
    struct child child = {.serve = NULL};
    struct errmsg message = {""};
    struct buf missing;
    int status = EXIT_SETUP;
    buf_init(&child.in, FRAME_HEADER_LEN + FRAME_MAX_TO_HOST + READ_SIZE);
    buf_init(&child.out, (size_t)2 * FRAME_MAX_FROM_HOST);
    buf_init(&missing, FRAME_MAX_REASON);
    child.serve = serve_new(board);
    enum err err = serve_warm_up(child.serve, &message);
    if (err == OK)
        err = lock_process(CHILD_SOCKET, &missing, &message);
    say_ready(&child, err, err == OK ? buf_span(&missing) : span_of(message.text));
    if (send_all(&child.out) == OK && err == OK)
        status = serve_until_closed(&child);
    serve_free(child.serve);
    buf_deinit(&child.in);
    buf_deinit(&child.out);
    buf_deinit(&missing);
    return status;
}

int child_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    if (!is_socket(CHILD_SOCKET)) {
        (void)fprintf(stderr, "%s: started by grapnel itself to run scripts; not a command\n",
                      CHILD_MARKER);
        return EXIT_USAGE;
    }
    (void)prctl(PR_SET_NAME, "script-host", 0, 0, 0);
    struct frame_board *board =
        mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED, CHILD_BOARD, 0);
    if (board == MAP_FAILED || !close_the_rest())
        return EXIT_SETUP;
    (void)close(CHILD_BOARD);
    _exit(run(board)); // handlers at exit might want what is locked
}
