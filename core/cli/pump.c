// SPDX-License-Identifier: MIT
// Lines to the ingest socket, replies back, by poll(2); blocking, the main thread.
#include "cli/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES 65536
#define MAX_REPLY  (64 << 10) // bytes of one reply

struct flow {
    struct pump *pump;
    struct buf out;     // read, and not yet written to the socket
    struct buf in;      // replies that have come, the last one perhaps in part
    bool is_input_over; // no more lines come
    bool is_shut;       // the engine has been told so
    bool is_closed;     // by the engine
    char last;          // byte that was read last
    struct errmsg *message;
};

static uint64_t count_lines(struct span bytes)
{
    uint64_t count = 0;
    const char *end = bytes.at + bytes.len;
    for (const char *at = bytes.at; at < end; at++) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (at == NULL)
            break;
        count++;
    }
    return count;
}

// The last line may come without its line feed.
static void end_input(struct flow *f)
{
    f->is_input_over = true;
    if (f->last != '\n' && f->last != 0) {
        (void)buf_append_char(&f->out, '\n');
        f->pump->sent++;
    }
}

static enum err read_input(struct flow *f)
{
    char *room = buf_reserve(&f->out, READ_BYTES);
    CHECK(room != NULL); // wants_input() has seen to it
    ssize_t count = read(f->pump->input, room, READ_BYTES);
    if (count < 0 && (errno == EINTR || errno == EAGAIN))
        return OK;
    if (count < 0) {
        errmsg_set(f->message, "standard input: %s", err_text(err_from_errno(errno)));
        return ERR_IO;
    }
    if (count == 0) {
        end_input(f);
        return OK;
    }
    buf_commit(&f->out, (size_t)count);
    f->pump->sent += count_lines(span_make(room, (size_t)count));
    f->last = room[count - 1];
    return OK;
}

static void write_socket(struct flow *f)
{
    ssize_t count = send(f->pump->socket, f->out.at, f->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0)
        buf_consume(&f->out, (size_t)count);
    if (count < 0 && errno != EINTR && errno != EAGAIN) {
        f->is_input_over = f->is_shut = true; // its last replies may still be there
        buf_clear(&f->out);
    }
}

static enum err take_replies(struct flow *f)
{
    const char *end;
    size_t used = 0;
    while ((end = memchr(f->in.at + used, '\n', f->in.len - used)) != NULL) {
        size_t len = (size_t)(end - f->in.at) - used;
        f->pump->answered++;
        f->pump->on_reply(f->pump->context, span_make(f->in.at + used, len));
        used += len + 1;
        if (used == f->in.len)
            break;
    }
    buf_consume(&f->in, used);
    if (f->in.len <= MAX_REPLY)
        return OK;
    errmsg_set(f->message, "that is no ingest socket: a reply without an end");
    return ERR_IO;
}

static enum err read_replies(struct flow *f)
{
    char *room = buf_reserve(&f->in, READ_BYTES);
    CHECK(room != NULL);
    ssize_t count = recv(f->pump->socket, room, READ_BYTES, MSG_DONTWAIT);
    if (count < 0 && (errno == EINTR || errno == EAGAIN))
        return OK;
    if (count <= 0) {
        f->is_closed = true;
        return OK;
    }
    buf_commit(&f->in, (size_t)count);
    return take_replies(f);
}

static bool wants_input(const struct flow *f)
{
    return !f->is_input_over && f->out.len <= PUMP_BYTES / 2 &&
           f->pump->sent - f->pump->answered < PUMP_WINDOW;
}

static enum err turn(struct flow *f)
{
    struct pollfd fds[2] = {
        {.fd = f->pump->socket, .events = (short)(POLLIN | (f->out.len > 0 ? POLLOUT : 0))},
        {.fd = wants_input(f) ? f->pump->input : -1, .events = POLLIN},
    };
    if (poll(fds, 2, -1) < 0)
        return errno == EINTR ? OK : err_from_errno(errno);
    enum err err = OK;
    if ((fds[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
        err = read_replies(f);
    if (err == OK && (fds[0].revents & POLLOUT) != 0)
        write_socket(f);
    if (err == OK && fds[1].revents != 0)
        err = read_input(f);
    if (f->is_input_over && f->out.len == 0 && !f->is_shut) {
        f->is_shut = true;
        (void)shutdown(f->pump->socket, SHUT_WR);
    }
    return err;
}

enum err pump_run(struct pump *pump, struct errmsg *message)
{
    struct flow f = {.pump = pump, .message = message, .is_input_over = pump->input < 0};
    enum err err = OK;
    buf_init(&f.out, PUMP_BYTES + READ_BYTES + pump->first.len);
    buf_init(&f.in, MAX_REPLY + READ_BYTES);
    (void)buf_append_span(&f.out, pump->first);
    pump->sent = count_lines(pump->first);
    pump->answered = 0;
    while (err == OK && !f.is_closed &&
           !(f.is_input_over && f.out.len == 0 && pump->answered >= pump->sent))
        err = turn(&f);
    if (err == OK && (pump->answered < pump->sent || !f.is_input_over)) {
        errmsg_set(
            message,
            "the engine closed the connection; %llu events have no reply: they may have been "
            "stored or not (send them again with the same id)",
            (unsigned long long)(pump->sent - pump->answered));
        err = ERR_CLOSED;
    }
    buf_deinit(&f.out);
    buf_deinit(&f.in);
    return err;
}
