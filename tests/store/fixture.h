// SPDX-License-Identifier: MIT
// What the store's tests share: a database in a folder of its own, events made short; test's thread.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/backend.h"

#define assert_ok(expression) assert_int_equal((expression), OK)

struct fixture {
    const struct backend *backend;
    char folder[64];
    char location[96];
    struct store_config config;
    struct journal_conn *conn;
    struct journal_start start;
    uint64_t next_seq;
    int64_t now_ms; // accepted_ms of the next event
};

// A fresh database, open.
void fixture_init(struct fixture *f, const struct backend *backend);
void fixture_deinit(struct fixture *f);
void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);
// Copies the files as they are to a new folder, without closing: what a crash leaves. `f` then
// stands for the copy, open; the first one is closed.
void fixture_crash(struct fixture *f);

// An event for `count` webhooks, numbers `webhooks`; `key` may be NULL. One reference.
struct event *fixture_event(struct fixture *f, const char *key, const uint32_t *webhooks,
                            uint32_t count);
// Appends one that goes to these webhooks from memory; its seq.
uint64_t fixture_append(struct fixture *f, const uint32_t *webhooks, uint32_t count);
void fixture_settle(struct fixture *f, const struct settlement *settlement);
// journal.retry of one: its verdict.
enum err fixture_retry(struct fixture *f, uint64_t *delivery, int64_t now_ms, uint32_t *webhook,
                       bool *was_waiting);
// A settlement with its usual fields.
struct settlement fixture_outcome(uint64_t delivery, uint32_t webhook, enum delivery_state state);
// How many deliveries are owed; their ids into `out`, at most `max`.
size_t fixture_owed(struct fixture *f, uint64_t *out, size_t max);
