// SPDX-License-Identifier: MIT
// The store thread: everything that waits goes into one commit; results go back in one message.
//
//   on_messages → drain → fill → commit → run claims, then the operation that had to wait → post
//   on_quiet: a second without work
#include "store/store_thread.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"

#define MAX_APPENDS        512
#define MAX_SETTLEMENTS    2048
#define MAX_BATCH_BYTES    ((size_t)4 << 20) // of events
#define QUIET_MS           1000
#define GATHER_MS          5   // outcomes alone wait that long for company: nobody waits for them
#define GATHER_SETTLEMENTS 256 // or until there are so many

#define STORE_THREAD_MAGIC 0x53544854u
struct store_thread {
    uint32_t magic;
    const struct backend *backend;
    struct journal_conn *conn; // owned
    uv_loop_t loop;
    uv_thread_t thread;
    struct mailbox *inbox;   // owned; operations from main
    struct mailbox *to_main; // borrowed
    uv_timer_t quiet;
    uv_timer_t gather;    // active while outcomes wait for company
    struct list waiting;  // operations, in order
    size_t waiting_alone; // how many of them, as long as all are settlements
    struct list claims;   // of the batch being filled
    struct list done;     // finished, not posted
    struct append appends[MAX_APPENDS];
    struct store_op *append_ops[MAX_APPENDS];
    size_t append_count;
    size_t append_bytes;
    struct settlement settlements[MAX_SETTLEMENTS];
    struct store_op *settlement_ops[MAX_SETTLEMENTS];
    size_t settlement_count;
    struct store_stats stats;
    enum err fatal; // OK, or why nothing is done any more
    bool is_told;   // main knows
};

struct store_batch *store_batch_new(void)
{
    struct store_batch *batch = xcalloc(1, sizeof *batch);
    batch->magic = STORE_BATCH_MAGIC;
    list_init(&batch->ops);
    return batch;
}

static void finish(struct store_thread *t, struct store_op *op, enum err err)
{
    op->err = err;
    list_append(&t->done, &op->node);
}

static void note(struct store_thread *t, enum err err)
{
    if (err == OK)
        return;
    t->stats.errors++;
    if ((err == ERR_INTERRUPTED || err == ERR_CORRUPT) && t->fatal == OK)
        t->fatal = err;
}

static void post(struct store_thread *t, bool is_last)
{
    struct store_batch *batch = store_batch_new();
    list_splice(&batch->ops, &t->done);
    if (t->conn != NULL)
        t->stats.gauges = t->backend->journal->gauges(t->conn);
    batch->stats = t->stats;
    batch->fatal = t->is_told ? OK : t->fatal;
    batch->is_last = is_last;
    t->is_told = t->fatal != OK;
    mailbox_post(t->to_main, &batch->node);
}

// ---- the commit ---------------------------------------------------------------------------------

static size_t power_of(uint64_t value, uint64_t first, size_t count)
{
    size_t i = 0;
    while (i + 1 < count && value > first << i)
        i++;
    return i;
}

static enum err commit_now(struct store_thread *t, size_t append_at, size_t appends,
                           size_t settlement_at, size_t settlements)
{
    if (t->fatal != OK)
        return ERR_CLOSED;
    int64_t start_ns = clock_mono_ns();
    enum err err = t->backend->journal->commit(t->conn, t->appends + append_at, appends,
                                               t->settlements + settlement_at, settlements);
    int64_t us = (clock_mono_ns() - start_ns) / 1000;
    note(t, err);
    t->stats.health = err;
    if (err != OK)
        return err;
    struct store_stats *stats = &t->stats;
    stats->commits++;
    stats->batch_items += appends + settlements;
    stats->last_commit_us = us;
    stats->commit_us_sum += (uint64_t)us;
    stats->commit_us_buckets[power_of((uint64_t)us, 128, COUNT_OF(stats->commit_us_buckets))]++;
    stats->batch_buckets[power_of(appends + settlements, 1, COUNT_OF(stats->batch_buckets))]++;
    return OK;
}

static void finish_append(struct store_thread *t, size_t i, enum err err)
{
    struct store_append *op = CONTAINER_OF(t->append_ops[i], struct store_append, op);
    op->append = t->appends[i];
    finish(t, &op->op, err);
}

// One item that cannot be stored must not take its neighbours with it.
static void commit_singly(struct store_thread *t)
{
    for (size_t i = 0; i < t->append_count; i++)
        finish_append(t, i, commit_now(t, i, 1, 0, 0));
    for (size_t i = 0; i < t->settlement_count; i++)
        finish(t, t->settlement_ops[i], commit_now(t, 0, 0, i, 1));
}

static void commit(struct store_thread *t)
{
    if (t->append_count + t->settlement_count == 0)
        return;
    enum err err = commit_now(t, 0, t->append_count, 0, t->settlement_count);
    if ((err == ERR_RANGE || err == ERR_EXISTS) && t->append_count + t->settlement_count > 1) {
        commit_singly(t);
        return;
    }
    enum err append_err = err;
    // The reserve on the disk is for outcomes.
    if (err == ERR_NO_SPACE && t->append_count > 0 && t->settlement_count > 0) {
        err = commit_now(t, 0, 0, 0, t->settlement_count);
        t->stats.health = err == OK ? ERR_NO_SPACE : err;
    }
    for (size_t i = 0; i < t->append_count; i++)
        finish_append(t, i, append_err);
    for (size_t i = 0; i < t->settlement_count; i++)
        finish(t, t->settlement_ops[i], err);
}

// ---- other operations -----------------------------------------------------------------------------

static enum err run_claim(struct store_thread *t, struct store_op *op)
{
    struct store_claim *claim = CONTAINER_OF(op, struct store_claim, op);
    CHECK(claim->max <= STORE_CLAIM_MAX);
    struct claim wish = {
        .webhook = claim->webhook,
        .now_ms = claim->now_ms,
        .max = claim->max,
        .rows = claim->rows,
    };
    enum err err = t->backend->journal->claim(t->conn, &wish);
    if (err == OK) {
        claim->count = wish.count;
        claim->next_due_ms = wish.next_due_ms;
    }
    return err;
}

static enum err run_retry(struct store_thread *t, struct store_op *op)
{
    struct store_retry *retry = CONTAINER_OF(op, struct store_retry, op);
    return t->backend->journal->retry(t->conn, retry->list, retry->count, retry->now_ms);
}

static enum err run_cancel(struct store_thread *t, struct store_op *op)
{
    struct store_cancel *cancel = CONTAINER_OF(op, struct store_cancel, op);
    return t->backend->journal->cancel(t->conn, cancel->webhook, cancel->now_ms, cancel->max,
                                       &cancel->count);
}

static enum err run_prune(struct store_thread *t, struct store_op *op)
{
    struct store_prune *prune = CONTAINER_OF(op, struct store_prune, op);
    return t->backend->journal->prune(t->conn, prune->events_before_ms, prune->dead_before_ms,
                                      prune->max, &prune->count);
}

static enum err run_object(struct store_thread *t, struct store_op *op)
{
    struct store_object *object = CONTAINER_OF(op, struct store_object, op);
    const struct catalogue *catalogue = t->backend->catalogue;
    if (op->kind == STORE_NOTE)
        return catalogue->note(t->conn, &object->object);
    return op->kind == STORE_PUT ? catalogue->put(t->conn, &object->object)
                                 : catalogue->remove(t->conn, &object->object);
}

static enum err run_scripts(struct store_thread *t, struct store_op *op)
{
    struct store_scripts *scripts = CONTAINER_OF(op, struct store_scripts, op);
    return t->backend->catalogue->change_scripts(t->conn, &scripts->change);
}

static enum err run(struct store_thread *t, struct store_op *op)
{
    if (t->fatal != OK)
        return ERR_CLOSED;
    switch (op->kind) {
    case STORE_CLAIM: return run_claim(t, op);
    case STORE_RETRY: return run_retry(t, op);
    case STORE_CANCEL: return run_cancel(t, op);
    case STORE_PRUNE: return run_prune(t, op);
    case STORE_PUT:
    case STORE_REMOVE:
    case STORE_NOTE: return run_object(t, op);
    case STORE_SCRIPTS: return run_scripts(t, op);
    case STORE_APPEND:
    case STORE_SETTLE:
    case STORE_READ:
    case STORE_QUIT: break;
    }
    CHECK(!"an operation of another thread");
    return ERR_UNSUPPORTED;
}

static bool is_expected(enum err err)
{
    return err == ERR_NOT_FOUND || err == ERR_CONFLICT || err == ERR_EXISTS || err == ERR_FULL ||
           err == ERR_CLOSED;
}

static void run_and_finish(struct store_thread *t, struct store_op *op)
{
    enum err err = run(t, op);
    if (!is_expected(err))
        note(t, err);
    finish(t, op, err);
}

// ---- batches --------------------------------------------------------------------------------------

// False when the operation has to wait for what was taken before it.
static bool take(struct store_thread *t, struct store_op *op)
{
    switch (op->kind) {
    case STORE_APPEND: {
        struct append *append = &CONTAINER_OF(op, struct store_append, op)->append;
        t->append_ops[t->append_count] = op;
        t->appends[t->append_count++] = *append;
        t->append_bytes += event_size(append->event);
        return true;
    }
    case STORE_SETTLE:
        t->settlement_ops[t->settlement_count] = op;
        t->settlements[t->settlement_count++] =
            CONTAINER_OF(op, struct store_settle, op)->settlement;
        return true;
    case STORE_CLAIM:
        // A claim may see what was submitted later: so it need not split the commit.
        list_append(&t->claims, &op->node);
        return true;
    case STORE_RETRY:
    case STORE_CANCEL:
    case STORE_PRUNE:
    case STORE_PUT:
    case STORE_REMOVE:
    case STORE_NOTE:
    case STORE_SCRIPTS:
    case STORE_READ:
    case STORE_QUIT: return false;
    }
    return false;
}

// Takes operations up to the bounds of one commit, or up to one that must wait: that is returned.
static struct store_op *fill(struct store_thread *t)
{
    struct list_node *node = NULL;
    t->append_count = t->append_bytes = t->settlement_count = 0;
    while (t->append_count < MAX_APPENDS && t->settlement_count < MAX_SETTLEMENTS &&
           t->append_bytes < MAX_BATCH_BYTES && (node = list_pop(&t->waiting)) != NULL) {
        struct store_op *op = CONTAINER_OF(node, struct store_op, node);
        CHECK(op->magic == STORE_OP_MAGIC);
        if (!take(t, op))
            return op;
    }
    return NULL;
}

static void on_inbox_stopped(void *context)
{
    struct store_thread *t = NULL;
    CAST(t, context, STORE_THREAD_MAGIC);
    t->inbox = NULL;
    t->backend->journal->close(&t->conn);
    post(t, true);
}

static void quit(struct store_thread *t)
{
    uv_close((uv_handle_t *)&t->quiet, NULL);
    uv_close((uv_handle_t *)&t->gather, NULL);
    mailbox_stop(t->inbox, on_inbox_stopped, t);
}

static void on_quiet(uv_timer_t *timer);

static void idle(struct store_thread *t, bool is_quiet)
{
    if (t->fatal != OK)
        return;
    note(t, t->backend->journal->idle(t->conn, is_quiet));
    if (t->stats.health == ERR_NO_SPACE && !t->backend->journal->gauges(t->conn).is_low)
        t->stats.health = OK; // as far as can be seen without writing
}

static void drain(struct store_thread *t)
{
    bool is_quitting = false;
    while (!list_is_empty(&t->waiting)) {
        struct list_node *node = NULL;
        struct store_op *barrier = fill(t);
        commit(t);
        while ((node = list_pop(&t->claims)) != NULL)
            run_and_finish(t, CONTAINER_OF(node, struct store_op, node));
        if (barrier != NULL && barrier->kind == STORE_QUIT)
            is_quitting = true;
        else if (barrier != NULL)
            run_and_finish(t, barrier);
        if (!list_is_empty(&t->done))
            post(t, false);
        idle(t, false);
    }
    if (is_quitting)
        quit(t);
    else
        CHECK(uv_timer_start(&t->quiet, on_quiet, QUIET_MS, 0) == 0);
}

static void on_gathered(uv_timer_t *timer)
{
    struct store_thread *t = NULL;
    CAST(t, timer->data, STORE_THREAD_MAGIC);
    t->waiting_alone = 0;
    drain(t);
}

// A commit costs the same for one outcome as for many, and whoever got the POST is served already:
// so outcomes alone wait a little. Anything that somebody waits for takes them along at once.
static bool may_gather(struct store_thread *t, const struct list *messages)
{
    LIST_FOREACH(node, messages) {
        if (CONTAINER_OF(node, struct store_op, node)->kind != STORE_SETTLE)
            return false;
        t->waiting_alone++;
    }
    return t->waiting_alone < GATHER_SETTLEMENTS;
}

static void on_messages(void *context, struct list *messages)
{
    struct store_thread *t = NULL;
    CAST(t, context, STORE_THREAD_MAGIC);
    bool is_gathering = may_gather(t, messages);
    list_splice(&t->waiting, messages);
    if (is_gathering) {
        if (!uv_is_active((uv_handle_t *)&t->gather))
            CHECK(uv_timer_start(&t->gather, on_gathered, GATHER_MS, 0) == 0);
        return;
    }
    CHECK(uv_timer_stop(&t->gather) == 0);
    t->waiting_alone = 0;
    drain(t);
}

static void on_quiet(uv_timer_t *timer)
{
    struct store_thread *t = NULL;
    CAST(t, timer->data, STORE_THREAD_MAGIC);
    idle(t, true);
    post(t, false); // statistics
    if (t->stats.health != OK && t->fatal == OK)
        CHECK(uv_timer_start(&t->quiet, on_quiet, QUIET_MS, 0) == 0);
}

static void run_thread(void *context)
{
    struct store_thread *t = NULL;
    CAST(t, context, STORE_THREAD_MAGIC);
    (void)uv_run(&t->loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&t->loop) == 0);
}

struct store_thread *store_thread_start(const struct backend *backend, struct journal_conn **conn,
                                        struct mailbox *to_main)
{
    struct store_thread *t = xcalloc(1, sizeof *t);
    t->magic = STORE_THREAD_MAGIC;
    t->backend = backend;
    t->conn = *conn;
    *conn = NULL;
    t->to_main = to_main;
    list_init(&t->waiting);
    list_init(&t->claims);
    list_init(&t->done);
    // Made here, used by the thread alone from its start on.
    CHECK(uv_loop_init(&t->loop) == 0);
    CHECK(uv_timer_init(&t->loop, &t->quiet) == 0);
    CHECK(uv_timer_init(&t->loop, &t->gather) == 0);
    t->quiet.data = t->gather.data = t;
    t->inbox = mailbox_start(&t->loop, on_messages, t);
    thread_start(&t->thread, "store", run_thread, t);
    return t;
}

struct mailbox *store_thread_mailbox(struct store_thread *thread)
{
    return thread->inbox;
}

void store_thread_join(struct store_thread *thread)
{
    thread_join(&thread->thread);
    thread->magic = 0;
    xfree(thread);
}
