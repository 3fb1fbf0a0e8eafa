// SPDX-License-Identifier: MIT
// A producer that keeps a bounded number of events between itself and the target, for benchmarks.
//
// load SOCKET NGINX_PORT EVENTS WINDOW FILE: writes EVENTS lines to the ingest socket, those of FILE
// in turn, never more than WINDOW ahead of what nginx has answered (its stub_status page counts
// that at the target itself, so nothing of the engine's own figures is believed). Prints events per
// second from the first line to the last POST. `load SOCKET 0 EVENTS WINDOW FILE` counts replies.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MAX_LINE       65536
#define MAX_TEXT       (32 << 20) // bytes of all lines
#define STATUS_REQUEST "GET /status HTTP/1.1\r\nHost: x\r\n\r\n"

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        die(path);
    return fd;
}

static int connect_tcp(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        die("nginx");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

// Requests that nginx has handled, without the ones for this page.
static long handled(int fd, long *polls)
{
    char text[2048];
    size_t len = 0;
    if (write(fd, STATUS_REQUEST, sizeof STATUS_REQUEST - 1) < 0)
        die("status");
    for (;;) {
        ssize_t n = read(fd, text + len, sizeof text - 1 - len);
        if (n <= 0)
            die("status");
        len += (size_t)n;
        text[len] = 0;
        const char *counts = strstr(text, "requests\n");
        if (counts == NULL || strstr(counts, "Writing") == NULL)
            continue;
        long accepts, connections, requests;
        if (sscanf(counts + 9, " %ld %ld %ld", &accepts, &connections, &requests) != 3)
            continue;
        ++*polls;
        return requests - *polls;
    }
}

// Reads what replies there are; counts those that say ok.
static void read_replies(int fd, long *replies, long *refused)
{
    static char text[65536];
    ssize_t n;
    while ((n = recv(fd, text, sizeof text, MSG_DONTWAIT)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            *replies += text[i] == '\n';
        for (char *at = text; (at = memmem(at, (size_t)(text + n - at), "\"ok\":false", 10));
             at += 10)
            ++*refused;
    }
    if (n == 0 || (n < 0 && errno != EAGAIN))
        die("ingest socket");
}

// The events: lines that are written in turn, again and again.
static struct {
    char text[MAX_TEXT];
    size_t len, at;
} events;

static size_t take_line(const char **line)
{
    *line = events.text + events.at;
    const char *end = memchr(*line, '\n', events.len - events.at);
    size_t len = (size_t)(end - *line) + 1;
    events.at = (events.at + len) % events.len;
    return len;
}

static void write_lines(int fd, long count)
{
    static char block[1 << 20];
    const char *line = NULL;
    while (count > 0) {
        size_t used = 0;
        for (; count > 0 && used + MAX_LINE <= sizeof block; count--) {
            size_t len = take_line(&line);
            memcpy(block + used, line, len);
            used += len;
        }
        for (size_t at = 0; at < used;) {
            ssize_t n = write(fd, block + at, used - at);
            if (n < 0)
                die("ingest socket");
            at += (size_t)n;
        }
    }
}

static void read_events(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        die(path);
    events.len = fread(events.text, 1, sizeof events.text - 1, file);
    fclose(file);
    while (events.len > 0 && events.text[events.len - 1] == '\n')
        events.len--;
    events.text[events.len++] = '\n';
    const char *line = NULL;
    do {
        if (take_line(&line) > MAX_LINE) {
            fprintf(stderr, "load: a line of %s is longer than %d bytes\n", path, MAX_LINE);
            exit(2);
        }
    } while (events.at != 0);
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: load SOCKET NGINX_PORT EVENTS WINDOW FILE\n");
        return 2;
    }
    long wanted = atol(argv[3]), window = atol(argv[4]);
    long sent = 0, done = 0, replies = 0, refused = 0, polls = 0;
    read_events(argv[5]);
    int port = atoi(argv[2]);
    int ingest = connect_unix(argv[1]);
    int status = port > 0 ? connect_tcp(port) : -1;
    long before = port > 0 ? handled(status, &polls) : 0;
    int64_t start = now_ns(), last = start;
    while (done < wanted) {
        long free_places = window - (sent - done);
        if (free_places > wanted - sent)
            free_places = wanted - sent;
        if (free_places > 0) {
            write_lines(ingest, free_places);
            sent += free_places;
        }
        struct pollfd wait = {.fd = ingest, .events = POLLIN};
        (void)poll(&wait, 1, 1);
        read_replies(ingest, &replies, &refused);
        long now_done = port > 0 ? handled(status, &polls) - before : replies;
        if (now_done > done)
            last = now_ns();
        done = now_done;
        if (now_ns() - last > 30000000000LL) {
            fprintf(stderr, "load: no progress for 30 s at %ld of %ld\n", done, wanted);
            return 1;
        }
        if (port > 0 && free_places <= 0)
            usleep(300);
    }
    printf("load events_per_s=%.0f seconds=%.3f refused=%ld\n",
           (double)wanted / ((double)(last - start) / 1e9), (double)(last - start) / 1e9, refused);
    return refused > 0;
}
