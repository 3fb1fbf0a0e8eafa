// SPDX-License-Identifier: MIT
// What the senders can do by themselves: attempts made, sent and freed as fast as they come back.
//
// sender_bench PORT [REQUESTS [HOSTS [THREADS [MULTIS]]]]: like tests/bench/limit.c, through core/send. Prints
// requests per second and CPU seconds per 10,000, of the whole process and of the main thread.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "send/sender.h"

#define IN_FLIGHT  64
#define BODY_BYTES 1024

static struct {
    struct sender *sender;
    const char *port;
    unsigned long hosts, wanted, started, done, failed;
    char body[BODY_BYTES];
} all;

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void start(void)
{
    unsigned long i = all.started++ % all.hosts;
    struct attempt *a = attempt_new(all.started, 1 << 14);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.%lu.%lu:%s/hook", i / 250 % 250, i % 250 + 1, all.port);
    a->method = SPAN("POST");
    a->url = arena_copy(&a->arena, span_of(url));
    a->body = arena_copy(&a->arena, (struct span){all.body, sizeof all.body});
    a->headers = arena_alloc(&a->arena, 4 * sizeof *a->headers);
    a->headers[0] = (struct header){SPAN("Content-Type"), SPAN("application/json")};
    a->headers[1] = (struct header){SPAN("webhook-id"), SPAN("evt_000000000001")};
    a->headers[2] = (struct header){SPAN("webhook-timestamp"), SPAN("1700000000")};
    a->headers[3] = (struct header){SPAN("webhook-signature"),
                                    SPAN("v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=")};
    a->header_count = 4;
    a->timeout_ms = 30000;
    sender_send(all.sender, &a);
}

static void on_done(void *context, struct list *attempts)
{
    struct list_node *node = NULL;
    (void)context;
    while ((node = list_pop(attempts)) != NULL) {
        struct attempt *a = CONTAINER_OF(node, struct attempt, node);
        if (a->outcome != OUTCOME_DELIVERED && all.failed++ == 0)
            fprintf(stderr, "%s: %.*s\n", outcome_name(a->outcome), SPAN_ARGS(a->reason));
        all.done++;
        attempt_free(a);
        if (all.started < all.wanted)
            start();
    }
    sender_flush(all.sender);
}

static void on_stopped(void *context)
{
    *(int *)context = 1;
}

int main(int argc, char **argv)
{
    uv_loop_t loop;
    struct errmsg message = {""};
    struct guard *guard = NULL;
    struct span allow = SPAN("127.0.0.0/8");
    if (argc < 2) {
        fprintf(stderr, "usage: sender_bench PORT [REQUESTS [HOSTS [THREADS [MULTIS]]]]\n");
        return 2;
    }
    all.port = argv[1];
    all.wanted = argc > 2 ? strtoul(argv[2], NULL, 10) : 150000;
    all.hosts = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
    struct sender_config config = {
        .threads = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 1,
        .multis_per_thread = argc > 5 ? (uint32_t)strtoul(argv[5], NULL, 10) : 64,
    };
    memset(all.body, 'x', sizeof all.body);
    if (uv_loop_init(&loop) != 0 || guard_new(&guard, &allow, 1, &message) != OK)
        return 1;
    config.guard = guard;
    if (sender_start(&all.sender, &loop, &config, on_done, NULL, &message) != OK) {
        fprintf(stderr, "%s\n", message.text);
        return 1;
    }
    int64_t start_ns = clock_mono_ns();
    double cpu = cpu_seconds();
    for (unsigned i = 0; i < IN_FLIGHT && all.started < all.wanted; i++)
        start();
    sender_flush(all.sender);
    while (all.done < all.wanted)
        uv_run(&loop, UV_RUN_ONCE);
    double seconds = (double)(clock_mono_ns() - start_ns) / 1e9;
    struct sender_stats stats;
    sender_stats(all.sender, &stats);
    printf(
        "sender posts_per_s=%.0f cpu_s_per_10k=%.3f main_cpu_s_per_10k=%.3f failed=%lu hosts=%lu "
        "connections=%lu resent=%lu\n",
        (double)all.done / seconds, (cpu_seconds() - cpu) / (double)all.done * 1e4,
        (double)clock_thread_cpu_ns() / 1e9 / (double)all.done * 1e4, all.failed, all.hosts,
        (unsigned long)stats.connections_opened, (unsigned long)stats.resent);
    int is_stopped = 0;
    sender_stop(all.sender, 0, on_stopped, &is_stopped);
    uv_run(&loop, UV_RUN_DEFAULT);
    guard_free(guard);
    return uv_loop_close(&loop) != 0 || !is_stopped || all.failed > 0;
}
