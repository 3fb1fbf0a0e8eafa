// SPDX-License-Identifier: MIT
// The ingest socket as a whole: listens, accepts, drains, stops; main only.
//
// In firing order: ingest_start → on_connectable, on_timer → (connection.c) → ingest_drain →
// ingest_check_drained → ingest_stop → on_closed → ingest_handle_closed
#include "ingest/ingest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "ingest/connection.h"

#define ACCEPTS_PER_TURN 64   // other work must have its turn
#define TIMER_MS         100  // pause after the kernel had no descriptor
#define LOOK_MS          5000 // how often stuck unfinished lines are looked at
#define CONNECTIONS_MAX  8192
#define REFUSAL_RETRY_MS 1000
#define PATIENCE_MS      5000 // with producers that do not read their replies while draining

const struct ingest_limits ingest_limits = {
    .lines = 4096,
    .total_lines = 16384,
    .bytes = (size_t)4 << 20,
    .total_bytes = (size_t)16 << 20,
    .unread_bytes = (size_t)64 << 10,
    .held_bytes = (size_t)64 << 20,
};

static void on_connectable(uv_poll_t *poll, int status, int events);
static void on_timer(uv_timer_t *timer);
static void on_closed(uv_handle_t *handle);
static void cut_unread(struct ingest *ingest);

// ---- accepting ---------------------------------------------------------------------------------

static int open_reserve(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

// Tells a producer in one line why it has to come again; it may not wait for that.
static void refuse(struct ingest *ingest, int fd, const char *why)
{
    struct wire_reply reply = {.retry_ms = REFUSAL_RETRY_MS};
    struct buf text;
    buf_init(&text, WIRE_MAX_REPLY + 1);
    wire_refuse(&reply, WIRE_RATE_LIMITED, "%s: try again", why);
    wire_print(&reply, &text);
    (void)buf_append_char(&text, '\n');
    (void)send(fd, text.at, text.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    buf_deinit(&text);
    close(fd);
    ingest->stats.connections_refused++;
    log_line(LOG_WARN, LOG_INGEST_AREA, "refused a connection: %s", why);
}

static uint32_t count_of_user(const struct ingest *ingest, uint32_t uid)
{
    uint32_t count = 0;
    LIST_FOREACH(node, &ingest->connections) {
        const struct connection *c = CONTAINER_OF(node, struct connection, node);
        count += c->producer.uid == uid && !c->is_closing;
    }
    return count;
}

static void open_connection(struct ingest *ingest, int fd)
{
    uint32_t uid = UINT32_MAX;
    uint32_t pid = UINT32_MAX;
    unix_socket_peer(fd, &uid, &pid);
    if (ingest->stats.connections >= ingest->limits.connections)
        refuse(ingest, fd, "too many connections are open");
    else if (ingest->stats.connections >= ingest->limits.per_user &&
             count_of_user(ingest, uid) >= ingest->limits.per_user)
        refuse(ingest, fd, "this user has too many connections open");
    else
        connection_open(ingest, fd, uid, pid);
}

// No descriptor is left: one that was kept back lets us say so. Without it (or with no memory in the
// kernel) accepting rests for a moment, and the loop does not spin.
static void accept_on_reserve(struct ingest *ingest)
{
    int fd = -1;
    if (ingest->reserve_fd >= 0) {
        close(ingest->reserve_fd);
        fd = accept4(ingest->socket.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0)
            refuse(ingest, fd, "the engine has no file descriptor left");
        ingest->reserve_fd = open_reserve();
    }
    if (fd >= 0 && ingest->reserve_fd >= 0)
        return;
    ingest->is_accept_due = true;
    (void)uv_poll_stop(&ingest->poll);
    (void)uv_timer_start(&ingest->timer, on_timer, TIMER_MS, 0);
}

static void on_connectable(uv_poll_t *poll, int status, int events)
{
    struct ingest *ingest;
    CAST(ingest, poll->data, INGEST_MAGIC);
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept4(ingest->socket.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            open_connection(ingest, fd);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
            accept_on_reserve(ingest);
        if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct ingest *ingest;
    CAST(ingest, timer->data, INGEST_MAGIC);
    if (ingest->is_waiting_for_readers) {
        cut_unread(ingest);
        return;
    }
    if (ingest->is_accept_due && !ingest->is_draining) {
        ingest->is_accept_due = false;
        if (ingest->reserve_fd < 0)
            ingest->reserve_fd = open_reserve();
        (void)uv_poll_start(&ingest->poll, UV_READABLE, on_connectable);
    }
    connection_check_growing(ingest);
    (void)uv_timer_start(timer, on_timer, LOOK_MS, 0);
}

// ---- start -------------------------------------------------------------------------------------

// Half of the descriptors stay for sending and the rest of the engine, and no user takes all others.
static void fit_limits(struct ingest_limits *limits)
{
    struct rlimit files = {.rlim_cur = 1024};
    (void)getrlimit(RLIMIT_NOFILE, &files);
    if (limits->connections == 0) {
        rlim_t half = files.rlim_cur / 2;
        limits->connections = half < 8                 ? 8
                              : half > CONNECTIONS_MAX ? CONNECTIONS_MAX
                                                       : (uint32_t)half;
    }
    if (limits->per_user == 0)
        limits->per_user = limits->connections - limits->connections / 8;
}

static struct wire *make_wire(const struct config *config)
{
    struct wire_rules rules = {0};
    if (config->events.count > 0)
        rules = (struct wire_rules){config->events.items, config->events.count};
    return wire_new(&rules);
}

static void take_config(struct ingest *ingest, const struct config *config)
{
    int64_t patience = config->drain_timeout < PATIENCE_MS ? config->drain_timeout : PATIENCE_MS;
    ingest->wire = make_wire(config);
    ingest->patience_ms = (uint64_t)patience;
}

static enum err listen_there(struct unix_socket *socket, const struct config *config,
                             struct errmsg *message)
{
    char *end = NULL;
    unsigned long mode = strtoul(config->ingest_socket_mode, &end, 8);
    CHECK(end != config->ingest_socket_mode && *end == '\0'); // the option is checked
    struct unix_socket_options options = {
        .path = config->ingest_socket,
        .mode = (unsigned)mode & 0777,
        .group = config->ingest_socket_group,
        .name = "ingest",
    };
    return unix_socket_listen(socket, &options, message);
}

enum err ingest_start(struct ingest **out, uv_loop_t *loop, const struct config *config,
                      const struct ingest_env *env, struct errmsg *message)
{
    struct unix_socket socket;
    enum err err = listen_there(&socket, config, message);
    if (err != OK)
        return err;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL); // a producer that is gone shows as an error
    struct ingest *ingest = xcalloc(1, sizeof *ingest);
    ingest->magic = INGEST_MAGIC;
    ingest->loop = loop;
    ingest->env = *env;
    ingest->limits = env->limits != NULL ? *env->limits : ingest_limits;
    fit_limits(&ingest->limits);
    take_config(ingest, config);
    ingest->max_line = (size_t)config->max_event_bytes;
    ingest->socket = socket;
    ingest->reserve_fd = open_reserve();
    ingest->read_buffer = xmalloc(CONNECTION_READ_BYTES);
    list_init(&ingest->connections);
    list_init(&ingest->marked);
    list_init(&ingest->crowded);
    list_init(&ingest->growing);
    list_init(&ingest->orphans);
    ingest->poll.data = ingest->timer.data = ingest->turn.data = ingest;
    CHECK(uv_timer_init(loop, &ingest->timer) == 0);
    CHECK(uv_idle_init(loop, &ingest->turn) == 0);
    CHECK(uv_poll_init(loop, &ingest->poll, socket.fd) == 0);
    ingest->handles = 3;
    CHECK(uv_poll_start(&ingest->poll, UV_READABLE, on_connectable) == 0);
    CHECK(uv_timer_start(&ingest->timer, on_timer, LOOK_MS, 0) == 0);
    *out = ingest;
    return OK;
}

void ingest_reconfigure(struct ingest *ingest, const struct config *config)
{
    wire_free(ingest->wire);
    take_config(ingest, config);
}

void ingest_stats(const struct ingest *ingest, struct ingest_stats *out)
{
    *out = ingest->stats;
}

// ---- drain and stop ----------------------------------------------------------------------------

// A socket that was handed over stays open in systemd: who comes now waits for the next engine.
static void stop_listening(struct ingest *ingest)
{
    if (!uv_is_closing((uv_handle_t *)&ingest->poll))
        uv_close((uv_handle_t *)&ingest->poll, on_closed);
    unix_socket_close(&ingest->socket);
}

void ingest_drain(struct ingest *ingest, void (*on_drained)(void *context), void *context)
{
    CHECK(!ingest->is_draining);
    ingest->is_draining = true;
    ingest->on_drained = on_drained;
    ingest->drained_context = context;
    stop_listening(ingest);
    connection_turn_later(ingest); // never done before this returns
}

static void close_connections(struct ingest *ingest)
{
    LIST_FOREACH(node, &ingest->connections)
        connection_close(CONTAINER_OF(node, struct connection, node));
}

// How many producers have not taken all their replies; with `is_cut` they are closed.
static unsigned count_unread(struct ingest *ingest, bool is_cut)
{
    unsigned count = 0;
    LIST_FOREACH(node, &ingest->connections) {
        struct connection *c = CONTAINER_OF(node, struct connection, node);
        if (c->is_closing || connection_is_quiet(c))
            continue;
        count++;
        if (is_cut)
            connection_close(c);
    }
    return count;
}

static void cut_unread(struct ingest *ingest)
{
    unsigned count = count_unread(ingest, true);
    log_line(LOG_WARN, LOG_INGEST_AREA, "closed %u connections that did not read their replies",
             count);
    ingest_check_drained(ingest);
}

void ingest_check_drained(struct ingest *ingest)
{
    if (!ingest->is_draining || ingest->is_drained || ingest->is_stopping ||
        ingest->stats.waiting > 0)
        return;
    if (count_unread(ingest, false) > 0) {
        if (!ingest->is_waiting_for_readers)
            (void)uv_timer_start(&ingest->timer, on_timer, ingest->patience_ms, 0);
        ingest->is_waiting_for_readers = true;
        return;
    }
    (void)uv_timer_stop(&ingest->timer);
    ingest->is_drained = true;
    close_connections(ingest);
    ingest->on_drained(ingest->drained_context);
}

void ingest_stop(struct ingest *ingest, void (*on_stopped)(void *context), void *context)
{
    CHECK(!ingest->is_stopping);
    ingest->is_stopping = true;
    ingest->on_stopped = on_stopped;
    ingest->stopped_context = context;
    close_connections(ingest);
    struct list_node *node;
    while ((node = list_pop(&ingest->orphans)) != NULL)
        CONTAINER_OF(node, struct slot, node)->ingest = NULL;
    stop_listening(ingest);
    uv_close((uv_handle_t *)&ingest->timer, on_closed);
    uv_close((uv_handle_t *)&ingest->turn, on_closed);
}

static void on_closed(uv_handle_t *handle)
{
    struct ingest *ingest;
    CAST(ingest, handle->data, INGEST_MAGIC);
    ingest_handle_closed(ingest);
}

void ingest_handle_closed(struct ingest *ingest)
{
    if (--ingest->handles > 0)
        return;
    CHECK(ingest->is_stopping && list_is_empty(&ingest->connections));
    void (*on_stopped)(void *) = ingest->on_stopped;
    void *context = ingest->stopped_context;
    if (ingest->reserve_fd >= 0)
        close(ingest->reserve_fd);
    wire_free(ingest->wire);
    xfree(ingest->read_buffer);
    ingest->magic = 0;
    xfree(ingest);
    if (on_stopped != NULL)
        on_stopped(context);
}
