// SPDX-License-Identifier: MIT
// What libcurl can do at its best on one thread: the limit that deliveries per second are held against.
//
// limit PORT [REQUESTS [HOSTS]]: POSTs of 1 KiB to 127.0.x.y:PORT, 64 in flight, connections kept,
// easy handles reused, sockets left in the poll set, targets sharded over multi handles when there
// are many, libcurl's own DNS ageing off. Prints requests per second and CPU seconds per 10,000.
#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define IN_FLIGHT  64
#define BODY_BYTES 1024
#define MAX_MULTIS 64
#define MAX_FDS    65536
#define MAX_EVENTS 256

// A socket in the poll set, by descriptor.
struct watch {
    uint32_t wanted; // EPOLL*: what libcurl waits for; 0: nothing
    uint32_t armed;  // what the kernel watches
    unsigned multi;
};

static struct {
    CURLM *multis[MAX_MULTIS];
    int64_t due_ns[MAX_MULTIS]; // INT64_MAX: no timer
    bool is_dirty[MAX_MULTIS];
    unsigned multi_count;
    struct watch watches[MAX_FDS];
    int epoll;
    int64_t now_ns; // of this turn
    char **urls;
    unsigned long hosts, wanted, started, done, failed;
    char body[BODY_BYTES];
    struct curl_slist *headers;
} all;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

// ---- callbacks -------------------------------------------------------------------

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *multi, void *unused)
{
    struct watch *watch = &all.watches[fd];
    (void)easy;
    (void)unused;
    watch->multi = (unsigned)(uintptr_t)multi;
    watch->wanted = what == CURL_POLL_REMOVE ? 0
                                             : ((what & CURL_POLL_IN) ? EPOLLIN : 0U) |
                                                   ((what & CURL_POLL_OUT) ? EPOLLOUT : 0U);
    if (watch->wanted == 0 || watch->wanted == watch->armed)
        return 0;
    struct epoll_event event = {.events = watch->wanted, .data.fd = fd};
    epoll_ctl(all.epoll, watch->armed != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
    watch->armed = watch->wanted;
    return 0;
}

static int on_close(void *unused, curl_socket_t fd)
{
    (void)unused;
    all.watches[fd] = (struct watch){0};
    return close(fd);
}

static int on_timer(CURLM *handle, long timeout_ms, void *multi)
{
    (void)handle;
    all.due_ns[(uintptr_t)multi] = timeout_ms < 0 ? INT64_MAX : all.now_ns + timeout_ms * 1000000LL;
    return 0;
}

static size_t on_body(char *bytes, size_t size, size_t len, void *unused)
{
    (void)bytes;
    (void)unused;
    return size * len;
}

// ---- requests --------------------------------------------------------------------

static void start(CURL *easy)
{
    unsigned long number = all.started++;
    unsigned long host = number % all.hosts;
    if (number < IN_FLIGHT || all.hosts > 1)
        curl_easy_setopt(easy, CURLOPT_URL, all.urls[host]);
    curl_multi_add_handle(all.multis[host % all.multi_count], easy);
}

static CURL *make_easy(void)
{
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, all.body);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)BODY_BYTES);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, all.headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 1024L);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, -1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 30000L);
    return easy;
}

static void take_finished(unsigned multi)
{
    CURLMsg *message = NULL;
    int left = 0;
    all.is_dirty[multi] = false;
    while ((message = curl_multi_info_read(all.multis[multi], &left)) != NULL) {
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result;
        long status = 0;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        all.failed += result != CURLE_OK || status != 200;
        all.done++;
        curl_multi_remove_handle(all.multis[multi], easy);
        if (all.started < all.wanted)
            start(easy);
        else
            curl_easy_cleanup(easy);
    }
}

// ---- the loop --------------------------------------------------------------------

static int wait_ms(void)
{
    int64_t due_ns = INT64_MAX;
    for (unsigned i = 0; i < all.multi_count; i++) {
        if (all.due_ns[i] < due_ns)
            due_ns = all.due_ns[i];
    }
    if (due_ns == INT64_MAX)
        return -1;
    int64_t now = now_ns();
    return due_ns <= now ? 0 : (int)((due_ns - now + 999999) / 1000000);
}

static void on_event(const struct epoll_event *event)
{
    struct watch *watch = &all.watches[event->data.fd];
    int running = 0;
    if (watch->wanted == 0) { // a kept connection that has nothing to say to anybody
        epoll_ctl(all.epoll, EPOLL_CTL_DEL, event->data.fd, NULL);
        watch->armed = 0;
        return;
    }
    int flags = ((event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) ? CURL_CSELECT_IN : 0) |
                ((event->events & EPOLLOUT) ? CURL_CSELECT_OUT : 0);
    all.is_dirty[watch->multi] = true;
    curl_multi_socket_action(all.multis[watch->multi], event->data.fd, flags, &running);
}

static void turn(void)
{
    struct epoll_event events[MAX_EVENTS];
    int running = 0;
    int count = epoll_wait(all.epoll, events, MAX_EVENTS, wait_ms());
    all.now_ns = now_ns();
    for (int i = 0; i < count; i++)
        on_event(&events[i]);
    for (unsigned i = 0; i < all.multi_count; i++) {
        if (all.due_ns[i] > all.now_ns)
            continue;
        all.due_ns[i] = INT64_MAX;
        all.is_dirty[i] = true;
        curl_multi_socket_action(all.multis[i], CURL_SOCKET_TIMEOUT, 0, &running);
    }
    for (unsigned i = 0; i < all.multi_count; i++) {
        if (all.is_dirty[i])
            take_finished(i);
    }
}

static void set_up(const char *port)
{
    char url[64];
    curl_global_init(CURL_GLOBAL_ALL);
    memset(all.body, 'x', sizeof all.body);
    all.headers = curl_slist_append(NULL, "Content-Type: application/json");
    all.headers = curl_slist_append(all.headers, "webhook-id: evt_000000000001");
    all.headers = curl_slist_append(all.headers, "webhook-timestamp: 1700000000");
    all.headers = curl_slist_append(
        all.headers, "webhook-signature: v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=");
    all.urls = calloc(all.hosts, sizeof *all.urls);
    for (unsigned long i = 0; i < all.hosts; i++) {
        snprintf(url, sizeof url, "http://127.0.%lu.%lu:%s/hook", i / 250 % 250, i % 250 + 1, port);
        all.urls[i] = strdup(url);
    }
    all.epoll = epoll_create1(EPOLL_CLOEXEC);
    all.multi_count = all.hosts > 100 ? MAX_MULTIS : 1;
    for (unsigned i = 0; i < all.multi_count; i++) {
        CURLM *multi = all.multis[i] = curl_multi_init();
        void *number = (void *)(uintptr_t)i; // NOLINT(performance-no-int-to-ptr): a number
        all.due_ns[i] = INT64_MAX;
        curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS,
                          (long)(all.hosts / all.multi_count + IN_FLIGHT));
        curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
        curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, number);
        curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
        curl_multi_setopt(multi, CURLMOPT_TIMERDATA, number);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: limit PORT [REQUESTS [HOSTS]]\n");
        return 2;
    }
    all.wanted = argc > 2 ? strtoul(argv[2], NULL, 10) : 150000;
    all.hosts = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
    set_up(argv[1]);
    int64_t start_ns = all.now_ns = now_ns();
    double cpu = cpu_seconds();
    for (unsigned i = 0; i < IN_FLIGHT && all.started < all.wanted; i++)
        start(make_easy());
    while (all.done < all.wanted)
        turn();
    double seconds = (double)(now_ns() - start_ns) / 1e9;
    printf("limit posts_per_s=%.0f cpu_s_per_10k=%.3f failed=%lu hosts=%lu\n",
           (double)all.done / seconds, (cpu_seconds() - cpu) / (double)all.done * 1e4, all.failed,
           all.hosts);
    return all.failed > 0;
}
