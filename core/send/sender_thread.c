// SPDX-License-Identifier: MIT
// The work of one sender thread: admit, look up, transfer, hand back; runs on that thread.
//
// Callbacks in firing order: on_messages (main sends attempts, or stop), on_resolved (a scout has
// an address), on_done (a transfer has ended), on_turn (start what may start, post what has
// ended), on_wake (a wait is over), on_grace (stopping takes too long), on_curl_stopped,
// on_timer_closed.
#include "send/sender_thread.h"

#include <stdio.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "crypto/tls.h"
#include "send/ending.h"

#define THREAD_MAGIC 0x53454e44u
#define MAX_SPARE    256 // easy handles that are kept for later
#define MIN_KEPT     4   // idle connections per multi, at least and at most
#define MAX_KEPT     1024

// An attempt that waits for its target's address.
struct waiter {
    struct list_node node;   // in target.waiting
    struct heap_node expiry; // in sender_thread.expiries, by deadline
    struct attempt *attempt; // owned
    struct target *target;   // used
    int64_t deadline_ms;     // monotonic
};

struct sender_thread {
    uint32_t magic; // THREAD_MAGIC
    uv_thread_t thread;
    uv_loop_t loop;
    struct mailbox *inbox;   // owned
    struct mailbox *results; // main's
    struct list_node stop;   // main posts it to stop
    struct list_node last;   // posted to main when nothing follows
    int64_t grace_ms;        // set before stop is posted
    struct transfer_stats stats;
    struct transfer_env env;
    struct targets targets;
    struct list active; // transfers
    struct list spare;  // transfers without an attempt
    uint32_t spare_count;
    struct list ended;          // attempts, to be posted at the end of the turn
    struct heap expiries;       // waiters
    struct curl_slist **forget; // owned; by multi: names that libcurl shall forget
    uv_timer_t wake;            // for waiters and lookups
    uv_timer_t grace;
    bool is_stopping, is_closing;
    int open_timers;
};

// ---- ends ------------------------------------------------------------------------

static void give_back(struct sender_thread *thread, struct attempt *attempt)
{
    atomic_fetch_sub_explicit(&thread->stats.under_way, 1, memory_order_relaxed);
    list_append(&thread->ended, &attempt->node);
}

static void refuse(struct sender_thread *thread, struct attempt *attempt, enum outcome outcome,
                   const char *reason)
{
    ending_refuse(attempt, outcome, reason);
    give_back(thread, attempt);
}

// ---- waiting for an address ---------------------------------------------------------

static void wait_for_address(struct sender_thread *thread, struct attempt *attempt,
                             struct target *target, int64_t deadline_ms)
{
    struct waiter *waiter = xcalloc(1, sizeof *waiter);
    waiter->attempt = attempt;
    waiter->target = target;
    waiter->deadline_ms = deadline_ms;
    list_append(&target->waiting, &waiter->node);
    heap_set(&thread->expiries, &waiter->expiry, deadline_ms);
    targets_want(&thread->targets, target);
}

// Ends the wait; the attempt and the use of the target are the caller's.
static struct attempt *waiter_free(struct sender_thread *thread, struct waiter *waiter)
{
    struct attempt *attempt = waiter->attempt;
    list_remove(&waiter->node);
    heap_remove(&thread->expiries, &waiter->expiry);
    xfree(waiter);
    return attempt;
}

static struct waiter *first_waiter(struct target *target)
{
    struct list_node *node = list_first(&target->waiting);
    return node != NULL ? CONTAINER_OF(node, struct waiter, node) : NULL;
}

static void refuse_waiter(struct sender_thread *thread, struct waiter *waiter, const char *reason)
{
    struct target *target = waiter->target;
    refuse(thread, waiter_free(thread, waiter), OUTCOME_DNS_ERROR, reason);
    targets_unuse(&thread->targets, target);
}

static void expire_waiters(struct sender_thread *thread, int64_t now_ms)
{
    struct heap_node *node = NULL;
    while ((node = heap_min(&thread->expiries)) != NULL && node->key <= now_ms) {
        struct waiter *waiter = CONTAINER_OF(node, struct waiter, expiry);
        char reason[GUARD_MAX_HOST + 64];
        snprintf(reason, sizeof reason, "no address of %s within the time limit",
                 waiter->target->at.host);
        refuse_waiter(thread, waiter, reason);
    }
}

// ---- transfers -------------------------------------------------------------------

static struct transfer *take_transfer(struct sender_thread *thread)
{
    struct list_node *node = list_first(&thread->spare);
    if (node == NULL)
        return transfer_new(&thread->env);
    list_remove(node);
    thread->spare_count--;
    return CONTAINER_OF(node, struct transfer, node);
}

// The one that was used last is the next to be used: its memory is warm.
static void put_transfer(struct sender_thread *thread, struct transfer *transfer)
{
    list_remove(&transfer->node);
    if (thread->spare_count >= MAX_SPARE) {
        transfer_free(transfer);
        return;
    }
    list_prepend(&thread->spare, &transfer->node);
    thread->spare_count++;
}

// Takes the attempt and the use of the target over.
static void start(struct sender_thread *thread, struct attempt *attempt, struct target *target,
                  int64_t deadline_ms, int64_t now_ms, bool is_scout)
{
    if (deadline_ms <= now_ms)
        deadline_ms = now_ms + 1;
    struct transfer *transfer = take_transfer(thread);
    transfer->target = target;
    transfer->is_scout = is_scout;
    transfer->resolve = thread->forget[target->multi];
    thread->forget[target->multi] = NULL;
    list_append(&thread->active, &transfer->node);
    if (transfer_begin(transfer, &attempt, deadline_ms, now_ms) == OK)
        return;
    if (is_scout)
        targets_failed(&thread->targets, target, false, now_ms);
    transfer_end(transfer);
    put_transfer(thread, transfer);
    refuse(thread, attempt, OUTCOME_RESET, "libcurl did not take the transfer");
    targets_unuse(&thread->targets, target);
}

static void admit(struct sender_thread *thread, struct attempt *attempt, int64_t now_ms)
{
    struct errmsg message;
    CHECK(attempt->magic == ATTEMPT_MAGIC);
    atomic_fetch_add_explicit(&thread->stats.under_way, 1, memory_order_relaxed);
    if (attempt->url.len > GUARD_MAX_URL) {
        refuse(thread, attempt, OUTCOME_BLOCKED_ADDRESS, "the URL is longer than 2048 bytes");
        return;
    }
    struct target *target = targets_use(&thread->targets, attempt->url, &message);
    if (target == NULL) {
        refuse(thread, attempt, OUTCOME_BLOCKED_ADDRESS, message.text);
        return;
    }
    int64_t deadline_ms = now_ms + attempt->timeout_ms;
    if (target_is_ready(target))
        start(thread, attempt, target, deadline_ms, now_ms, false);
    else
        wait_for_address(thread, attempt, target, deadline_ms);
}

// Those that waited for a lookup: they leave now, share its failure, or (the lookup has no answer
// yet or the address is in doubt again) go on waiting.
static void release_waiting(struct sender_thread *thread, struct target *target)
{
    struct waiter *waiter = NULL;
    int64_t now_ms = clock_mono_ms();
    if (target_is_ready(target)) {
        while ((waiter = first_waiter(target)) != NULL) {
            int64_t deadline_ms = waiter->deadline_ms;
            start(thread, waiter_free(thread, waiter), target, deadline_ms, now_ms, false);
        }
    } else if (!list_is_empty(&target->waiting)) {
        targets_want(&thread->targets, target);
    }
}

static void share_failure(struct sender_thread *thread, struct target *target, struct span reason)
{
    struct waiter *waiter = NULL;
    char text[512];
    snprintf(text, sizeof text, "%.*s", SPAN_ARGS(reason));
    while ((waiter = first_waiter(target)) != NULL)
        refuse_waiter(thread, waiter, text);
}

static void on_resolved(void *context, struct target *target)
{
    struct sender_thread *thread = NULL;
    CAST(thread, context, THREAD_MAGIC);
    if (target->state == TARGET_LOOKING)
        targets_found(&thread->targets, target, clock_mono_ms());
}

// The transfer could not open a connection: the address is old, or libcurl has none. Once more, by
// the gate, unless somebody has looked it up meanwhile.
static void again(struct sender_thread *thread, struct transfer *transfer)
{
    struct target *target = transfer->target;
    int64_t now_ms = clock_mono_ms();
    int64_t deadline_ms = transfer->deadline_ms;
    bool was_sent = transfer->sent > 0;
    if (transfer->has_no_address || target_is_stale(target, now_ms))
        targets_doubt(target);
    struct attempt *attempt = transfer_end(transfer);
    put_transfer(thread, transfer);
    attempt->is_resent = attempt->is_resent || was_sent;
    if (target_is_ready(target))
        start(thread, attempt, target, deadline_ms, now_ms, false);
    else
        wait_for_address(thread, attempt, target, deadline_ms);
}

static void on_done(void *context, CURL *easy, CURLcode result)
{
    struct sender_thread *thread = NULL;
    struct transfer *transfer = NULL;
    char *private = NULL;
    CAST(thread, context, THREAD_MAGIC);
    CHECK(curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private) == CURLE_OK);
    CAST(transfer, (void *)private, TRANSFER_MAGIC);
    struct target *target = transfer->target;
    if (transfer->needs_lookup &&
        (result == CURLE_COULDNT_CONNECT || result == CURLE_COULDNT_RESOLVE_HOST)) {
        again(thread, transfer);
        return;
    }
    bool is_scout_without_answer = transfer->is_scout && target->state == TARGET_LOOKING;
    bool is_hanging = ending_is_hanging_lookup(transfer, result);
    bool has_connected = transfer->sent > 0;
    ending_fill(transfer, result);
    struct attempt *attempt = transfer_end(transfer);
    put_transfer(thread, transfer);
    if (attempt->outcome == OUTCOME_BLOCKED_ADDRESS)
        atomic_fetch_add_explicit(&thread->stats.blocked, 1, memory_order_relaxed);
    if (is_scout_without_answer) {
        targets_failed(&thread->targets, target, is_hanging, clock_mono_ms());
        share_failure(thread, target, attempt->reason);
    } else if (!has_connected) {
        targets_doubt(target);
    }
    targets_unuse(&thread->targets, target);
    give_back(thread, attempt);
}

// ---- a turn ----------------------------------------------------------------------

static void on_wake(uv_timer_t *timer)
{
    (void)timer; // the turn that follows does it
}

static void start_lookups(struct sender_thread *thread, int64_t now_ms)
{
    int64_t next_ms = INT64_MAX;
    struct target *target = NULL;
    while ((target = targets_next(&thread->targets, now_ms, &next_ms)) != NULL) {
        struct waiter *waiter = first_waiter(target);
        CHECK(waiter != NULL);
        int64_t deadline_ms = waiter->deadline_ms;
        start(thread, waiter_free(thread, waiter), target, deadline_ms, now_ms, true);
    }
    struct heap_node *expiry = heap_min(&thread->expiries);
    if (expiry != NULL && expiry->key < next_ms)
        next_ms = expiry->key;
    if (next_ms == INT64_MAX) {
        CHECK(uv_timer_stop(&thread->wake) == 0);
        return;
    }
    uint64_t wait_ms = next_ms > now_ms ? (uint64_t)(next_ms - now_ms) : 1;
    CHECK(uv_timer_start(&thread->wake, on_wake, wait_ms, 0) == 0);
}

static void evict(struct sender_thread *thread)
{
    struct target *target = NULL;
    while ((target = targets_evict(&thread->targets)) != NULL) {
        transfer_forget(&thread->forget[target->multi], target);
        target_free(target);
    }
}

static void close_when_idle(struct sender_thread *thread);

static void on_turn(void *context)
{
    struct sender_thread *thread = NULL;
    struct list_node *node = NULL;
    CAST(thread, context, THREAD_MAGIC);
    bool is_waiting = heap_min(&thread->expiries) != NULL;
    while ((node = list_pop(&thread->targets.settled)) != NULL)
        release_waiting(thread, CONTAINER_OF(node, struct target, settled));
    if (is_waiting) {
        int64_t now_ms = clock_mono_ms();
        expire_waiters(thread, now_ms);
        start_lookups(thread, now_ms);
    }
    evict(thread);
    mailbox_post_all(thread->results, &thread->ended);
    if (thread->is_stopping)
        close_when_idle(thread);
}

// ---- stopping --------------------------------------------------------------------

static void on_inbox_stopped(void *context)
{
    (void)context; // the loop has nothing left and ends
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct sender_thread *thread = NULL;
    CAST(thread, handle->data, THREAD_MAGIC);
    if (--thread->open_timers == 0)
        mailbox_stop(thread->inbox, on_inbox_stopped, thread);
}

static void on_curl_stopped(void *context)
{
    struct sender_thread *thread = NULL;
    CAST(thread, context, THREAD_MAGIC);
    thread->open_timers = 2;
    uv_close((uv_handle_t *)&thread->wake, on_timer_closed);
    uv_close((uv_handle_t *)&thread->grace, on_timer_closed);
}

static void close_when_idle(struct sender_thread *thread)
{
    struct list_node *node = NULL;
    bool is_idle = list_is_empty(&thread->active) && heap_min(&thread->expiries) == NULL;
    if (thread->is_closing || !is_idle)
        return;
    thread->is_closing = true;
    while ((node = list_pop(&thread->spare)) != NULL)
        transfer_free(CONTAINER_OF(node, struct transfer, node));
    curl_loop_stop(thread->env.curl, on_curl_stopped, thread);
}

static void on_grace(uv_timer_t *timer)
{
    struct sender_thread *thread = NULL;
    struct list_node *node = NULL;
    struct heap_node *expiry = NULL;
    CAST(thread, timer->data, THREAD_MAGIC);
    while ((node = list_first(&thread->active)) != NULL) {
        struct transfer *transfer = CONTAINER_OF(node, struct transfer, node);
        struct target *target = transfer->target;
        curl_loop_remove(thread->env.curl, target->multi, transfer->easy);
        if (transfer->is_scout && target->state == TARGET_LOOKING)
            targets_failed(&thread->targets, target, false, clock_mono_ms());
        give_back(thread, transfer_end(transfer));
        put_transfer(thread, transfer);
        targets_unuse(&thread->targets, target);
    }
    while ((expiry = heap_min(&thread->expiries)) != NULL) {
        struct waiter *waiter = CONTAINER_OF(expiry, struct waiter, expiry);
        struct target *target = waiter->target;
        give_back(thread, waiter_free(thread, waiter));
        targets_unuse(&thread->targets, target);
    }
}

static void on_messages(void *context, struct list *messages)
{
    struct sender_thread *thread = NULL;
    struct list_node *node = NULL;
    CAST(thread, context, THREAD_MAGIC);
    int64_t now_ms = clock_mono_ms();
    while ((node = list_pop(messages)) != NULL) {
        if (node == &thread->stop) {
            thread->is_stopping = true;
            CHECK(uv_timer_start(&thread->grace, on_grace, (uint64_t)thread->grace_ms, 0) == 0);
            continue;
        }
        admit(thread, CONTAINER_OF(node, struct attempt, node), now_ms);
    }
}

// ---- life ------------------------------------------------------------------------

static void run(void *context)
{
    struct sender_thread *thread = NULL;
    CAST(thread, context, THREAD_MAGIC);
    CHECK(uv_run(&thread->loop, UV_RUN_DEFAULT) == 0);
    CHECK(uv_loop_close(&thread->loop) == 0);
    targets_deinit(&thread->targets);
    heap_deinit(&thread->expiries);
    for (uint32_t i = 0; i < thread->targets.multis; i++)
        curl_slist_free_all(thread->forget[i]);
    xfree(thread->forget);
    tls_store_free(thread->env.trusted);
    mailbox_post(thread->results, &thread->last);
}

// Half of the descriptors may be kept connections.
static uint32_t kept_per_multi(const struct sender_config *config)
{
    struct rlimit limit = {.rlim_cur = 1024};
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    uint64_t files = limit.rlim_cur > 1U << 20 ? 1U << 20 : limit.rlim_cur;
    uint64_t each = files / 2 / config->threads / config->multis_per_thread;
    if (each < MIN_KEPT)
        return MIN_KEPT;
    return each > MAX_KEPT ? MAX_KEPT : (uint32_t)each;
}

struct sender_thread *sender_thread_start(const struct sender_config *config, uint32_t index,
                                          struct mailbox *results)
{
    char name[16];
    struct sender_thread *thread = xcalloc(1, sizeof *thread);
    thread->magic = THREAD_MAGIC;
    thread->results = results;
    CHECK(uv_loop_init(&thread->loop) == 0);
    thread->inbox = mailbox_start(&thread->loop, on_messages, thread);
    CHECK(uv_timer_init(&thread->loop, &thread->wake) == 0);
    CHECK(uv_timer_init(&thread->loop, &thread->grace) == 0);
    thread->wake.data = thread->grace.data = thread;
    list_init(&thread->active);
    list_init(&thread->spare);
    list_init(&thread->ended);
    heap_init(&thread->expiries);
    targets_init(&thread->targets, config->threads, config->multis_per_thread,
                 config->proxy != NULL);
    thread->forget = xcalloc(config->multis_per_thread, sizeof(struct curl_slist *));
    struct curl_loop_config curl_config = {
        .multis = config->multis_per_thread,
        .kept_per_multi = kept_per_multi(config),
        .on_done = on_done,
        .on_turn = on_turn,
        .context = thread,
    };
    thread->env = (struct transfer_env){
        .curl = curl_loop_start(&thread->loop, &curl_config),
        .guard = config->guard,
        .source_address = config->source_address,
        .proxy = config->proxy,
        .ca_file = config->ca_file,
        .stats = &thread->stats,
        .on_resolved = on_resolved,
        .context = thread,
    };
    snprintf(name, sizeof name, "sender-%u", index);
    thread_start(&thread->thread, name, run, thread);
    return thread;
}

void sender_thread_post(struct sender_thread *thread, struct list *attempts)
{
    mailbox_post_all(thread->inbox, attempts);
}

void sender_thread_stop(struct sender_thread *thread, int64_t grace_ms)
{
    thread->grace_ms = grace_ms > 0 ? grace_ms : 0;
    mailbox_post(thread->inbox, &thread->stop);
}

const struct list_node *sender_thread_last_message(const struct sender_thread *thread)
{
    return &thread->last;
}

void sender_thread_free(struct sender_thread *thread)
{
    thread_join(&thread->thread);
    thread->magic = 0;
    xfree(thread);
}

const struct transfer_stats *sender_thread_stats(const struct sender_thread *thread)
{
    return &thread->stats;
}
