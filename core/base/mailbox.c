// SPDX-License-Identifier: MIT
// How threads meet: messages posted from any thread are handed over on the receiver's loop.
//
// The bell is an eventfd, not a uv_async: whoever that wakes spins for as long as its sender has not
// returned from waking, and on a shared core, where the woken thread runs first, that is for long.
#include "base/mailbox.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"

#define MAILBOX_MAGIC 0x6d61696cU

struct mailbox {
    uint32_t magic;             // MAILBOX_MAGIC
    bool is_stopped;            // under lock; nobody may post any more
    uv_mutex_t lock;            // guards waiting and is_stopped
    struct list waiting;        // owned messages
    int bell;                   // owned; an eventfd that wakes the receiver
    atomic_uint ringing;        // threads that are about to ring it; raised under the lock
    uv_poll_t poll;             // owned; of the bell
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

static void on_bell(uv_poll_t *poll, int status, int events)
{
    struct mailbox *mailbox = NULL;
    uint64_t count = 0;
    CAST(mailbox, poll->data, MAILBOX_MAGIC);
    CHECK(status == 0 && events == UV_READABLE);
    CHECK(read(mailbox->bell, &count, sizeof count) == sizeof count || errno == EAGAIN);
    deliver(mailbox);
}

static void on_closed(uv_handle_t *handle)
{
    struct mailbox *mailbox = NULL;
    CAST(mailbox, handle->data, MAILBOX_MAGIC);
    void (*on_stopped)(void *) = mailbox->on_stopped;
    void *context = mailbox->stopped_context;
    CHECK(close(mailbox->bell) == 0);
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
    mailbox->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(mailbox->bell >= 0);
    CHECK(uv_poll_init(loop, &mailbox->poll, mailbox->bell) == 0);
    mailbox->poll.data = mailbox;
    CHECK(uv_poll_start(&mailbox->poll, UV_READABLE, on_bell) == 0);
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
    // A message may be its sender's last, and be taken before its sender has rung.
    while (atomic_load(&mailbox->ringing) > 0)
        (void)sched_yield();
    mailbox->on_stopped = on_stopped;
    mailbox->stopped_context = context;
    uv_close((uv_handle_t *)&mailbox->poll, on_closed);
}

// Rings outside of the lock: a receiver that runs at once must not wait for it.
static void ring(struct mailbox *mailbox)
{
    const uint64_t one = 1;
    CHECK(write(mailbox->bell, &one, sizeof one) == sizeof one);
    atomic_fetch_sub(&mailbox->ringing, 1); // from here on it may be gone
}

static void lock(struct mailbox *mailbox)
{
    uv_mutex_lock(&mailbox->lock);
    CHECK(!mailbox->is_stopped);
}

// Rings when there was nothing before.
static void unlock(struct mailbox *mailbox, bool was_empty)
{
    if (was_empty)
        atomic_fetch_add(&mailbox->ringing, 1);
    uv_mutex_unlock(&mailbox->lock);
    if (was_empty)
        ring(mailbox);
}

void mailbox_post(struct mailbox *mailbox, struct list_node *message)
{
    lock(mailbox);
    bool was_empty = list_is_empty(&mailbox->waiting);
    list_append(&mailbox->waiting, message);
    unlock(mailbox, was_empty);
}

void mailbox_post_all(struct mailbox *mailbox, struct list *messages)
{
    if (list_is_empty(messages))
        return;
    lock(mailbox);
    bool was_empty = list_is_empty(&mailbox->waiting);
    list_splice(&mailbox->waiting, messages);
    unlock(mailbox, was_empty);
}
