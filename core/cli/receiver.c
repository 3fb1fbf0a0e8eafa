// SPDX-License-Identifier: MIT
// A small HTTP/1.1 server on a uv loop, for grapnel listen; the main thread.
//
// Of one request, in firing order: on_connection → on_alloc → on_read → on_delayed → on_written,
// and at the end of a connection on_connection_closed.
#include "cli/receiver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>

#include "base/list.h"
#include "base/mem.h"

#define READ_BYTES     65536
#define BACKLOG        1024
#define MAX_ANSWER     512
#define ANSWER_BODY    "grapnel listen answers with this status, as it was told\n"

#define RECEIVER_MAGIC 0x52435652u
struct receiver {
    uint32_t magic;
    struct receiver_config config;
    uv_tcp_t listener;
    struct list connections; // owned
    size_t connection_count;
    char url[128];
    bool is_over;     // the last request has come
    bool is_stopping; // all handles are closing
    bool is_listener_closed;
};

#define CONNECTION_MAGIC 0x434f4e4eu
struct connection {
    uint32_t magic;
    struct receiver *receiver;
    struct list_node node; // receiver's
    uv_tcp_t tcp;
    uv_timer_t delay;
    uv_write_t write;
    struct buf in; // owned; what came and is not answered yet
    struct incoming request;
    struct receiver_answer answer;
    size_t used;          // bytes of `in` that the current request takes
    char out[MAX_ANSWER]; // the answer
    char remote[64];
    bool is_answering, is_closing, has_said_continue;
    int open_handles;
};

static void on_connection(uv_stream_t *listener, int status);
static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *out);
static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *bytes);
static void on_delayed(uv_timer_t *timer);
static void on_written(uv_write_t *write, int status);
static void on_connection_closed(uv_handle_t *handle);

// ---- ending ------------------------------------------------------------------------------------

static void finish_if_empty(struct receiver *receiver)
{
    if (!receiver->is_stopping || !receiver->is_listener_closed || receiver->connection_count > 0)
        return;
    void (*on_done)(void *context) = receiver->config.on_done;
    void *context = receiver->config.context;
    xfree(receiver);
    on_done(context);
}

static void on_connection_closed(uv_handle_t *handle)
{
    struct connection *c;
    CAST(c, handle->data, CONNECTION_MAGIC);
    if (--c->open_handles > 0)
        return;
    struct receiver *receiver = c->receiver;
    list_remove(&c->node);
    receiver->connection_count--;
    buf_deinit(&c->in);
    incoming_deinit(&c->request);
    xfree(c);
    finish_if_empty(receiver);
}

static void close_connection(struct connection *c)
{
    if (c->is_closing)
        return;
    c->is_closing = true;
    uv_close((uv_handle_t *)&c->tcp, on_connection_closed);
    uv_close((uv_handle_t *)&c->delay, on_connection_closed);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct receiver *receiver;
    CAST(receiver, handle->data, RECEIVER_MAGIC);
    receiver->is_listener_closed = true;
    finish_if_empty(receiver);
}

void receiver_stop(struct receiver *receiver)
{
    if (receiver->is_stopping)
        return;
    receiver->is_stopping = receiver->is_over = true;
    uv_close((uv_handle_t *)&receiver->listener, on_listener_closed);
    LIST_FOREACH(node, &receiver->connections)
        close_connection(CONTAINER_OF(node, struct connection, node));
}

// ---- answering ---------------------------------------------------------------------------------

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {410, "Gone"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "As Told";
}

static void send_answer(struct connection *c)
{
    int status = c->answer.status;
    bool has_body = status >= 300 && status != 304 && !span_is(c->request.method, "HEAD");
    const char *connection = c->request.wants_close ? "Connection: close\r\n" : "";
    int len = 0;
    if (status == 204 || status == 304)
        len = snprintf(c->out, sizeof c->out, "HTTP/1.1 %d %s\r\n%s\r\n", status, reason_of(status),
                       connection);
    else
        len = snprintf(c->out, sizeof c->out,
                       "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: "
                       "%zu\r\n%s\r\n%s",
                       status, reason_of(status), has_body ? sizeof ANSWER_BODY - 1 : 0, connection,
                       has_body ? ANSWER_BODY : "");
    uv_buf_t bytes = uv_buf_init(c->out, (unsigned)len);
    c->write.data = c;
    if (uv_write(&c->write, (uv_stream_t *)&c->tcp, &bytes, 1, on_written) != 0)
        close_connection(c);
}

static void on_delayed(uv_timer_t *timer)
{
    struct connection *c;
    CAST(c, timer->data, CONNECTION_MAGIC);
    struct receiver *receiver = c->receiver;
    if (!c->answer.is_dropped) {
        send_answer(c);
        return;
    }
    bool is_last = c->answer.is_last;
    close_connection(c);
    if (is_last)
        receiver_stop(receiver);
}

static void look_for_request(struct connection *c);

static void on_written(uv_write_t *write, int status)
{
    struct connection *c;
    CAST(c, write->data, CONNECTION_MAGIC);
    c->is_answering = false;
    if (c->answer.is_last) {
        receiver_stop(c->receiver);
        return;
    }
    if (status != 0 || c->request.wants_close || c->is_closing) {
        close_connection(c);
        return;
    }
    buf_consume(&c->in, c->used);
    c->has_said_continue = false;
    if (uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) != 0)
        close_connection(c);
    else
        look_for_request(c);
}

// ---- requests ----------------------------------------------------------------------------------

static void refuse(struct connection *c, const struct errmsg *message)
{
    fprintf(stderr, "%s: %s\n", c->remote, message->text);
    close_connection(c);
}

static void take_request(struct connection *c)
{
    struct receiver *receiver = c->receiver;
    if (receiver->is_over)
        return; // the last one is being answered
    c->is_answering = true;
    c->answer = (struct receiver_answer){.status = 204};
    (void)uv_read_stop((uv_stream_t *)&c->tcp);
    receiver->config.on_request(receiver->config.context, &c->request, c->remote, &c->answer);
    receiver->is_over = c->answer.is_last;
    if (uv_timer_start(&c->delay, on_delayed, (uint64_t)c->answer.delay_ms, 0) != 0)
        close_connection(c);
}

static void look_for_request(struct connection *c)
{
    struct errmsg message;
    enum incoming_state state = incoming_parse(&c->request, buf_span(&c->in), &c->used, &message);
    if (state == INCOMING_BAD) {
        refuse(c, &message);
    } else if (state == INCOMING_DONE) {
        take_request(c);
    } else if (c->request.line.len > 0 && c->request.expects_continue && !c->has_said_continue) {
        char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
        uv_buf_t bytes = uv_buf_init(text, sizeof text - 1);
        c->has_said_continue = true;
        if (uv_try_write((uv_stream_t *)&c->tcp, &bytes, 1) != (int)(sizeof text - 1))
            close_connection(c);
    }
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
    struct connection *c;
    CAST(c, handle->data, CONNECTION_MAGIC);
    (void)wanted;
    char *room = buf_reserve(&c->in, READ_BYTES);
    *out = uv_buf_init(room, room == NULL ? 0 : READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *bytes)
{
    struct connection *c;
    CAST(c, stream->data, CONNECTION_MAGIC);
    (void)bytes;
    if (count < 0) {
        close_connection(c);
        return;
    }
    buf_commit(&c->in, (size_t)count);
    if (!c->is_answering)
        look_for_request(c);
}

// ---- connections -------------------------------------------------------------------------------

static void print_address(const struct sockaddr_storage *address, char *out, size_t size)
{
    char text[INET6_ADDRSTRLEN] = "";
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)address;
        (void)uv_ip6_name(in6, text, sizeof text);
        snprintf(out, size, "[%s]:%u", text, ntohs(in6->sin6_port));
    } else {
        const struct sockaddr_in *in = (const void *)address;
        (void)uv_ip4_name(in, text, sizeof text);
        snprintf(out, size, "%s:%u", text, ntohs(in->sin_port));
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct receiver *receiver;
    CAST(receiver, listener->data, RECEIVER_MAGIC);
    if (status != 0 || receiver->is_stopping)
        return;
    struct connection *c = xcalloc(1, sizeof *c);
    struct sockaddr_storage peer;
    int size = sizeof peer;
    *c = (struct connection){.magic = CONNECTION_MAGIC, .receiver = receiver, .open_handles = 2};
    buf_init(&c->in, INCOMING_MAX_HEAD + INCOMING_MAX_BODY + 2 * READ_BYTES);
    incoming_init(&c->request);
    CHECK(uv_tcp_init(listener->loop, &c->tcp) == 0);
    CHECK(uv_timer_init(listener->loop, &c->delay) == 0);
    c->tcp.data = c->delay.data = c;
    list_append(&receiver->connections, &c->node);
    receiver->connection_count++;
    if (uv_accept(listener, (uv_stream_t *)&c->tcp) != 0 ||
        receiver->connection_count > RECEIVER_MAX_CONNECTIONS ||
        uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&peer, &size) != 0 ||
        uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) != 0) {
        close_connection(c);
        return;
    }
    (void)uv_tcp_nodelay(&c->tcp, 1);
    print_address(&peer, c->remote, sizeof c->remote);
}

// ---- starting ----------------------------------------------------------------------------------

// "ADDR:PORT", "[ADDR]:PORT", ":PORT" or "PORT" to host and port.
static bool split_address(const char *text, char host[256], char port[16])
{
    const char *colon = strrchr(text, ':');
    const char *number = colon != NULL ? colon + 1 : text;
    size_t len = colon != NULL ? (size_t)(colon - text) : 0;
    uint64_t value = 0;
    if (len > 1 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (!span_to_uint64(span_of(number), &value) || value > 65535 || len >= 256)
        return false;
    snprintf(host, 256, "%.*s", len > 0 ? (int)len : 9, len > 0 ? text : "127.0.0.1");
    snprintf(port, 16, "%u", (unsigned)value);
    return true;
}

static enum err resolve(const char *text, struct sockaddr_storage *out, struct errmsg *message)
{
    char host[256];
    char port[16];
    struct addrinfo *found = NULL;
    const struct addrinfo want = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    if (!split_address(text, host, port)) {
        errmsg_set(message, "\"%.80s\" is no ADDR:PORT such as 127.0.0.1:8000", text);
        return ERR_SYNTAX;
    }
    int result = getaddrinfo(host, port, &want, &found);
    if (result != 0) {
        errmsg_set(message, "%.80s: %s", host, gai_strerror(result));
        return ERR_NOT_FOUND;
    }
    memcpy(out, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return OK;
}

static enum err listen_at(struct receiver *receiver, const struct sockaddr_storage *address,
                          struct errmsg *message)
{
    struct sockaddr_storage bound;
    int size = sizeof bound;
    char text[64];
    int result = uv_tcp_bind(&receiver->listener, (const struct sockaddr *)address, 0);
    if (result == 0)
        result = uv_listen((uv_stream_t *)&receiver->listener, BACKLOG, on_connection);
    if (result == 0)
        result = uv_tcp_getsockname(&receiver->listener, (struct sockaddr *)&bound, &size);
    if (result != 0) {
        errmsg_set(message, "cannot listen at %s: %s", receiver->config.address,
                   uv_strerror(result));
        return ERR_IO;
    }
    print_address(&bound, text, sizeof text);
    snprintf(receiver->url, sizeof receiver->url, "http://%s/", text);
    return OK;
}

static void on_failed_closed(uv_handle_t *handle)
{
    xfree(handle->data);
}

enum err receiver_start(struct receiver **out, uv_loop_t *loop,
                        const struct receiver_config *config, struct errmsg *message)
{
    struct sockaddr_storage address = {0};
    enum err err = resolve(config->address, &address, message);
    if (err != OK)
        return err;
    struct receiver *receiver = xcalloc(1, sizeof *receiver);
    receiver->magic = RECEIVER_MAGIC;
    receiver->config = *config;
    list_init(&receiver->connections);
    CHECK(uv_tcp_init(loop, &receiver->listener) == 0);
    receiver->listener.data = receiver;
    err = listen_at(receiver, &address, message);
    if (err != OK) {
        uv_close((uv_handle_t *)&receiver->listener, on_failed_closed);
        return err;
    }
    *out = receiver;
    return OK;
}

const char *receiver_url(const struct receiver *receiver)
{
    return receiver->url;
}
