// SPDX-License-Identifier: MIT
// How threads meet: messages posted from any thread are handed over on the receiver's loop.
//
// A list, a mutex and an eventfd: a message moves its content, and is the receiver's from then on.
// Messages are embedded: struct x { struct list_node node; … }. Order of one sender is kept.
#pragma once

#include <uv.h>

#include "base/list.h"

struct mailbox;

// Called on the receiver's loop with all messages that wait, in order; takes them all off the list.
typedef void mailbox_fn(void *context, struct list *messages);

// Receiver's thread. `context` is borrowed until stopped.
struct mailbox *mailbox_start(uv_loop_t *loop, mailbox_fn *on_messages, void *context);
// Receiver's thread. Delivers what is waiting first, then closes; the mailbox is freed just before
// `on_stopped` (may be NULL) runs. Nobody may post any more when this is called.
// May be called from within on_messages.
void mailbox_stop(struct mailbox *mailbox, void (*on_stopped)(void *context), void *context);
// Any thread. Wakes the receiver only when the list was empty.
void mailbox_post(struct mailbox *mailbox, struct list_node *message);
// Any thread. Moves all of `messages`, one lock and one wake-up.
void mailbox_post_all(struct mailbox *mailbox, struct list *messages);
