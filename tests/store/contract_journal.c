// SPDX-License-Identifier: MIT
// What every backend's journal promises; test's thread.
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "contract.h"
#include "fixture.h"

static const struct backend *backend_under_test;

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    fixture_init(f, backend_under_test);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_deinit(*state);
    xfree(*state);
    return 0;
}

#define ONE ((const uint32_t[]){7})
#define TWO ((const uint32_t[]){7, 8})

static size_t claim(struct fixture *f, uint32_t webhook, int64_t now_ms, struct claimed *rows,
                    size_t max, int64_t *next_due_ms)
{
    struct claim wish = {.webhook = webhook, .now_ms = now_ms, .max = max, .rows = rows};
    assert_ok(f->backend->journal->claim(f->conn, &wish));
    if (next_due_ms != NULL)
        *next_due_ms = wish.next_due_ms;
    return wish.count;
}

static void unref_rows(struct claimed *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        event_unref(rows[i].event);
}

static size_t claim_only(struct fixture *f, uint32_t webhook, int64_t now_ms)
{
    struct claimed rows[16];
    size_t count = claim(f, webhook, now_ms, rows, COUNT_OF(rows), NULL);
    unref_rows(rows, count);
    return count;
}

static void test_starts_empty(void **state)
{
    struct fixture *f = *state;
    uint8_t key[32];
    memcpy(key, f->start.id_key, sizeof key);
    assert_int_equal(f->start.next_seq, 1);
    assert_int_equal(f->start.due_count, 0);
    assert_int_equal(fixture_owed(f, NULL, 0), 0);
    fixture_close(f);
    fixture_open(f);
    assert_memory_equal(key, f->start.id_key, sizeof key);
    assert_int_equal(f->start.next_seq, 1);
}

static void test_numbers_go_on(void **state)
{
    struct fixture *f = *state;
    uint64_t seq = fixture_append(f, ONE, 1);
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(f->start.next_seq, seq + 1);
    // Also when all is settled and the event has no webhook at all.
    uint64_t last = fixture_append(f, NULL, 0);
    fixture_crash(f);
    assert_int_equal(f->start.next_seq, last + 1);
}

static void test_owed_after_crash(void **state)
{
    struct fixture *f = *state;
    uint64_t owed[8];
    uint64_t first = fixture_append(f, TWO, 2);
    uint64_t second = fixture_append(f, TWO, 2);
    struct settlement done = fixture_outcome(delivery_id(first, 1), 8, DELIVERY_DELIVERED);
    fixture_settle(f, &done);
    struct settlement later = fixture_outcome(delivery_id(second, 0), 7, DELIVERY_PENDING);
    fixture_settle(f, &later);
    fixture_crash(f);
    assert_int_equal(fixture_owed(f, owed, COUNT_OF(owed)), 2);
    assert_int_equal(owed[0], delivery_id(first, 0));
    assert_int_equal(owed[1], delivery_id(second, 1));
    assert_int_equal(f->start.low_water, first);
    assert_int_equal(f->start.due_count, 1);
    assert_int_equal(f->start.due[0].webhook, 7);
    assert_int_equal(f->start.due[0].rows, 1);
    assert_int_equal(f->start.due[0].due_ms, later.due_ms);
    // It can go on, and the mark follows.
    done = fixture_outcome(owed[0], 7, DELIVERY_DELIVERED);
    fixture_settle(f, &done);
    done = fixture_outcome(owed[1], 8, DELIVERY_DEAD);
    fixture_settle(f, &done);
    fixture_append(f, NULL, 0);
    fixture_crash(f);
    assert_int_equal(fixture_owed(f, owed, COUNT_OF(owed)), 0);
    assert_int_equal(f->start.low_water, f->start.next_seq);
}

static void test_append_pending(void **state)
{
    struct fixture *f = *state;
    struct claimed rows[4];
    int64_t next = 0;
    int64_t due[2] = {APPEND_IN_MEMORY, f->now_ms + 1000};
    struct append append = {.event = fixture_event(f, NULL, TWO, 2), .due_ms = due};
    assert_ok(f->backend->journal->commit(f->conn, &append, 1, NULL, 0));
    assert_int_equal(claim(f, 8, f->now_ms, rows, 4, &next), 0);
    assert_int_equal(next, due[1]);
    assert_int_equal(claim(f, 7, INT64_MAX - 1, rows, 4, &next), 0);
    assert_int_equal(next, INT64_MAX);
    assert_int_equal(claim(f, 8, due[1], rows, 4, &next), 1);
    assert_int_equal(next, INT64_MAX);
    assert_int_equal(rows[0].delivery, delivery_id(append.event->seq, 1));
    assert_int_equal(rows[0].webhook, 8);
    assert_int_equal(rows[0].attempts, 0);
    assert_true(rows[0].has_row);
    assert_true(span_eq(rows[0].event->payload, append.event->payload));
    unref_rows(rows, 1);
    event_unref(append.event);
    fixture_crash(f);
    uint64_t owed = 0;
    assert_int_equal(fixture_owed(f, &owed, 1), 1);
    assert_int_equal(delivery_index(owed), 0);
}

static void test_claims(void **state)
{
    struct fixture *f = *state;
    struct claimed rows[8];
    int64_t next = 0;
    uint64_t ids[3];
    for (size_t i = 0; i < 3; i++) {
        ids[i] = delivery_id(fixture_append(f, ONE, 1), 0);
        struct settlement s = fixture_outcome(ids[i], 7, DELIVERY_PENDING);
        s.due_ms = f->now_ms - (int64_t)i; // the youngest is due first
        s.attempts = (uint32_t)i + 1;
        s.kills = 2;
        fixture_settle(f, &s);
    }
    assert_int_equal(claim(f, 7, f->now_ms, rows, 2, &next), 2);
    assert_int_equal(rows[0].delivery, ids[2]);
    assert_int_equal(rows[0].attempts, 3);
    assert_int_equal(rows[0].kills, 2);
    assert_int_equal(rows[1].delivery, ids[1]);
    assert_int_equal(next, f->now_ms);
    unref_rows(rows, 2);
    // What is out is not handed out again; giving back makes it free, with its row as it was.
    assert_int_equal(claim_only(f, 7, f->now_ms), 1);
    assert_int_equal(claim_only(f, 7, f->now_ms), 0);
    struct settlement back = {
        .delivery = ids[1], .webhook = 7, .state = DELIVERY_PENDING, .is_unclaim = true};
    fixture_settle(f, &back);
    assert_int_equal(claim(f, 7, f->now_ms, rows, 8, NULL), 1);
    assert_int_equal(rows[0].attempts, 2);
    unref_rows(rows, 1);
    // A crash releases all.
    fixture_crash(f);
    assert_int_equal(claim_only(f, 7, f->now_ms), 3);
    assert_int_equal(fixture_owed(f, NULL, 0), 0);
}

static void test_held_row(void **state)
{
    struct fixture *f = *state;
    uint64_t id = delivery_id(fixture_append(f, ONE, 1), 0);
    struct settlement s = fixture_outcome(id, 7, DELIVERY_PENDING);
    s.due_ms = f->now_ms;
    s.is_held = true;
    fixture_settle(f, &s);
    assert_int_equal(claim_only(f, 7, f->now_ms), 0);
    // Settled as pending again: free from its new due time on.
    s.has_row = true;
    s.is_held = false;
    s.attempts = 2;
    fixture_settle(f, &s);
    assert_int_equal(claim_only(f, 7, f->now_ms), 1);
    s.is_held = true;
    fixture_settle(f, &s);
    fixture_crash(f);
    assert_int_equal(claim_only(f, 7, f->now_ms), 1);
}

static void test_never_due(void **state)
{
    struct fixture *f = *state;
    int64_t next = 0;
    struct claimed rows[1];
    struct settlement s =
        fixture_outcome(delivery_id(fixture_append(f, ONE, 1), 0), 7, DELIVERY_PENDING);
    s.due_ms = INT64_MAX;
    fixture_settle(f, &s);
    assert_int_equal(claim(f, 7, INT64_MAX, rows, 1, &next), 0);
    assert_int_equal(next, INT64_MAX);
}

static void test_settle_many_at_once(void **state)
{
    struct fixture *f = *state;
    uint64_t id = delivery_id(fixture_append(f, ONE, 1), 0);
    struct settlement s[3] = {
        fixture_outcome(id, 7, DELIVERY_PENDING),
        fixture_outcome(id, 7, DELIVERY_PENDING),
        fixture_outcome(id, 7, DELIVERY_DELIVERED),
    };
    s[1].has_row = s[2].has_row = true;
    s[2].attempts = 3;
    assert_ok(f->backend->journal->commit(f->conn, NULL, 0, s, 3));
    assert_int_equal(f->backend->journal->gauges(f->conn).pending_rows, 0);
    assert_int_equal(claim_only(f, 7, INT64_MAX - 1), 0);
    fixture_crash(f);
    assert_int_equal(fixture_owed(f, NULL, 0), 0);
    assert_int_equal(f->start.due_count, 0);
}

// has_row is a hint: whatever it says, no row is lost and none is doubled.
static void test_wrong_hint(void **state)
{
    struct fixture *f = *state;
    uint64_t id = delivery_id(fixture_append(f, ONE, 1), 0);
    struct settlement s = fixture_outcome(id, 7, DELIVERY_PENDING);
    s.has_row = true;
    fixture_settle(f, &s);
    assert_int_equal(f->backend->journal->gauges(f->conn).pending_rows, 1);
    s.has_row = false;
    fixture_settle(f, &s);
    assert_int_equal(f->backend->journal->gauges(f->conn).pending_rows, 1);
    s = fixture_outcome(id, 7, DELIVERY_DELIVERED);
    s.has_row = true;
    fixture_settle(f, &s);
    fixture_settle(f, &s); // twice
    assert_int_equal(f->backend->journal->gauges(f->conn).pending_rows, 0);
    fixture_crash(f);
    assert_int_equal(f->start.due_count, 0);
    assert_int_equal(fixture_owed(f, NULL, 0), 0);
}

// A second settle of one delivery must not count for another: the mark would run ahead.
static void test_settled_twice_owes_the_other(void **state)
{
    struct fixture *f = *state;
    uint64_t owed = 0;
    uint64_t seq = fixture_append(f, TWO, 2);
    struct settlement s = fixture_outcome(delivery_id(seq, 0), 7, DELIVERY_DELIVERED);
    fixture_settle(f, &s);
    fixture_settle(f, &s);
    fixture_append(f, NULL, 0);
    fixture_append(f, NULL, 0);
    fixture_crash(f);
    assert_int_equal(fixture_owed(f, &owed, 1), 1);
    assert_int_equal(owed, delivery_id(seq, 1));
}

static struct append key_append(struct fixture *f, const char *key, uint8_t content)
{
    struct append append = {.event = fixture_event(f, key, ONE, 1)};
    memset(append.event->content_hash, content, 32);
    return append;
}

static void test_idempotency(void **state)
{
    struct fixture *f = *state;
    struct append batch[4] = {key_append(f, "a", 1), key_append(f, "a", 1), key_append(f, "a", 2),
                              key_append(f, "b", 1)};
    assert_ok(f->backend->journal->commit(f->conn, batch, 4, NULL, 0));
    assert_int_equal(batch[0].verdict, APPEND_STORED);
    assert_int_equal(batch[1].verdict, APPEND_DUPLICATE);
    assert_true(uid_eq(&batch[1].first_id, &batch[0].event->id));
    assert_int_equal(batch[1].first_deliveries, 1);
    assert_int_equal(batch[2].verdict, APPEND_ID_REUSED);
    assert_int_equal(batch[3].verdict, APPEND_STORED);
    fixture_crash(f);
    struct append again = key_append(f, "a", 1);
    assert_ok(f->backend->journal->commit(f->conn, &again, 1, NULL, 0));
    assert_int_equal(again.verdict, APPEND_DUPLICATE);
    assert_true(uid_eq(&again.first_id, &batch[0].event->id));
    event_unref(again.event);
    // Another tenant's key is another key.
    again.event = event_new(&(struct event_source){
        .tenant = SPAN("other"), .name = SPAN("x"), .key_id = SPAN("a"), .payload = SPAN("1")});
    again.event->seq = f->next_seq++;
    again.event->accepted_ms = f->now_ms;
    assert_ok(f->backend->journal->commit(f->conn, &again, 1, NULL, 0));
    assert_int_equal(again.verdict, APPEND_STORED);
    event_unref(again.event);
    // Duplicates were never stored: nothing is owed for them.
    assert_int_equal(fixture_owed(f, NULL, 0), 2);
    for (size_t i = 0; i < COUNT_OF(batch); i++)
        event_unref(batch[i].event);
}

static void test_idempotency_window(void **state)
{
    struct fixture *f = *state;
    struct append first = key_append(f, "k", 1);
    assert_ok(f->backend->journal->commit(f->conn, &first, 1, NULL, 0));
    f->now_ms += f->config.idempotency_window_ms;
    struct append inside = key_append(f, "k", 1);
    assert_ok(f->backend->journal->commit(f->conn, &inside, 1, NULL, 0));
    assert_int_equal(inside.verdict, APPEND_DUPLICATE);
    f->now_ms += 1;
    struct append outside = key_append(f, "k", 2);
    assert_ok(f->backend->journal->commit(f->conn, &outside, 1, NULL, 0));
    assert_int_equal(outside.verdict, APPEND_STORED);
    struct append newest = key_append(f, "k", 2);
    assert_ok(f->backend->journal->commit(f->conn, &newest, 1, NULL, 0));
    assert_int_equal(newest.verdict, APPEND_DUPLICATE);
    assert_true(uid_eq(&newest.first_id, &outside.event->id));
    event_unref(first.event);
    event_unref(inside.event);
    event_unref(outside.event);
    event_unref(newest.event);
}

static void test_retry(void **state)
{
    struct fixture *f = *state;
    bool was_waiting = false;
    struct claimed rows[4];
    uint64_t seq = fixture_append(f, TWO, 2);
    uint64_t id = delivery_id(seq, 0);
    uint32_t webhook = 0;
    // Owed: it will be sent anyway.
    assert_int_equal(fixture_retry(f, &id, f->now_ms, &webhook, &was_waiting), ERR_CONFLICT);
    struct settlement s = fixture_outcome(id, 7, DELIVERY_DEAD);
    s.attempts = 12;
    fixture_settle(f, &s);
    assert_ok(fixture_retry(f, &id, f->now_ms, &webhook, &was_waiting));
    assert_int_equal(webhook, 7);
    assert_int_equal(id, delivery_id(seq, 0));
    assert_false(was_waiting);
    // It waits, and becomes due now; who has claimed it keeps it.
    f->now_ms -= 1000;
    assert_int_equal(claim_only(f, 7, f->now_ms), 0);
    webhook = 0;
    assert_ok(fixture_retry(f, &id, f->now_ms, &webhook, &was_waiting));
    assert_true(was_waiting);
    assert_int_equal(webhook, 7);
    assert_int_equal(claim_only(f, 7, f->now_ms), 1);
    webhook = 0;
    assert_int_equal(fixture_retry(f, &id, f->now_ms, &webhook, &was_waiting), ERR_CONFLICT);
    fixture_crash(f);
    assert_int_equal(claim(f, 7, f->now_ms, rows, 4, NULL), 1);
    assert_true(rows[0].is_replay);
    assert_int_equal(rows[0].attempts, 12);
    unref_rows(rows, 1);
    // It is delivered now, and may be retried all the same.
    s = fixture_outcome(id, 7, DELIVERY_DELIVERED);
    s.has_row = true;
    s.attempts = 13;
    fixture_settle(f, &s);
    assert_int_equal(claim_only(f, 7, f->now_ms), 0);
    assert_ok(fixture_retry(f, &id, f->now_ms, &webhook, &was_waiting));
    id = delivery_id(seq + 100, 0);
    webhook = 0;
    assert_int_equal(fixture_retry(f, &id, f->now_ms, &webhook, &was_waiting), ERR_NOT_FOUND);
    id = delivery_id(seq, 5);
    assert_int_equal(fixture_retry(f, &id, f->now_ms, &webhook, &was_waiting), ERR_NOT_FOUND);
}

// One that cannot be made says so; the others are made all the same, in one transaction.
static void test_retry_many(void **state)
{
    enum { MANY = 40 };
    struct fixture *f = *state;
    struct redo list[MANY + 2] = {{0}};
    struct claimed rows[MANY];
    for (size_t i = 0; i < MANY; i++) {
        uint64_t seq = fixture_append(f, TWO, 2);
        struct settlement s = fixture_outcome(delivery_id(seq, 0), 7, DELIVERY_DEAD);
        list[i].delivery = delivery_id(seq, i % 2); // of every second one: what is owed
        fixture_settle(f, &s);
    }
    list[MANY].delivery = delivery_id(1 << 20, 0);
    list[MANY + 1] = (struct redo){.delivery = list[0].delivery, .webhook = 40};
    assert_ok(f->backend->journal->retry(f->conn, list, MANY + 2, f->now_ms));
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(list[i].err, i % 2 ? ERR_CONFLICT : OK);
        assert_int_equal(list[i].webhook, i % 2 ? 0 : 7);
    }
    assert_int_equal(list[MANY].err, ERR_NOT_FOUND);
    assert_ok(list[MANY + 1].err);
    assert_int_equal(delivery_index(list[MANY + 1].delivery), 2);
    assert_int_equal(claim(f, 7, f->now_ms, rows, MANY, NULL), MANY / 2);
    unref_rows(rows, MANY / 2);
    assert_int_equal(claim_only(f, 40, f->now_ms), 1);
    assert_ok(f->backend->journal->retry(f->conn, NULL, 0, f->now_ms));
}

static void test_replay_to_another(void **state)
{
    struct fixture *f = *state;
    bool was_waiting = false;
    uint64_t seq = fixture_append(f, TWO, 2);
    uint64_t id = delivery_id(seq, 0);
    uint32_t webhook = 30;
    assert_ok(fixture_retry(f, &id, f->now_ms, &webhook, &was_waiting));
    assert_int_equal(id, delivery_id(seq, 2));
    assert_int_equal(webhook, 30);
    assert_int_equal(claim_only(f, 30, f->now_ms), 1);
    id = delivery_id(seq, 0);
    assert_int_equal(fixture_retry(f, &id, f->now_ms, &webhook, &was_waiting), ERR_CONFLICT);
    struct settlement s = fixture_outcome(delivery_id(seq, 2), 30, DELIVERY_DELIVERED);
    s.has_row = true;
    fixture_settle(f, &s);
    // The same place again, the next one for another webhook, the list's own for one in the list.
    id = delivery_id(seq, 0);
    assert_ok(fixture_retry(f, &id, f->now_ms, &webhook, &was_waiting));
    assert_int_equal(id, delivery_id(seq, 2));
    webhook = 31;
    id = delivery_id(seq, 0);
    assert_ok(fixture_retry(f, &id, f->now_ms, &webhook, &was_waiting));
    assert_int_equal(id, delivery_id(seq, 3));
    webhook = 8;
    id = delivery_id(seq, 0);
    assert_int_equal(fixture_retry(f, &id, f->now_ms, &webhook, &was_waiting), ERR_CONFLICT);
    // A place beyond the list is never owed.
    fixture_crash(f);
    assert_int_equal(fixture_owed(f, NULL, 0), 2);
}

static void test_cancel(void **state)
{
    struct fixture *f = *state;
    size_t count = 0;
    uint64_t ids[5];
    for (size_t i = 0; i < 5; i++) {
        ids[i] = delivery_id(fixture_append(f, TWO, 2), 0);
        struct settlement s = fixture_outcome(ids[i], 7, DELIVERY_PENDING);
        s.due_ms = f->now_ms + (i == 0 ? 0 : 60000);
        fixture_settle(f, &s);
        s = fixture_outcome(ids[i] + 1, 8, DELIVERY_PENDING);
        fixture_settle(f, &s);
    }
    assert_int_equal(claim_only(f, 7, f->now_ms), 1);
    assert_ok(f->backend->journal->cancel(f->conn, 7, f->now_ms, 3, &count));
    assert_int_equal(count, 3);
    assert_ok(f->backend->journal->cancel(f->conn, 7, f->now_ms, 3, &count));
    assert_int_equal(count, 1);
    assert_ok(f->backend->journal->cancel(f->conn, 7, f->now_ms, 3, &count));
    assert_int_equal(count, 0);
    fixture_crash(f);
    assert_int_equal(claim_only(f, 7, INT64_MAX - 1), 1); // the claimed one was its holder's
    assert_int_equal(claim_only(f, 8, INT64_MAX - 1), 5);
    assert_int_equal(fixture_owed(f, NULL, 0), 0);
}

static size_t prune(struct fixture *f, int64_t events_before_ms, int64_t dead_before_ms, size_t max)
{
    size_t count = 99;
    assert_ok(f->backend->journal->prune(f->conn, events_before_ms, dead_before_ms, max, &count));
    return count;
}

static void test_prune(void **state)
{
    struct fixture *f = *state;
    enum { DAY = 86400000 };
    int64_t now = f->now_ms;
    uint64_t seqs[6];
    f->now_ms = now - 40ll * DAY;
    for (size_t i = 0; i < 6; i++)
        seqs[i] = fixture_append(f, ONE, 1);
    static const enum delivery_state states[] = {DELIVERY_DELIVERED, DELIVERY_DEAD,
                                                 DELIVERY_PENDING, DELIVERY_DELIVERED,
                                                 DELIVERY_DELIVERED};
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        struct settlement s = fixture_outcome(delivery_id(seqs[i], 0), 7, states[i]);
        s.at_ms = now - 35ll * DAY;
        s.attempt = SPAN("not looked into");
        fixture_settle(f, &s);
    }
    f->now_ms = now;
    fixture_append(f, NULL, 0);
    // Two at a time; the dead and the pending one are kept, the last is owed.
    assert_int_equal(prune(f, now - 30ll * DAY, now - 90ll * DAY, 2), 2);
    while (prune(f, now - 30ll * DAY, now - 90ll * DAY, 2) > 0) {
    }
    fixture_crash(f);
    assert_int_equal(f->start.next_seq, seqs[5] + 2);
    assert_int_equal(fixture_owed(f, NULL, 0), 1);
    uint64_t id = delivery_id(seqs[0], 0);
    uint32_t webhook = 0;
    bool was_waiting = false;
    assert_int_equal(fixture_retry(f, &id, now, &webhook, &was_waiting), ERR_NOT_FOUND);
    id = delivery_id(seqs[1], 0);
    assert_ok(fixture_retry(f, &id, now, &webhook, &was_waiting));
    // The kept pending one is claimed with its event, and settles.
    struct claimed rows[4];
    assert_int_equal(claim(f, 7, INT64_MAX - 1, rows, 4, NULL), 2);
    for (size_t i = 0; i < 2; i++) {
        struct settlement s = fixture_outcome(rows[i].delivery, 7, DELIVERY_DELIVERED);
        s.has_row = true;
        s.attempts = 2;
        s.at_ms = now - 31ll * DAY;
        fixture_settle(f, &s);
    }
    unref_rows(rows, 2);
    // Now they may go as well.
    while (prune(f, now - 30ll * DAY, now - 90ll * DAY, 2) > 0) {
    }
    id = delivery_id(seqs[1], 0);
    webhook = 0;
    assert_int_equal(fixture_retry(f, &id, now, &webhook, &was_waiting), ERR_NOT_FOUND);
    id = delivery_id(seqs[2], 0);
    assert_int_equal(fixture_retry(f, &id, now, &webhook, &was_waiting), ERR_NOT_FOUND);
}

static void test_many_webhooks(void **state)
{
    struct fixture *f = *state;
    enum { COUNT = 200 };
    uint32_t webhooks[COUNT];
    for (uint32_t i = 0; i < COUNT; i++)
        webhooks[i] = i + 1;
    uint64_t seq = fixture_append(f, webhooks, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct settlement s = fixture_outcome(delivery_id(seq, i), webhooks[i], DELIVERY_DELIVERED);
        if (i % 3 != 0)
            fixture_settle(f, &s);
    }
    fixture_crash(f);
    assert_int_equal(fixture_owed(f, NULL, 0), (COUNT + 2) / 3);
    assert_int_equal(f->start.low_water, seq);
}

int contract_journal(const struct backend *backend)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_starts_empty),
        T(test_numbers_go_on),
        T(test_owed_after_crash),
        T(test_append_pending),
        T(test_claims),
        T(test_held_row),
        T(test_never_due),
        T(test_settle_many_at_once),
        T(test_wrong_hint),
        T(test_settled_twice_owes_the_other),
        T(test_idempotency),
        T(test_idempotency_window),
        T(test_retry),
        T(test_retry_many),
        T(test_replay_to_another),
        T(test_cancel),
        T(test_prune),
        T(test_many_webhooks),
    };
#undef T
    backend_under_test = backend;
    return cmocka_run_group_tests_name(backend->journal->name, tests, NULL, NULL);
}
