// SPDX-License-Identifier: MIT
// Tests of base/mailbox and base/thread: order by sender, batches, stopping, names; several threads.
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mailbox.h"
#include "base/mem.h"
#include "base/thread.h"

#define SENDERS  4
#define MESSAGES 20000 // of each sender

struct message {
    struct list_node node; // in the mailbox
    int sender;
    int number; // counts up by sender; MESSAGES says goodbye
};

struct receiver {
    uv_loop_t loop;          // of the test's thread
    struct mailbox *mailbox; // owned
    int next[SENDERS];       // number awaited of each sender
    int goodbyes;            // senders that have ended
    size_t calls;            // of on_messages
    bool is_stopped;         // on_stopped ran
    bool does_post_again;    // the next message makes the receiver post to itself
};

struct sender {
    struct mailbox *mailbox; // borrowed
    int id;
    bool is_batching; // by mailbox_post_all
};

static void on_stopped(void *context)
{
    struct receiver *r = context;
    r->is_stopped = true;
}

static void take(struct receiver *r, struct message *message)
{
    assert_int_equal(message->number, r->next[message->sender]);
    r->next[message->sender]++;
    if (message->number == MESSAGES)
        r->goodbyes++;
    xfree(message);
}

// Stops inside the callback, as soon as the last goodbye is read: its sender may still be in
// mailbox_post.
static void on_messages(void *context, struct list *messages)
{
    struct receiver *r = context;
    int before = r->goodbyes;
    r->calls++;
    struct list_node *node = NULL;
    while ((node = list_pop(messages)) != NULL)
        take(r, CONTAINER_OF(node, struct message, node));
    if (r->goodbyes == SENDERS && before < SENDERS)
        mailbox_stop(r->mailbox, on_stopped, r);
}

static struct message *message_new(int sender, int number)
{
    struct message *message = xcalloc(1, sizeof *message);
    message->sender = sender;
    message->number = number;
    return message;
}

static void send_all(void *context)
{
    struct sender *sender = context;
    struct list batch;
    list_init(&batch);
    for (int i = 0; i <= MESSAGES; i++) {
        struct message *message = message_new(sender->id, i);
        if (!sender->is_batching) {
            mailbox_post(sender->mailbox, &message->node);
            continue;
        }
        list_append(&batch, &message->node);
        if (i % 100 == 99 || i == MESSAGES) {
            mailbox_post_all(sender->mailbox, &batch);
            mailbox_post_all(sender->mailbox, &batch); // nothing
        }
    }
}

static void test_senders(void **state)
{
    (void)state;
    static struct receiver r;
    struct sender senders[SENDERS];
    uv_thread_t threads[SENDERS];
    assert_int_equal(uv_loop_init(&r.loop), 0);
    r.mailbox = mailbox_start(&r.loop, on_messages, &r);
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){r.mailbox, i, i % 2 == 1};
        thread_start(&threads[i], "send", send_all, &senders[i]);
    }
    assert_int_equal(uv_run(&r.loop, UV_RUN_DEFAULT), 0);
    for (int i = 0; i < SENDERS; i++) {
        thread_join(&threads[i]);
        assert_int_equal(r.next[i], MESSAGES + 1);
    }
    assert_true(r.is_stopped);
    assert_true(r.calls >= 1);
    assert_int_equal(uv_loop_close(&r.loop), 0);
}

static void on_messages_post_again(void *context, struct list *messages)
{
    struct receiver *r = context;
    struct list_node *node = NULL;
    r->calls++;
    while ((node = list_pop(messages)) != NULL)
        take(r, CONTAINER_OF(node, struct message, node));
    if (r->does_post_again) {
        r->does_post_again = false;
        mailbox_post(r->mailbox, &message_new(0, r->next[0])->node);
    }
}

// What waits is delivered before it closes, also what the receiver posts meanwhile.
static void test_stop_delivers(void **state)
{
    (void)state;
    static struct receiver r;
    assert_int_equal(uv_loop_init(&r.loop), 0);
    r.does_post_again = true;
    r.mailbox = mailbox_start(&r.loop, on_messages_post_again, &r);
    mailbox_post(r.mailbox, &message_new(0, 0)->node);
    mailbox_post(r.mailbox, &message_new(0, 1)->node);
    assert_int_equal(r.calls, 0); // never from within a post
    mailbox_stop(r.mailbox, on_stopped, &r);
    assert_int_equal(r.next[0], 3);
    assert_int_equal(r.calls, 2);
    assert_false(r.is_stopped);
    assert_int_equal(uv_run(&r.loop, UV_RUN_DEFAULT), 0);
    assert_true(r.is_stopped);
    assert_int_equal(uv_loop_close(&r.loop), 0);
}

static void test_stop_without_callback(void **state)
{
    (void)state;
    struct receiver r = {0};
    assert_int_equal(uv_loop_init(&r.loop), 0);
    r.mailbox = mailbox_start(&r.loop, on_messages, &r);
    mailbox_stop(r.mailbox, NULL, NULL);
    assert_int_equal(uv_run(&r.loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(r.calls, 0);
    assert_int_equal(uv_loop_close(&r.loop), 0);
}

struct look {
    char name[32];    // of the thread
    bool blocks_term; // SIGTERM is main's
    bool blocks_segv; // its own faults are not
};

static void look_around(void *context)
{
    struct look *look = context;
    sigset_t mask;
    assert_int_equal(pthread_getname_np(pthread_self(), look->name, sizeof look->name), 0);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
    look->blocks_term = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGCHLD) == 1;
    look->blocks_segv = sigismember(&mask, SIGSEGV) == 1;
}

static void test_thread(void **state)
{
    (void)state;
    struct look look = {.name = ""};
    uv_thread_t thread;
    thread_start(&thread, "fifteen-letters", look_around, &look);
    thread_join(&thread);
    assert_string_equal(look.name, "fifteen-letters");
    assert_true(look.blocks_term);
    assert_false(look.blocks_segv);
    sigset_t mask;
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
    assert_int_equal(sigismember(&mask, SIGTERM), 0); // ours is as before
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_senders),
        cmocka_unit_test(test_stop_delivers),
        cmocka_unit_test(test_stop_without_callback),
        cmocka_unit_test(test_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
