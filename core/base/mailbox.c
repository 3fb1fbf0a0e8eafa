// SPDX-License-Identifier: MIT
// How threads meet: messages posted from any thread are handed over on the receiver's loop.
#include "base/mailbox.h"

#include <stdint.h>

#include "base/mem.h"

#define MAILBOX_MAGIC 0x6d61696cU

struct mailbox {
    uint32_t magic;             // MAILBOX_MAGIC
    bool is_stopped;            // under lock; nobody may post any more
    uv_mutex_t lock;            // guards waiting and is_stopped
    struct list waiting;        // owned messages
    uv_async_t async;           // owned; wakes the receiver
    mailbox_fn *on_messages;    // the receiver
    void *context;              // of on_messages; borrowed
    void (*on_stopped)(void *); // may be NULL
    void *stopped_context;      // of on_stopped; borrowed
};

static bool deliver(struct mailbox *mailbox)
{
    struct list messages;
    list_init(&messages);
    uv_mutex_lock(&mailbox->lock);
    list_splice(&messages, &mailbox->waiting);
    uv_mutex_unlock(&mailbox->lock);
    if (list_is_empty(&messages))
        return false;
    mailbox->on_messages(mailbox->context, &messages);
    CHECK(list_is_empty(&messages)); // the receiver owns them now
    return true;
}

static void on_async(uv_async_t *async)
{
    struct mailbox *mailbox = NULL;
    CAST(mailbox, async->data, MAILBOX_MAGIC);
    deliver(mailbox);
}

static void on_closed(uv_handle_t *handle)
{
    struct mailbox *mailbox = NULL;
    CAST(mailbox, handle->data, MAILBOX_MAGIC);
    void (*on_stopped)(void *) = mailbox->on_stopped;
    void *context = mailbox->stopped_context;
    uv_mutex_destroy(&mailbox->lock);
    mailbox->magic = 0;
    xfree(mailbox);
    if (on_stopped != NULL)
        on_stopped(context);
}

struct mailbox *mailbox_start(uv_loop_t *loop, mailbox_fn *on_messages, void *context)
{
    struct mailbox *mailbox = xcalloc(1, sizeof *mailbox);
    mailbox->magic = MAILBOX_MAGIC;
    mailbox->on_messages = on_messages;
    mailbox->context = context;
    list_init(&mailbox->waiting);
    CHECK(uv_mutex_init(&mailbox->lock) == 0);
    CHECK(uv_async_init(loop, &mailbox->async, on_async) == 0);
    mailbox->async.data = mailbox;
    return mailbox;
}

void mailbox_stop(struct mailbox *mailbox, void (*on_stopped)(void *context), void *context)
{
    while (deliver(mailbox)) {
    }
    uv_mutex_lock(&mailbox->lock);
    CHECK(!mailbox->is_stopped);
    mailbox->is_stopped = true;
    bool is_empty = list_is_empty(&mailbox->waiting);
    uv_mutex_unlock(&mailbox->lock);
    CHECK(is_empty);
    mailbox->on_stopped = on_stopped;
    mailbox->stopped_context = context;
    uv_close((uv_handle_t *)&mailbox->async, on_closed);
}

// The wake-up is sent under the lock: a message may be the sender's last, and its receiver may
// then stop the mailbox at once.
static void wake(struct mailbox *mailbox)
{
    CHECK(uv_async_send(&mailbox->async) == 0);
}

void mailbox_post(struct mailbox *mailbox, struct list_node *message)
{
    uv_mutex_lock(&mailbox->lock);
    CHECK(!mailbox->is_stopped);
    bool was_empty = list_is_empty(&mailbox->waiting);
    list_append(&mailbox->waiting, message);
    if (was_empty)
        wake(mailbox);
    uv_mutex_unlock(&mailbox->lock);
}

void mailbox_post_all(struct mailbox *mailbox, struct list *messages)
{
    if (list_is_empty(messages))
        return;
    uv_mutex_lock(&mailbox->lock);
    CHECK(!mailbox->is_stopped);
    bool was_empty = list_is_empty(&mailbox->waiting);
    list_splice(&mailbox->waiting, messages);
    if (was_empty)
        wake(mailbox);
    uv_mutex_unlock(&mailbox->lock);
}
