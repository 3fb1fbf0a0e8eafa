// SPDX-License-Identifier: MIT
// The reader thread: runs the queries of the API, one after the other, on a read-only connection.
#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "store/store_thread.h"

#define STORE_READER_MAGIC 0x53545244u
struct store_reader {
    uint32_t magic;
    const struct query *query;
    struct query_conn *conn; // owned
    uv_loop_t loop;
    uv_thread_t thread;
    struct mailbox *inbox;   // owned; operations from main
    struct mailbox *to_main; // borrowed
    struct store_stats stats;
};

static void post(struct store_reader *reader, struct store_op *op)
{
    struct store_batch *batch = store_batch_new();
    if (op != NULL)
        list_append(&batch->ops, &op->node);
    batch->stats = reader->stats;
    batch->is_reader = true;
    batch->is_last = op == NULL;
    mailbox_post(reader->to_main, &batch->node);
}

static void on_inbox_stopped(void *context)
{
    struct store_reader *reader = NULL;
    CAST(reader, context, STORE_READER_MAGIC);
    reader->inbox = NULL;
    reader->query->close(&reader->conn);
    post(reader, NULL);
}

static void run_read(struct store_reader *reader, struct store_op *op)
{
    int64_t start_ns = clock_mono_ns();
    CHECK(op->kind == STORE_READ);
    struct store_read *read = CONTAINER_OF(op, struct store_read, op);
    op->err = read->read(reader->query, reader->conn, op->context);
    reader->stats.reads++;
    reader->stats.read_timeouts += op->err == ERR_TIMEOUT;
    reader->stats.read_us_sum += (uint64_t)((clock_mono_ns() - start_ns) / 1000);
    post(reader, op);
}

static void on_messages(void *context, struct list *messages)
{
    struct store_reader *reader = NULL;
    struct list_node *node = NULL;
    CAST(reader, context, STORE_READER_MAGIC);
    while ((node = list_pop(messages)) != NULL) {
        struct store_op *op = CONTAINER_OF(node, struct store_op, node);
        CHECK(op->magic == STORE_OP_MAGIC);
        if (op->kind == STORE_QUIT)
            mailbox_stop(reader->inbox, on_inbox_stopped, reader);
        else
            run_read(reader, op);
    }
}

static void run_thread(void *context)
{
    struct store_reader *reader = NULL;
    CAST(reader, context, STORE_READER_MAGIC);
    (void)uv_run(&reader->loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&reader->loop) == 0);
}

struct store_reader *store_reader_start(const struct query *query, struct query_conn **conn,
                                        struct mailbox *to_main)
{
    struct store_reader *reader = xcalloc(1, sizeof *reader);
    reader->magic = STORE_READER_MAGIC;
    reader->query = query;
    reader->conn = *conn;
    *conn = NULL;
    reader->to_main = to_main;
    CHECK(uv_loop_init(&reader->loop) == 0);
    reader->inbox = mailbox_start(&reader->loop, on_messages, reader);
    thread_start(&reader->thread, "reader", run_thread, reader);
    return reader;
}

struct mailbox *store_reader_mailbox(struct store_reader *reader)
{
    return reader->inbox;
}

void store_reader_join(struct store_reader *reader)
{
    thread_join(&reader->thread);
    reader->magic = 0;
    xfree(reader);
}
