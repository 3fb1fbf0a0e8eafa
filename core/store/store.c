// SPDX-License-Identifier: MIT
// The store as main sees it: operations are gathered during a turn of the loop and handed over just
// before it waits; results come back through a mailbox. Main only.
//
//   store_submit → on_prepare → (store or reader thread) → on_batches → op->on_done
//   store_stop → reader's last batch → store thread's last batch → on_inbox_stopped → on_closed
#include "store/store.h"

#include "base/mem.h"
#include "store/store_thread.h"

#define STORE_MAGIC 0x53544f52u
struct store {
    uint32_t magic;
    const struct backend *backend;
    struct journal_conn *loading; // the thread's; ours until the first hand-over
    struct store_thread *thread;  // owned
    struct store_reader *reader;  // owned
    struct mailbox *to_thread;    // borrowed from them
    struct mailbox *to_reader;
    struct mailbox *inbox; // owned; batches
    uv_prepare_t prepare;  // hands over
    struct list submitted; // for the store thread
    struct list reads;     // for the reader
    struct store_stats stats;
    void (*on_fatal)(void *context, const char *why);
    void *context; // of on_fatal
    bool is_stopping;
    struct store_op quit_thread, quit_reader;
    void (*on_stopped)(void *context);
    void *stopped_context;
};

void store_submit(struct store *store, struct store_op *op)
{
    CHECK(op->magic == STORE_OP_MAGIC && op->on_done != NULL && !store->is_stopping);
    list_append(op->kind == STORE_READ ? &store->reads : &store->submitted, &op->node);
}

static void hand_over(struct store *store)
{
    if (!list_is_empty(&store->submitted))
        store->loading = NULL;
    mailbox_post_all(store->to_thread, &store->submitted);
    mailbox_post_all(store->to_reader, &store->reads);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct store *store = NULL;
    CAST(store, prepare->data, STORE_MAGIC);
    hand_over(store);
}

// ---- results --------------------------------------------------------------------------------------

static void take_stats(struct store *store, const struct store_stats *fresh, bool is_reader)
{
    struct store_stats *stats = &store->stats;
    struct store_stats old = *stats;
    if (is_reader) {
        stats->reads = fresh->reads;
        stats->read_timeouts = fresh->read_timeouts;
        stats->read_us_sum = fresh->read_us_sum;
        return;
    }
    *stats = *fresh;
    stats->reads = old.reads;
    stats->read_timeouts = old.read_timeouts;
    stats->read_us_sum = old.read_us_sum;
}

static void on_closed(uv_handle_t *handle)
{
    struct store *store = NULL;
    CAST(store, handle->data, STORE_MAGIC);
    void (*on_stopped)(void *context) = store->on_stopped;
    void *context = store->stopped_context;
    store->magic = 0;
    xfree(store);
    if (on_stopped != NULL)
        on_stopped(context);
}

static void on_inbox_stopped(void *context)
{
    struct store *store = NULL;
    CAST(store, context, STORE_MAGIC);
    uv_close((uv_handle_t *)&store->prepare, on_closed);
}

// The reader goes first: the writer's connection must be the last that is closed.
static void on_last_batch(struct store *store)
{
    if (store->reader != NULL) {
        store_reader_join(store->reader);
        store->reader = NULL;
        mailbox_post(store->to_thread, &store->quit_thread.node);
        return;
    }
    store_thread_join(store->thread);
    store->thread = NULL;
    mailbox_stop(store->inbox, on_inbox_stopped, store);
}

static void take_batch(struct store *store, struct store_batch *batch)
{
    struct list_node *node = NULL;
    enum err fatal = batch->fatal;
    bool is_last = batch->is_last;
    bool is_reader = batch->is_reader;

    take_stats(store, &batch->stats, is_reader);
    while ((node = list_pop(&batch->ops)) != NULL) {
        struct store_op *op = CONTAINER_OF(node, struct store_op, node);
        CHECK(op->magic == STORE_OP_MAGIC);
        op->on_done(op);
    }
    batch->magic = 0;
    xfree(batch);
    if (fatal != OK)
        store->on_fatal(store->context, fatal == ERR_CORRUPT ? "the database is damaged"
                                                             : "the fate of a commit is not known");
    if (is_last)
        on_last_batch(store);
}

static void on_batches(void *context, struct list *messages)
{
    struct store *store = NULL;
    struct list_node *node = NULL;
    CAST(store, context, STORE_MAGIC);
    while ((node = list_pop(messages)) != NULL) {
        struct store_batch *batch = CONTAINER_OF(node, struct store_batch, node);
        CHECK(batch->magic == STORE_BATCH_MAGIC);
        take_batch(store, batch);
    }
}

// ---- life -------------------------------------------------------------------------------------------

// NOLINTNEXTLINE(readability-function-size): called once, with all that a start needs
enum err store_start(struct store **out, uv_loop_t *loop, const struct backend *backend,
                     const struct store_config *config, struct journal_start *start,
                     void (*on_fatal)(void *context, const char *why), void *context,
                     struct errmsg *message)
{
    struct journal_conn *conn = NULL;
    struct query_conn *query = NULL;
    struct journal_start found = {0};
    enum err err = backend->journal->open(&conn, config, &found, message);
    if (err == OK)
        err = backend->query->open(&query, config, message);
    if (err != OK) {
        backend->journal->close(&conn);
        xfree(found.due);
        return err;
    }
    struct store *store = xcalloc(1, sizeof *store);
    store->magic = STORE_MAGIC;
    store->backend = backend;
    store->loading = conn;
    store->on_fatal = on_fatal;
    store->context = context;
    list_init(&store->submitted);
    list_init(&store->reads);
    CHECK(uv_prepare_init(loop, &store->prepare) == 0);
    store->prepare.data = store;
    CHECK(uv_prepare_start(&store->prepare, on_prepare) == 0);
    store->inbox = mailbox_start(loop, on_batches, store);
    store->stats.gauges = backend->journal->gauges(conn);
    store->thread = store_thread_start(backend, &conn, store->inbox);
    store->reader = store_reader_start(backend->query, &query, store->inbox);
    store->to_thread = store_thread_mailbox(store->thread);
    store->to_reader = store_reader_mailbox(store->reader);
    *start = found;
    *out = store;
    return OK;
}

void store_stop(struct store *store, void (*on_stopped)(void *context), void *context)
{
    CHECK(!store->is_stopping);
    hand_over(store);
    store->is_stopping = true;
    store->on_stopped = on_stopped;
    store->stopped_context = context;
    store_op_init(&store->quit_thread, STORE_QUIT, NULL, NULL);
    store_op_init(&store->quit_reader, STORE_QUIT, NULL, NULL);
    mailbox_post(store->to_reader, &store->quit_reader.node);
}

enum err store_load(struct store *store, enum object_kind kind,
                    void (*on_object)(void *context, const struct object *object), void *context)
{
    CHECK(store->loading != NULL);
    return store->backend->catalogue->list(store->loading, kind, on_object, context);
}

enum err store_load_scripts(struct store *store,
                            void (*on_row)(void *context, const struct script_row *row),
                            void *context)
{
    CHECK(store->loading != NULL);
    return store->backend->catalogue->active_scripts(store->loading, on_row, context);
}

enum err store_owed(struct store *store, size_t max, struct claimed *out, size_t *count)
{
    CHECK(store->loading != NULL);
    return store->backend->journal->owed(store->loading, max, out, count);
}

void store_stats(const struct store *store, struct store_stats *out)
{
    *out = store->stats;
}
