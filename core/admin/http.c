// SPDX-License-Identifier: MIT
// HTTP in: libmicrohttpd's epoll descriptors in uv_polls, its timeouts in a uv_timer; main only.
//
// In firing order: on_readable/on_timer → run → on_request (libmicrohttpd's) → the handler …
// http_answer → run → on_request (queues the answer) → on_completed.
#include "admin/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/unix_socket.h"

#define MAX_CONNECTIONS   1024
#define MAX_PER_CLIENT    128
#define CONNECTION_MEMORY (32 * 1024) // headers and buffers
#define MAX_ANSWER        (64 * 1024 * 1024)

// One accepted connection, for the timers.
struct client {
    struct list_node node;
    struct MHD_Connection *connection;
    int64_t since_ms;   // monotonic: when it was accepted, or its last answer was sent
    bool is_busy;       // a request is with the handler: not the client's fault
    bool is_in_request; // its head has arrived
};

struct door {
    struct http *http;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    bool is_unix;
};

struct http {
    uv_loop_t *loop;
    http_handler_fn *handler;
    void *context;
    struct door doors[2];
    size_t door_count;
    uv_timer_t timer; // libmicrohttpd's timeouts, and resumed connections
    uv_timer_t watch; // slow clients; runs only while there are clients
    struct list clients;
    struct unix_socket socket;
    int open_handles;
    bool is_stopping;
    void (*on_stopped)(void *context);
    void *stopped_context;
};

static void run(struct http *http);
static void on_timer(uv_timer_t *timer);

// ---- one request -------------------------------------------------------------------------------

static struct http_peer peer_of(struct MHD_Connection *connection, const struct door *door)
{
    struct http_peer peer = {door->is_unix, UINT32_MAX, UINT32_MAX};
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (door->is_unix && info != NULL)
        unix_socket_peer(info->connect_fd, &peer.uid, &peer.pid);
    return peer;
}

static struct client *client_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

static struct http_request *request_new(struct door *door, struct MHD_Connection *connection,
                                        const char *url, const char *method)
{
    struct http_request *request = xcalloc(1, sizeof *request);
    request->magic = HTTP_REQUEST_MAGIC;
    request->http = door->http;
    request->connection = connection;
    request->method = span_of(xstrdup(method));
    request->path = span_of(xstrdup(url));
    request->peer = peer_of(connection, door);
    buf_init(&request->body, HTTP_MAX_BODY);
    buf_init(&request->answer, MAX_ANSWER);
    return request;
}

static void request_free(struct http_request *request)
{
    buf_deinit(&request->body);
    buf_deinit(&request->answer);
    xfree((void *)(uintptr_t)request->method.at);
    xfree((void *)(uintptr_t)request->path.at);
    request->magic = 0;
    xfree(request);
}

static enum MHD_Result queue_answer(struct http_request *request)
{
    size_t len = 0;
    char *body = buf_take(&request->answer, &len);
    struct MHD_Response *response = MHD_create_response_from_buffer(
        len, body, body ? MHD_RESPMEM_MUST_COPY : MHD_RESPMEM_PERSISTENT);
    CHECK(response != NULL);
    xfree(body);
    if (request->content_type != NULL)
        (void)MHD_add_response_header(response, "Content-Type", request->content_type);
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (request->etag[0] != 0)
        (void)MHD_add_response_header(response, "ETag", request->etag);
    if (request->location[0] != 0)
        (void)MHD_add_response_header(response, "Location", request->location);
    enum MHD_Result result =
        MHD_queue_response(request->connection, (unsigned)request->status, response);
    MHD_destroy_response(response);
    return result;
}

void http_answer(struct http_request *request, int status, const char *content_type)
{
    CHECK(request->magic == HTTP_REQUEST_MAGIC && !request->is_answered);
    request->status = status;
    request->content_type = content_type;
    request->is_answered = true;
    if (!request->is_suspended)
        return; // on_request queues it
    request->is_suspended = false;
    MHD_resume_connection(request->connection);
    // Not from here: the caller may be in libmicrohttpd's or the store's callback.
    if (!uv_is_closing((uv_handle_t *)&request->http->timer))
        CHECK(uv_timer_start(&request->http->timer, on_timer, 0, 0) == 0);
}

static enum MHD_Result collect(struct http_request *request, const char *data, size_t *size)
{
    if (!request->is_too_large && buf_append(&request->body, data, *size) != OK)
        request->is_too_large = true; // the rest is read and dropped
    *size = 0;
    return MHD_YES;
}

// NOLINTNEXTLINE(readability-function-size): libmicrohttpd calls it so
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **state)
{
    struct door *door = context;
    struct http_request *request = *state;
    struct client *client = client_of(connection);
    (void)version;
    if (request == NULL) {
        *state = request_new(door, connection, url, method);
        if (client != NULL) {
            client->is_in_request = true;
            client->since_ms = clock_mono_ms();
        }
        return MHD_YES;
    }
    if (*size > 0)
        return collect(request, data, size);
    if (client != NULL)
        client->is_busy = true;
    if (!request->is_handled) {
        request->is_handled = true;
        door->http->handler(door->http->context, request);
        if (!request->is_answered) {
            request->is_suspended = true;
            MHD_suspend_connection(connection);
            return MHD_YES;
        }
    }
    if (client != NULL) { // from now on it is up to the client to read
        client->is_busy = false;
        client->since_ms = clock_mono_ms();
    }
    return queue_answer(request);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why)
{
    struct client *client = client_of(connection);
    (void)context;
    (void)why;
    if (client != NULL) {
        client->is_in_request = client->is_busy = false;
        client->since_ms = clock_mono_ms();
    }
    if (*state != NULL)
        request_free(*state);
    *state = NULL;
}

// ---- slow clients ------------------------------------------------------------------------------

static void on_watch(uv_timer_t *timer)
{
    struct http *http = timer->data;
    int64_t now = clock_mono_ms();
    LIST_FOREACH(node, &http->clients) {
        struct client *client = CONTAINER_OF(node, struct client, node);
        int64_t most = client->is_in_request ? HTTP_REQUEST_MS : HTTP_HEADER_MS;
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(client->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (client->is_busy || now - client->since_ms < most || info == NULL)
            continue;
        (void)shutdown(info->connect_fd, SHUT_RDWR); // libmicrohttpd sees the end and cleans up
    }
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct http *http = context;
    struct client *client = *socket_context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        client = xcalloc(1, sizeof *client);
        client->connection = connection;
        client->since_ms = clock_mono_ms();
        *socket_context = client;
        if (list_is_empty(&http->clients))
            CHECK(uv_timer_start(&http->watch, on_watch, 1000, 1000) == 0);
        list_append(&http->clients, &client->node);
        return;
    }
    list_remove(&client->node);
    xfree(client);
    *socket_context = NULL;
    if (list_is_empty(&http->clients) && !uv_is_closing((uv_handle_t *)&http->watch))
        uv_timer_stop(&http->watch);
}

// ---- the loop ----------------------------------------------------------------------------------

static void on_timer(uv_timer_t *timer)
{
    run(timer->data);
}

static void run(struct http *http)
{
    int64_t wait = -1;
    for (size_t i = 0; i < http->door_count; i++) {
        MHD_UNSIGNED_LONG_LONG ms;
        if (MHD_run(http->doors[i].daemon) != MHD_YES)
            log_line(LOG_ERROR, LOG_ADMIN_AREA, "the HTTP server has failed");
        if (MHD_get_timeout(http->doors[i].daemon, &ms) == MHD_YES &&
            (wait < 0 || (int64_t)ms < wait))
            wait = (int64_t)ms;
    }
    if (http->is_stopping)
        return;
    if (wait < 0)
        uv_timer_stop(&http->timer);
    else
        CHECK(uv_timer_start(&http->timer, on_timer, (uint64_t)wait, 0) == 0);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct door *door = poll->data;
    (void)status;
    (void)events;
    run(door->http);
}

// ---- starting ----------------------------------------------------------------------------------

static enum err open_tcp(const char *listen_at, int *out, struct errmsg *message)
{
    char host[256];
    const char *colon = strrchr(listen_at, ':');
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    size_t len = colon == NULL ? 0 : (size_t)(colon - listen_at);
    if (len >= 2 && listen_at[0] == '[' && listen_at[len - 1] == ']') {
        listen_at++;
        len -= 2;
    }
    if (colon == NULL || len >= sizeof host) {
        errmsg_set(message, "admin_listen \"%s\": an address and port is wanted, or none",
                   listen_at);
        return ERR_SYNTAX;
    }
    snprintf(host, sizeof host, "%.*s", (int)len, listen_at);
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0) {
        errmsg_set(message, "admin_listen: \"%s\" is no address", host);
        return ERR_SYNTAX;
    }
    int one = 1;
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CHECK(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    int failed = bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 128) != 0;
    int error = errno;
    freeaddrinfo(found);
    if (failed) {
        close(fd);
        errmsg_set(message,
                   "admin_listen %s:%s cannot be bound: %s (--admin-listen none turns it off)",
                   host, colon + 1, err_text(err_from_errno(error)));
        return err_from_errno(error);
    }
    *out = fd;
    return OK;
}

static enum err open_door(struct http *http, int fd, bool is_unix, struct errmsg *message)
{
    struct door *door = &http->doors[http->door_count];
    door->http = http;
    door->is_unix = is_unix;
    door->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, door,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CONNECTIONS,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)MAX_PER_CLIENT,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_END);
    if (door->daemon == NULL) {
        close(fd);
        errmsg_set(message, "the HTTP server cannot be started");
        return ERR_IO;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(door->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    CHECK(info != NULL && uv_poll_init(http->loop, &door->poll, info->epoll_fd) == 0);
    door->poll.data = door;
    CHECK(uv_poll_start(&door->poll, UV_READABLE, on_readable) == 0);
    http->door_count++;
    http->open_handles++;
    return OK;
}

enum err http_start(struct http **out, uv_loop_t *loop, const struct http_config *config,
                    http_handler_fn *handler, void *context, struct errmsg *message)
{
    struct http *http = xcalloc(1, sizeof *http);
    int fd = -1;
    http->loop = loop;
    http->handler = handler;
    http->context = context;
    list_init(&http->clients);
    CHECK(uv_timer_init(loop, &http->timer) == 0 && uv_timer_init(loop, &http->watch) == 0);
    http->timer.data = http->watch.data = http;
    http->open_handles = 2;
    struct unix_socket_options options = {
        .path = config->unix_path,
        .mode = 0666, // anybody may connect: the peer's uid decides
        .group = "",
        .name = "admin",
    };
    enum err err = unix_socket_listen(&http->socket, &options, message);
    if (err == OK)
        err = open_door(http, http->socket.fd, true, message);
    if (err == OK && config->tcp_listen != NULL) {
        err = open_tcp(config->tcp_listen, &fd, message);
        if (err == OK)
            err = open_door(http, fd, false, message);
    }
    if (err != OK)
        return err; // the process ends
    *out = http;
    return OK;
}

const char *http_query(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *http_header_in(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

struct each {
    void (*on_argument)(void *context, const char *name, const char *value);
    void *context;
};

static enum MHD_Result on_value(void *context, enum MHD_ValueKind kind, const char *name,
                                const char *value)
{
    struct each *each = context;
    (void)kind;
    each->on_argument(each->context, name, value);
    return MHD_YES;
}

void http_each_query(const struct http_request *request,
                     void (*on_argument)(void *context, const char *name, const char *value),
                     void *context)
{
    struct each each = {on_argument, context};
    (void)MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, on_value, &each);
}

// ---- stopping ----------------------------------------------------------------------------------

static void on_closed(uv_handle_t *handle)
{
    struct http *http = handle->data;
    if (--http->open_handles > 0)
        return;
    for (size_t i = 0; i < http->door_count; i++)
        MHD_stop_daemon(http->doors[i].daemon);
    http->socket.fd = -1; // the daemon has closed it
    unix_socket_close(&http->socket);
    void (*on_stopped)(void *context) = http->on_stopped;
    void *context = http->stopped_context;
    xfree(http);
    if (on_stopped != NULL)
        on_stopped(context);
}

void http_stop(struct http *http, void (*on_stopped)(void *context), void *context)
{
    http->on_stopped = on_stopped;
    http->stopped_context = context;
    run(http); // what has been answered goes out
    http->is_stopping = true;
    for (size_t i = 0; i < http->door_count; i++) {
        http->doors[i].poll.data = http;
        uv_close((uv_handle_t *)&http->doors[i].poll, on_closed);
    }
    uv_close((uv_handle_t *)&http->timer, on_closed);
    uv_close((uv_handle_t *)&http->watch, on_closed);
}
