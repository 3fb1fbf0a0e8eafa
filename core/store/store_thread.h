// SPDX-License-Identifier: MIT
// The two threads behind store.h: store (journal and catalogue) and reader (queries). Started and
// joined on main; inside they run alone.
#pragma once

#include "base/mailbox.h"
#include "store/store.h"

// What a thread sends to main: finished operations.
#define STORE_BATCH_MAGIC 0x53424154u
struct store_batch {
    uint32_t magic;
    struct list_node node;
    struct list ops;          // borrowed operations, in the order in which they finished
    struct store_stats stats; // the sender's part of them
    enum err fatal;           // not OK: the file cannot be trusted any more
    bool is_reader;           // who sends it
    bool is_last;             // the thread ends
};

struct store_thread; // journal and catalogue
// Takes the connection; `to_main` is borrowed until the last batch.
struct store_thread *store_thread_start(const struct backend *backend, struct journal_conn **conn,
                                        struct mailbox *to_main);
struct mailbox *store_thread_mailbox(struct store_thread *thread);
// After its last batch.
void store_thread_join(struct store_thread *thread);

struct store_reader; // queries
struct store_reader *store_reader_start(const struct query *query, struct query_conn **conn,
                                        struct mailbox *to_main);
struct mailbox *store_reader_mailbox(struct store_reader *reader);
void store_reader_join(struct store_reader *reader);

struct store_batch *store_batch_new(void);
