// SPDX-License-Identifier: MIT
// One sender thread: its loop, its transfers, and the attempts that wait for a name's address.
#pragma once

#include "base/mailbox.h"
#include "send/sender.h"
#include "send/transfer.h"

struct sender_thread;

// Main. `results` gets ended attempts, and in the end sender_thread_last_message.
struct sender_thread *sender_thread_start(const struct sender_config *config, uint32_t index,
                                          struct mailbox *results);
// Main. Hands attempts over, all of them.
void sender_thread_post(struct sender_thread *thread, struct list *attempts);
// Main. No attempts afterwards; what is under way after `grace_ms` comes back as OUTCOME_NONE.
void sender_thread_stop(struct sender_thread *thread, int64_t grace_ms);
// Main. The node that the thread posts when it will post nothing any more.
const struct list_node *sender_thread_last_message(const struct sender_thread *thread);
// Main, after the last message: joins and frees.
void sender_thread_free(struct sender_thread *thread);
// Any thread.
const struct transfer_stats *sender_thread_stats(const struct sender_thread *thread);
