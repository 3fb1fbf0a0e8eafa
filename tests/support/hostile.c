// SPDX-License-Identifier: MIT
// The misbehaving server: an accepting thread, and one for each connection.
#include "support/hostile.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CONNECTIONS 4096
#define MAX_REQUEST     (4 << 20)

struct connection {
    struct hostile *server;
    pthread_t thread;
    int fd;
    char *request; // MAX_REQUEST + 1 bytes
    size_t len;
};

struct hostile {
    const struct hostile_reply *replies;
    int listener;
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t lock; // guards all below
    struct connection *connections[MAX_CONNECTIONS];
    unsigned count; // of them
    unsigned open;  // not closed yet
    unsigned requests;
    uint32_t peer; // of the newest connection
    char *request; // the newest
    size_t request_len;
    char *shown; // what hostile_request gave out
    bool is_stopping;
};

static bool is_stopping(struct hostile *server)
{
    pthread_mutex_lock(&server->lock);
    bool stopping = server->is_stopping;
    pthread_mutex_unlock(&server->lock);
    return stopping;
}

static bool send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

// Bytes of the first complete request in the buffer; 0: not yet.
static size_t complete(struct connection *c)
{
    c->request[c->len] = '\0';
    char *end = strstr(c->request, "\r\n\r\n");
    if (end == NULL)
        return 0;
    size_t head = (size_t)(end - c->request) + 4;
    char *length = strcasestr(c->request, "\r\nContent-Length:");
    size_t body = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
    return c->len >= head + body ? head + body : 0;
}

static bool read_some(struct connection *c)
{
    assert(c->len < MAX_REQUEST);
    ssize_t n = recv(c->fd, c->request + c->len, MAX_REQUEST - c->len, 0);
    if (n <= 0)
        return false;
    c->len += (size_t)n;
    return true;
}

static void note_request(struct connection *c, size_t len)
{
    struct hostile *server = c->server;
    pthread_mutex_lock(&server->lock);
    server->requests++;
    server->request = realloc(server->request, len + 1);
    assert(server->request != NULL);
    memcpy(server->request, c->request, len);
    server->request[len] = '\0';
    server->request_len = len;
    pthread_mutex_unlock(&server->lock);
}

static const struct hostile_reply *choose(struct connection *c)
{
    static const struct hostile_reply fine = {"", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                                              HOSTILE_KEEP};
    const char *path = strchr(c->request, ' ');
    assert(path != NULL);
    size_t len = strcspn(++path, " ?");
    for (const struct hostile_reply *r = c->server->replies; r->path != NULL; r++) {
        if (strlen(r->path) == len && memcmp(r->path, path, len) == 0)
            return r;
    }
    return &fine;
}

static void make_reset(int fd)
{
    struct linger now = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

// True: on with the next request.
static bool act(struct connection *c, const struct hostile_reply *reply)
{
    size_t len = strlen(reply->bytes);
    if (reply->then == HOSTILE_KEEP)
        return true;
    if (reply->then == HOSTILE_ONCE || reply->then == HOSTILE_ONCE_RST) {
        while (complete(c) == 0 && read_some(c)) {
        }
        if (complete(c) > 0)
            note_request(c, complete(c));
    }
    if (reply->then == HOSTILE_RESET || reply->then == HOSTILE_ONCE_RST)
        make_reset(c->fd);
    while (reply->then == HOSTILE_HANG && read_some(c))
        c->len = 0;
    while (reply->then == HOSTILE_FLOOD && send_all(c->fd, reply->bytes, len)) {
    }
    while (reply->then == HOSTILE_DRIP && !is_stopping(c->server) &&
           send_all(c->fd, reply->bytes + len - 1, 1))
        poll(NULL, 0, 20);
    return false;
}

static void *serve(void *context)
{
    struct connection *c = context;
    for (;;) {
        size_t len = complete(c);
        if (len == 0) {
            if (!read_some(c))
                break;
            continue;
        }
        note_request(c, len);
        const struct hostile_reply *reply = choose(c);
        memmove(c->request, c->request + len, c->len - len);
        c->len -= len;
        if (!send_all(c->fd, reply->bytes, strlen(reply->bytes)) || !act(c, reply))
            break;
    }
    pthread_mutex_lock(&c->server->lock);
    close(c->fd);
    c->fd = -1;
    c->server->open--;
    pthread_mutex_unlock(&c->server->lock);
    free(c->request);
    return NULL;
}

static void *accept_all(void *context)
{
    struct hostile *server = context;
    for (;;) {
        struct sockaddr_in peer;
        socklen_t peer_len = sizeof peer;
        int fd = accept(server->listener, (struct sockaddr *)&peer, &peer_len);
        if (fd < 0 && errno == EMFILE) { // a test of that
            poll(NULL, 0, 10);
            continue;
        }
        if (fd < 0)
            return NULL;
        struct connection *c = calloc(1, sizeof *c);
        assert(c != NULL);
        c->server = server;
        c->fd = fd;
        c->request = malloc(MAX_REQUEST + 1);
        assert(c->request != NULL);
        pthread_mutex_lock(&server->lock);
        assert(server->count < MAX_CONNECTIONS);
        server->connections[server->count++] = c;
        server->open++;
        server->peer = ntohl(peer.sin_addr.s_addr);
        pthread_mutex_unlock(&server->lock);
        if (pthread_create(&c->thread, NULL, serve, c) != 0)
            abort();
    }
}

struct hostile *hostile_start(const struct hostile_reply *replies)
{
    struct hostile *server = calloc(1, sizeof *server);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int one = 1;
    if (server == NULL)
        abort();
    server->replies = replies;
    pthread_mutex_init(&server->lock, NULL);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(server->listener, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(server->listener, 512) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&at, &len) != 0)
        abort();
    server->port = ntohs(at.sin_port);
    if (pthread_create(&server->thread, NULL, accept_all, server) != 0)
        abort();
    return server;
}

void hostile_stop(struct hostile *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    pthread_mutex_lock(&server->lock);
    server->is_stopping = true;
    for (unsigned i = 0; i < server->count; i++) {
        if (server->connections[i]->fd >= 0)
            shutdown(server->connections[i]->fd, SHUT_RDWR);
    }
    pthread_mutex_unlock(&server->lock);
    for (unsigned i = 0; i < server->count; i++) {
        pthread_join(server->connections[i]->thread, NULL);
        free(server->connections[i]);
    }
    pthread_mutex_destroy(&server->lock);
    free(server->request);
    free(server->shown);
    free(server);
}

uint16_t hostile_port(const struct hostile *server)
{
    return server->port;
}

static unsigned locked(struct hostile *server, const unsigned *number)
{
    pthread_mutex_lock(&server->lock);
    unsigned copy = *number;
    pthread_mutex_unlock(&server->lock);
    return copy;
}

unsigned hostile_connections(struct hostile *server)
{
    return locked(server, &server->count);
}

unsigned hostile_requests(struct hostile *server)
{
    return locked(server, &server->requests);
}

uint32_t hostile_peer(struct hostile *server)
{
    pthread_mutex_lock(&server->lock);
    uint32_t peer = server->peer;
    pthread_mutex_unlock(&server->lock);
    return peer;
}

const char *hostile_request(struct hostile *server, size_t *len)
{
    pthread_mutex_lock(&server->lock);
    free(server->shown);
    server->shown = malloc(server->request_len + 1);
    if (server->shown == NULL || server->request == NULL)
        abort();
    memcpy(server->shown, server->request, server->request_len + 1);
    *len = server->request_len;
    pthread_mutex_unlock(&server->lock);
    return server->shown;
}

bool hostile_is_quiet(struct hostile *server)
{
    for (int i = 0; i < 500; i++) {
        if (locked(server, &server->open) == 0)
            return true;
        poll(NULL, 0, 10);
    }
    return false;
}
