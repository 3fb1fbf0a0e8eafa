// SPDX-License-Identifier: MIT
// Main's side of sending: targets are hashed to threads, attempts handed over and taken back.
#include "send/sender.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <net/if.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "send/sender_thread.h"
#include "send/target.h"

#define SENDER_MAGIC 0x73454e44u

struct sender {
    uint32_t magic;                 // SENDER_MAGIC
    uint32_t thread_count;          // of both arrays
    uint32_t running;               // threads whose last message has not come
    struct sender_thread **threads; // owned
    struct list *queued;            // owned; attempts by thread, until the flush
    struct mailbox *results;        // owned
    sender_done_fn *on_done;
    void *context; // of on_done; borrowed
    bool is_stopping;
    void (*on_stopped)(void *); // set when stopping
    void *stopped_context;      // of on_stopped; borrowed
};

static void on_results_stopped(void *context)
{
    struct sender *sender = NULL;
    CAST(sender, context, SENDER_MAGIC);
    void (*on_stopped)(void *) = sender->on_stopped;
    void *stopped_context = sender->stopped_context;
    sender->magic = 0;
    xfree(sender->queued);
    xfree(sender->threads);
    xfree(sender);
    curl_global_cleanup();
    on_stopped(stopped_context);
}

// True when the node was a thread's last message.
static bool take_last(struct sender *sender, const struct list_node *node)
{
    for (uint32_t i = 0; i < sender->thread_count; i++) {
        if (sender->threads[i] == NULL || node != sender_thread_last_message(sender->threads[i]))
            continue;
        sender_thread_free(sender->threads[i]);
        sender->threads[i] = NULL;
        sender->running--;
        return true;
    }
    return false;
}

static void on_results(void *context, struct list *messages)
{
    struct sender *sender = NULL;
    CAST(sender, context, SENDER_MAGIC);
    if (sender->is_stopping) {
        LIST_FOREACH_SAFE(node, messages) {
            list_remove(node);
            if (!take_last(sender, node))
                list_insert_before(node_next, node);
        }
    }
    if (!list_is_empty(messages))
        sender->on_done(sender->context, messages);
    if (sender->is_stopping && sender->running == 0)
        mailbox_stop(sender->results, on_results_stopped, sender);
}

// Not fatal: an interface may come later than the engine, and events are accepted meanwhile.
static bool is_ours(const char *source)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr_in four = {.sin_family = AF_INET};
    bool is_four = inet_pton(AF_INET, source, &four.sin_addr) == 1;
    if (!is_four && inet_pton(AF_INET6, source, &six.sin6_addr) != 1)
        return if_nametoindex(source) != 0;
    int fd = socket(is_four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true; // not its fault
    const void *address = is_four ? (const void *)&four : (const void *)&six;
    bool is_bound = bind(fd, address, is_four ? sizeof four : sizeof six) == 0;
    (void)close(fd);
    return is_bound;
}

enum err sender_start(struct sender **out, uv_loop_t *main_loop, const struct sender_config *config,
                      sender_done_fn *on_done, void *context, struct errmsg *message)
{
    if (config->threads == 0 || config->multis_per_thread == 0) {
        errmsg_set(message, "a sender needs at least one thread and one multi");
        return ERR_RANGE;
    }
    CURLcode code = curl_global_init(CURL_GLOBAL_ALL);
    if (code != CURLE_OK) {
        errmsg_set(message, "libcurl cannot be used: %s", curl_easy_strerror(code));
        return ERR_UNSUPPORTED;
    }
    if (config->proxy != NULL)
        log_line(LOG_WARN, LOG_SEND_AREA,
                 "requests go through a proxy: it, not the address guard, decides what they reach");
    if (config->source_address != NULL && !is_ours(config->source_address))
        log_line(
            LOG_ERROR, LOG_SEND_AREA,
            "source_address \"%s\" is neither an address nor an interface of this machine now: "
            "no request leaves before it is; nothing is lost",
            config->source_address);
    struct sender *sender = xcalloc(1, sizeof *sender);
    sender->magic = SENDER_MAGIC;
    sender->thread_count = sender->running = config->threads;
    sender->on_done = on_done;
    sender->context = context;
    sender->results = mailbox_start(main_loop, on_results, sender);
    sender->threads = xcalloc(config->threads, sizeof(struct sender_thread *));
    sender->queued = xcalloc(config->threads, sizeof *sender->queued);
    for (uint32_t i = 0; i < config->threads; i++) {
        list_init(&sender->queued[i]);
        sender->threads[i] = sender_thread_start(config, i, sender->results);
    }
    *out = sender;
    return OK;
}

void sender_send(struct sender *sender, struct attempt **attempt)
{
    CHECK(sender->magic == SENDER_MAGIC && !sender->is_stopping);
    uint64_t hash = span_hash(target_origin((*attempt)->url));
    list_append(&sender->queued[hash % sender->thread_count], &(*attempt)->node);
    *attempt = NULL;
}

void sender_flush(struct sender *sender)
{
    for (uint32_t i = 0; i < sender->thread_count; i++) {
        if (!list_is_empty(&sender->queued[i]))
            sender_thread_post(sender->threads[i], &sender->queued[i]);
    }
}

void sender_stop(struct sender *sender, int64_t grace_ms, void (*on_stopped)(void *context),
                 void *context)
{
    CHECK(sender->magic == SENDER_MAGIC && !sender->is_stopping);
    sender_flush(sender);
    sender->is_stopping = true;
    sender->on_stopped = on_stopped;
    sender->stopped_context = context;
    for (uint32_t i = 0; i < sender->thread_count; i++)
        sender_thread_stop(sender->threads[i], grace_ms);
}

static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void sender_stats(const struct sender *sender, struct sender_stats *out)
{
    struct sender_stats sum = {0};
    for (uint32_t i = 0; i < sender->thread_count; i++) {
        if (sender->threads[i] == NULL)
            continue;
        const struct transfer_stats *stats = sender_thread_stats(sender->threads[i]);
        sum.connections_opened += load(&stats->connections_opened);
        sum.requests += load(&stats->requests);
        sum.blocked += load(&stats->blocked);
        sum.resent += load(&stats->resent);
        sum.under_way += atomic_load_explicit(&stats->under_way, memory_order_relaxed);
    }
    *out = sum;
}
