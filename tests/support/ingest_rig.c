// SPDX-License-Identifier: MIT
// An ingest on a loop, with a dispatch that answers when it is told, and clients; one thread.
#include "support/ingest_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka.h needs the four above.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"

#define PATIENCE_MS 60000 // a test that waits longer than this has failed

// ---- dispatch ----------------------------------------------------------------------------------

static void give(struct rig *rig, struct rig_pending *p, enum wire_code code, const char *message)
{
    struct wire_reply reply = {.code = WIRE_OK, .deliveries = 1};
    // What dispatch leaves unset may hold anything but has_ref.
    memset(reply.ref, 'x', sizeof reply.ref - 1);
    uint64_t number = p->event->seq;
    memcpy(reply.id.bytes + 8, &number, sizeof number);
    if (code != WIRE_OK)
        wire_refuse(&reply, code, "%s", message);
    event_unref(p->event);
    p->answer(p->token, &reply);
    (void)rig;
}

static void note(char out[129], struct span s)
{
    (void)snprintf(out, 129, "%.*s", (int)(s.len < 128 ? s.len : 128), s.at);
}

static void on_accept(void *context, struct event **event, ingest_answer_fn *answer, void *token)
{
    struct rig *rig = context;
    struct event *e = *event;
    *event = NULL;
    e->seq = ++rig->accepted;
    note(rig->names[0], e->name);
    note(rig->names[1], e->tenant);
    note(rig->names[2], e->key_id);
    note(rig->names[3], e->payload);
    rig->uid = e->uid;
    rig->pid = e->pid;
    struct rig_pending p = {e, answer, token};
    if (rig->is_immediate) {
        give(rig, &p, WIRE_OK, "");
        return;
    }
    if (rig->count == rig->capacity) {
        rig->capacity = rig->capacity * 2 + 64;
        rig->pending = xrealloc(rig->pending, rig->capacity * sizeof *rig->pending);
    }
    rig->pending[rig->count++] = p;
    rig->most = rig->count > rig->most ? rig->count : rig->most;
}

static bool on_may_write(void *context, struct span tenant, uint32_t uid, struct wire_reply *reply)
{
    struct rig *rig = context;
    (void)uid;
    if (span_is(tenant, "nobody")) {
        wire_refuse(reply, WIRE_UNKNOWN_TENANT, "no such tenant");
        return false;
    }
    if (rig->is_refusing)
        wire_refuse(reply, WIRE_NOT_ALLOWED, "not you");
    return !rig->is_refusing;
}

static struct rig_pending take_pending(struct rig *rig, size_t at)
{
    struct rig_pending p = rig->pending[at];
    rig->count--;
    memmove(rig->pending + at, rig->pending + at + 1, (rig->count - at) * sizeof p);
    return p;
}

void rig_answer(struct rig *rig, size_t count, enum rig_order order)
{
    while (count-- > 0 && rig->count > 0) {
        size_t at = order == RIG_FIRST ? 0 : rig->count - 1;
        if (order == RIG_ANY) // near the end, so that taking it out is cheap
            at -= (size_t)(rand_uint64() % (rig->count < 200 ? rig->count : 200));
        struct rig_pending p = take_pending(rig, at);
        give(rig, &p, WIRE_OK, "");
    }
}

void rig_answer_code(struct rig *rig, enum wire_code code, const char *message)
{
    assert_true(rig->count > 0);
    struct rig_pending p = take_pending(rig, 0);
    give(rig, &p, code, message);
}

// ---- loop --------------------------------------------------------------------------------------

void rig_start(struct rig *rig, const struct ingest_limits *limits, size_t max_event_bytes)
{
    *rig = (struct rig){.limits = limits != NULL ? *limits : ingest_limits};
    (void)snprintf(rig->folder, sizeof rig->folder, "/tmp/grapnel-ingest-XXXXXX");
    assert_non_null(mkdtemp(rig->folder));
    (void)snprintf(rig->path, sizeof rig->path, "%s/ingest.sock", rig->folder);
    char socket_flag[] = "--ingest-socket";
    char size_flag[] = "--max-event-bytes";
    char size[32];
    (void)snprintf(size, sizeof size, "%zu", max_event_bytes);
    char drain_flag[] = "--drain-timeout=200ms";
    char *argv[] = {socket_flag, rig->path, drain_flag, size_flag, size};
    struct errmsg message = {""};
    if (config_load(&rig->config, max_event_bytes > 0 ? 5 : 3, argv, &message) != OK)
        fail_msg("%s", message.text);
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    struct ingest_env env = {rig, &rig->limits, on_accept, on_may_write};
    if (ingest_start(&rig->ingest, &rig->loop, rig->config, &env, &message) != OK)
        fail_msg("%s", message.text);
}

static void on_stopped(void *context)
{
    struct rig *rig = context;
    rig->is_stopped = true;
}

void rig_stop(struct rig *rig)
{
    if (!rig->is_stopped)
        ingest_stop(rig->ingest, on_stopped, rig);
    while (uv_run(&rig->loop, UV_RUN_DEFAULT) != 0) {
    }
    assert_true(rig->is_stopped);
    rig_answer(rig, rig->count, RIG_ANY); // to nobody
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    config_free(rig->config);
    xfree(rig->pending);
    assert_int_not_equal(access(rig->path, F_OK), 0); // the socket is gone
    char lock[128];
    (void)snprintf(lock, sizeof lock, "%s.lock", rig->path);
    (void)unlink(lock);
    assert_int_equal(rmdir(rig->folder), 0);
}

void rig_turn(struct rig *rig)
{
    for (int i = 0; i < 8; i++)
        (void)uv_run(&rig->loop, UV_RUN_NOWAIT);
}

// ---- clients -----------------------------------------------------------------------------------

void client_open(struct client *c, struct rig *rig)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *c = (struct client){.rig = rig};
    buf_init(&c->in, (size_t)256 << 20);
    memcpy(address.sun_path, rig->path, strlen(rig->path) + 1);
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(c->fd >= 0);
    assert_int_equal(connect(c->fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(fcntl(c->fd, F_SETFL, O_NONBLOCK), 0);
}

void client_close(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    buf_deinit(&c->in);
}

size_t client_try_send(struct client *c, const char *bytes, size_t len)
{
    ssize_t sent = send(c->fd, bytes, len, MSG_NOSIGNAL);
    if (sent < 0)
        assert_true(errno == EAGAIN || errno == EPIPE || errno == ECONNRESET);
    return sent > 0 ? (size_t)sent : 0;
}

void client_send_bytes(struct client *c, const char *bytes, size_t len)
{
    int64_t give_up = clock_mono_ms() + PATIENCE_MS;
    while (len > 0) {
        size_t sent = client_try_send(c, bytes, len);
        bytes += sent;
        len -= sent;
        if (sent == 0)
            rig_answer(c->rig, 1000, RIG_ANY);
        rig_turn(c->rig);
        client_read(c);
        assert_true(clock_mono_ms() < give_up);
    }
}

void client_send(struct client *c, const char *text)
{
    client_send_bytes(c, text, strlen(text));
}

void client_read(struct client *c)
{
    char piece[65536];
    ssize_t got;
    while ((got = recv(c->fd, piece, sizeof piece, 0)) > 0) {
        for (ssize_t i = 0; i < got; i++)
            c->lines += piece[i] == '\n';
        assert_int_equal(buf_append(&c->in, piece, (size_t)got), OK);
    }
    if (got == 0)
        c->is_ended = true;
    else if (errno != EAGAIN)
        c->is_ended = c->is_reset = true;
}

void client_wait(struct client *c, uint64_t lines)
{
    int64_t give_up = clock_mono_ms() + PATIENCE_MS;
    while (c->lines < lines && !c->is_ended) {
        rig_turn(c->rig);
        client_read(c);
        assert_true(clock_mono_ms() < give_up);
    }
    assert_true(c->lines >= lines);
}

void client_wait_end(struct client *c)
{
    int64_t give_up = clock_mono_ms() + PATIENCE_MS;
    while (!c->is_ended) {
        rig_turn(c->rig);
        client_read(c);
        assert_true(clock_mono_ms() < give_up);
    }
}

struct span client_line(const struct client *c, uint64_t n)
{
    struct span rest = buf_span(&c->in);
    struct span line = {0};
    for (uint64_t i = 0; i <= n; i++)
        assert_true(span_split(&rest, '\n', &line));
    return line;
}
