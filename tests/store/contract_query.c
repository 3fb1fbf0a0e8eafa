// SPDX-License-Identifier: MIT
// What every backend's queries promise: each list equals a filtered walk over a model; test's thread.
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "contract.h"
#include "fixture.h"

enum { EVENTS = 9000, PLACES = 4, WEBHOOKS = 12, ADDED = 40, BATCH = 50 };

// What is true of one delivery.
struct truth {
    uint64_t id;
    uint32_t webhook;
    enum delivery_state state;
    bool has_row, was_final;
    enum outcome outcome;
    int status;
    uint32_t attempts;
    bool is_other_tenant, is_other_name;
    int64_t accepted_ms;
};

struct world {
    struct fixture f;
    struct query_conn *query;
    struct arena arena;
    struct truth *truths; // ascending by id
    size_t count;
    size_t capacity;
};

static const struct backend *backend_under_test;

static uint32_t below(uint32_t limit)
{
    return (uint32_t)(rand_uint64() % limit);
}

// ---- making the world ---------------------------------------------------------------------------

static struct event *make_event(struct world *w, uint32_t count, const uint32_t *webhooks)
{
    struct fixture *f = &w->f;
    bool other_tenant = below(4) == 0;
    bool other_name = below(8) == 0;
    struct event *event = event_new(&(struct event_source){
        .tenant = other_tenant ? SPAN("acme") : SPAN("default"),
        .name = other_name ? SPAN("user.added") : SPAN("request.added"),
        .payload = SPAN("{\"a\":1}"),
    });
    event->seq = f->next_seq++;
    event->accepted_ms = f->now_ms;
    f->now_ms += 1000;
    uint32_t *numbers = xcalloc(count + 1, sizeof *numbers);
    for (uint32_t i = 0; i < count; i++) {
        numbers[i] = webhooks[i];
        w->truths[w->count++] = (struct truth){
            .id = delivery_id(event->seq, i),
            .webhook = webhooks[i],
            .is_other_tenant = other_tenant,
            .is_other_name = other_name,
            .accepted_ms = event->accepted_ms,
        };
    }
    event_set_webhooks(event, numbers, count, NULL, 0);
    return event;
}

static struct settlement settle(struct truth *t, enum delivery_state state, struct buf *record)
{
    static const enum outcome failures[] = {OUTCOME_HTTP_5XX, OUTCOME_TIMEOUT, OUTCOME_RESET};
    struct attempt *attempt = attempt_new(t->id, 4096);
    t->attempts++;
    t->outcome = state == DELIVERY_DELIVERED ? OUTCOME_DELIVERED : failures[below(3)];
    t->status = t->outcome == OUTCOME_DELIVERED ? 204 : t->outcome == OUTCOME_HTTP_5XX ? 502 : 0;
    attempt->number = t->attempts;
    attempt->outcome = t->outcome;
    attempt->status = t->status;
    attempt->started_ms = t->accepted_ms + t->attempts;
    buf_clear(record);
    attempt_pack(attempt, record);
    attempt_free(attempt);
    struct settlement s = fixture_outcome(t->id, t->webhook, state);
    s.outcome = t->outcome;
    s.at_ms = t->accepted_ms + 1;
    s.attempts = t->attempts;
    s.has_row = t->has_row && t->state == DELIVERY_PENDING;
    s.attempt = buf_span(record);
    t->state = state;
    t->has_row = true;
    t->was_final = t->was_final || state != DELIVERY_PENDING;
    return s;
}

// A batch of settlements of random deliveries among the newest.
static void settle_some(struct world *w, size_t count, size_t window)
{
    static const enum delivery_state states[] = {
        DELIVERY_DELIVERED, DELIVERY_DELIVERED, DELIVERY_DELIVERED, DELIVERY_DELIVERED,
        DELIVERY_PENDING,   DELIVERY_DEAD,      DELIVERY_FILTERED,  DELIVERY_CANCELLED};
    struct settlement *batch = xcalloc(count, sizeof *batch);
    struct buf *records = xcalloc(count, sizeof *records);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        size_t back = rand_uint64() % window;
        struct truth *t = &w->truths[w->count - 1 - (back < w->count ? back : 0)];
        if (t->has_row && t->state != DELIVERY_PENDING)
            continue;
        buf_init(&records[n], 65536);
        batch[n] = settle(t, states[below(COUNT_OF(states))], &records[n]);
        n++;
    }
    assert_ok(w->f.backend->journal->commit(w->f.conn, NULL, 0, batch, n));
    for (size_t i = 0; i < n; i++)
        buf_deinit(&records[i]);
    xfree(records);
    xfree(batch);
}

// Only the newest are still owed.
static void settle_old(struct world *w, size_t newest)
{
    struct settlement batch[BATCH];
    struct buf records[BATCH];
    size_t n = 0;
    for (size_t i = 0; i < w->count; i++) {
        if (i + newest < w->count && !w->truths[i].has_row) {
            buf_init(&records[n], 65536);
            batch[n] = settle(&w->truths[i], DELIVERY_DELIVERED, &records[n]);
            n++;
        }
        if (n < BATCH && i + 1 < w->count)
            continue;
        assert_ok(w->f.backend->journal->commit(w->f.conn, NULL, 0, batch, n));
        while (n > 0)
            buf_deinit(&records[--n]);
    }
}

static int by_id(const void *a, const void *b)
{
    const struct truth *x = a;
    const struct truth *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

// Operators retry, and replay to webhooks that were not in the list.
static void retry_some(struct world *w, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct truth *t = &w->truths[below((uint32_t)w->count)];
        uint32_t webhook = 0;
        bool was_waiting = false;
        if (t->was_final && t->state != DELIVERY_PENDING) {
            assert_ok(fixture_retry(&w->f, &t->id, w->f.now_ms, &webhook, &was_waiting));
            t->state = DELIVERY_PENDING;
        } else if (w->count < w->capacity) {
            struct truth added = *t;
            added.webhook = webhook = 100 + (uint32_t)i;
            added.state = DELIVERY_PENDING;
            added.outcome = OUTCOME_NONE;
            added.has_row = true;
            added.was_final = false;
            added.status = 0;
            added.attempts = 0;
            assert_ok(fixture_retry(&w->f, &added.id, w->f.now_ms, &webhook, &was_waiting));
            w->truths[w->count++] = added;
        }
    }
    qsort(w->truths, w->count, sizeof *w->truths, by_id);
}

static void append_some(struct world *w)
{
    struct append batch[BATCH] = {0};
    for (size_t n = 0; n < BATCH; n++) {
        uint32_t webhooks[PLACES];
        uint32_t count = 1 + below(PLACES);
        uint32_t first = 1 + below(WEBHOOKS - PLACES);
        for (uint32_t i = 0; i < count; i++)
            webhooks[i] = first + i;
        batch[n].event = make_event(w, count, webhooks);
    }
    assert_ok(w->f.backend->journal->commit(w->f.conn, batch, BATCH, NULL, 0));
    for (size_t n = 0; n < BATCH; n++)
        event_unref(batch[n].event);
}

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof *w);
    struct errmsg message;
    fixture_init(&w->f, backend_under_test);
    w->f.now_ms = clock_wall_ms() - (int64_t)EVENTS * 1000 - 86400000;
    w->capacity = EVENTS * PLACES + ADDED;
    w->truths = xcalloc(w->capacity, sizeof *w->truths);
    arena_init(&w->arena, (size_t)16 << 20);
    for (size_t i = 0; i < EVENTS; i += BATCH) {
        append_some(w);
        if (i % 200 == 150) {
            settle_some(w, 800, 1200);
            assert_ok(w->f.backend->journal->idle(w->f.conn, false));
        }
    }
    settle_some(w, 500, w->count);
    settle_old(w, 1500);
    retry_some(w, ADDED);
    settle_some(w, 500, w->count);
    w->f.config.query_budget_ms = 60000; // whatever runs beside
    assert_ok(w->f.backend->query->open(&w->query, &w->f.config, &message));
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    w->f.backend->query->close(&w->query);
    fixture_deinit(&w->f);
    arena_deinit(&w->arena);
    xfree(w->truths);
    xfree(w);
    return 0;
}

// ---- comparing ------------------------------------------------------------------------------------

static bool fits(const struct truth *t, const struct query_filter *f)
{
    return (f->seq == 0 || delivery_seq(t->id) == f->seq) &&
           (f->webhook == 0 || t->webhook == f->webhook) &&
           (f->states == 0 || (f->states >> t->state & 1)) &&
           (f->outcome == OUTCOME_NONE || t->outcome == f->outcome) &&
           (f->status == 0 || t->status == f->status) &&
           (f->since_ms == 0 || t->accepted_ms >= f->since_ms) &&
           (f->until_ms == 0 || t->accepted_ms < f->until_ms) &&
           (f->tenant.len == 0 || span_is(f->tenant, "acme") == t->is_other_tenant) &&
           (f->event_name.len == 0 || span_is(f->event_name, "user.added") == t->is_other_name);
}

static void assert_row(const struct query_delivery *row, const struct truth *t)
{
    assert_int_equal(row->id, t->id);
    assert_int_equal(row->webhook, t->webhook);
    assert_int_equal(row->state, t->state);
    assert_int_equal(row->has_row, t->has_row);
    assert_int_equal(row->outcome, t->outcome);
    assert_int_equal(row->event->seq, delivery_seq(t->id));
    assert_int_equal(row->attempt_count, t->attempts);
    for (uint32_t i = 0; i < row->attempt_count; i++)
        assert_int_equal(row->attempts[i].number, i + 1);
    if (row->attempt_count > 0)
        assert_int_equal(row->attempts[row->attempt_count - 1].status, t->status);
}

static struct query_deliveries ask(struct world *w, struct query_filter *filter)
{
    struct query_deliveries page;
    arena_clear(&w->arena);
    filter->arena = &w->arena;
    assert_ok(w->f.backend->query->deliveries(w->query, filter, &page));
    assert_true(page.count <= filter->limit);
    return page;
}

// Walks all pages down, then from some place up again.
static void check_list(struct world *w, struct query_filter filter)
{
    size_t at = w->count;
    size_t found = 0;
    filter.limit = filter.limit > 0 ? filter.limit : 1 + below(120);
    for (bool is_over = false; !is_over;) {
        struct query_deliveries page = ask(w, &filter);
        for (size_t i = 0; i < page.count; i++) {
            while (at > 0 && !fits(&w->truths[at - 1], &filter))
                at--;
            assert_true(at > 0);
            assert_row(&page.rows[i], &w->truths[--at]);
            found++;
        }
        is_over = !page.has_more && page.scanned_to == 0;
        filter.before = page.scanned_to != 0 ? page.scanned_to
                        : page.count > 0     ? page.rows[page.count - 1].id
                                             : 0;
        query_deliveries_deinit(&page);
    }
    while (at > 0)
        assert_false(fits(&w->truths[--at], &filter));
    // Up: the nearest ones above a random place, newest first.
    size_t from = below((uint32_t)w->count);
    filter.before = 0;
    filter.after = w->truths[from].id;
    struct query_deliveries page = ask(w, &filter);
    if (page.scanned_to == 0) {
        size_t next = from + 1;
        for (size_t i = page.count; i > 0; i--) {
            while (next < w->count && !fits(&w->truths[next], &filter))
                next++;
            assert_true(next < w->count);
            assert_row(&page.rows[i - 1], &w->truths[next++]);
        }
        while (next < w->count && !fits(&w->truths[next], &filter))
            next++;
        assert_int_equal(page.has_more, next < w->count);
    }
    query_deliveries_deinit(&page);
    (void)found;
}

#define BIT(state) (1u << DELIVERY_##state)

static void test_lists(void **state)
{
    struct world *w = *state;
    int64_t middle = w->truths[w->count / 2].accepted_ms;
    const struct query_filter filters[] = {
        {.limit = 250},
        {.states = BIT(DELIVERED)},
        {.states = BIT(DEAD)},
        {.states = BIT(PENDING)},
        {.states = BIT(DEAD) | BIT(FILTERED) | BIT(CANCELLED)},
        {.states = BIT(DEAD) | BIT(PENDING)},
        {.webhook = 3},
        {.webhook = 3, .limit = 1},
        {.webhook = 5, .states = BIT(DELIVERED)},
        {.webhook = 5, .states = BIT(DEAD)},
        {.webhook = 5, .states = BIT(PENDING)},
        {.webhook = 100},
        {.webhook = 777},
        {.seq = 17},
        {.seq = 4000, .webhook = 5},
        {.seq = 4000, .states = BIT(DELIVERED)},
        {.seq = 999999},
        {.outcome = OUTCOME_TIMEOUT},
        {.status = 502},
        {.webhook = 4, .status = 204},
        {.tenant = SPAN("acme"), .limit = 100},
        {.event_name = SPAN("user.added"), .states = BIT(DEAD)},
        {.since_ms = middle, .limit = 200},
        {.until_ms = middle},
        {.since_ms = middle - 50000, .until_ms = middle + 50000, .webhook = 4},
    };
    for (size_t i = 0; i < COUNT_OF(filters); i++)
        check_list(w, filters[i]);
}

// Events before `before` go, but those with a delivery that waits or is dead.
static void forget(struct world *w, int64_t before)
{
    size_t kept = 0;
    for (size_t i = 0; i < w->count;) {
        size_t end = i;
        bool stays = w->truths[i].accepted_ms >= before;
        for (; end < w->count && delivery_seq(w->truths[end].id) == delivery_seq(w->truths[i].id);
             end++)
            stays = stays || w->truths[end].state == DELIVERY_PENDING ||
                    w->truths[end].state == DELIVERY_DEAD;
        for (; i < end; i++) {
            if (stays)
                w->truths[kept++] = w->truths[i];
        }
    }
    assert_true(kept > w->count / 2 && kept < w->count);
    w->count = kept;
}

// What was moved aside is listed as before, also when it settles after that.
static void test_after_pruning(void **state)
{
    struct world *w = *state;
    int64_t before = w->truths[w->count / 2].accepted_ms;
    const struct query_filter filters[] = {
        {.limit = 250},           {.webhook = 3},
        {.states = BIT(DEAD)},    {.states = BIT(DELIVERED)},
        {.states = BIT(PENDING)}, {.webhook = 5, .states = BIT(DEAD)},
        {.since_ms = before},     {.until_ms = before},
    };
    size_t count = 1;
    while (count > 0)
        assert_ok(w->f.backend->journal->prune(w->f.conn, before, 1, 500, &count));
    forget(w, before);
    for (size_t i = 0; i < COUNT_OF(filters); i++)
        check_list(w, filters[i]);
    settle_some(w, 1000, w->count);
    for (size_t i = 0; i < COUNT_OF(filters); i++)
        check_list(w, filters[i]);
}

static void test_one(void **state)
{
    struct world *w = *state;
    struct query_delivery row;
    for (size_t i = 0; i < 300; i++) {
        const struct truth *t = &w->truths[below((uint32_t)w->count)];
        arena_clear(&w->arena);
        assert_ok(w->f.backend->query->delivery(w->query, t->id, &w->arena, &row));
        assert_row(&row, t);
        query_delivery_deinit(&row);
    }
    uint64_t missing = delivery_id(w->truths[0].id >> 16, 60);
    assert_int_equal(w->f.backend->query->delivery(w->query, missing, &w->arena, &row),
                     ERR_NOT_FOUND);
    missing = delivery_id(w->f.next_seq, 0);
    assert_int_equal(w->f.backend->query->delivery(w->query, missing, &w->arena, &row),
                     ERR_NOT_FOUND);
}

static void test_events(void **state)
{
    struct world *w = *state;
    struct event *event = NULL;
    struct query_events page;
    struct query_filter filter = {.arena = &w->arena, .limit = 100, .tenant = SPAN("acme")};
    uint64_t last = UINT64_MAX;
    size_t found = 0;
    size_t expected = 0;
    assert_ok(w->f.backend->query->event(w->query, 5, &event));
    assert_int_equal(event->seq, 5);
    event_unref(event);
    assert_int_equal(w->f.backend->query->event(w->query, w->f.next_seq, &event), ERR_NOT_FOUND);
    for (size_t i = 0; i < w->count; i++)
        expected += w->truths[i].is_other_tenant && delivery_index(w->truths[i].id) == 0;
    do {
        arena_clear(&w->arena);
        assert_ok(w->f.backend->query->events(w->query, &filter, &page));
        for (size_t i = 0; i < page.count; i++) {
            assert_true(page.rows[i]->seq < last);
            assert_true(span_is(page.rows[i]->tenant, "acme"));
            last = page.rows[i]->seq;
            found++;
        }
        filter.before = page.scanned_to != 0 ? page.scanned_to : last;
        bool is_over = !page.has_more && page.scanned_to == 0;
        query_events_deinit(&page);
        if (is_over)
            break;
    } while (true);
    assert_int_equal(found, expected);
    // A page back.
    filter = (struct query_filter){.arena = &w->arena, .limit = 3, .after = 10};
    assert_ok(w->f.backend->query->events(w->query, &filter, &page));
    assert_int_equal(page.count, 3);
    assert_int_equal(page.rows[0]->seq, 13);
    assert_int_equal(page.rows[2]->seq, 11);
    assert_true(page.has_more);
    query_events_deinit(&page);
    // The oldest of all.
    filter = (struct query_filter){.arena = &w->arena, .limit = 3, .is_from_oldest = true};
    assert_ok(w->f.backend->query->events(w->query, &filter, &page));
    assert_int_equal(page.count, 3);
    assert_int_equal(page.rows[2]->seq, delivery_seq(w->truths[0].id));
    assert_true(page.has_more);
    query_events_deinit(&page);
}

static void test_oldest_deliveries(void **state)
{
    struct world *w = *state;
    struct query_deliveries page;
    struct query_filter filter = {.arena = &w->arena, .limit = 3, .is_from_oldest = true};
    arena_clear(&w->arena);
    assert_ok(w->f.backend->query->deliveries(w->query, &filter, &page));
    assert_int_equal(page.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(page.rows[2 - i].id, w->truths[i].id);
    assert_true(page.has_more);
    query_deliveries_deinit(&page);
}

// A page that does not fit the arena is short, not an abort.
static void test_small_arena(void **state)
{
    struct world *w = *state;
    struct arena small;
    struct query_deliveries page;
    struct query_filter filter = {.arena = &small, .limit = 250};
    arena_init(&small, 100 * 1024);
    filter.before = w->truths[w->count / 2].id;
    assert_ok(w->f.backend->query->deliveries(w->query, &filter, &page));
    assert_true(page.count > 0 && page.count < 250);
    assert_true(page.has_more);
    query_deliveries_deinit(&page);
    arena_deinit(&small);
}

static struct query_conn *open_query(struct world *w, int64_t budget_ms)
{
    struct query_conn *conn = NULL;
    struct errmsg message;
    struct store_config config = w->f.config;
    config.query_budget_ms = budget_ms;
    assert_ok(w->f.backend->query->open(&conn, &config, &message));
    return conn;
}

// Rows of a list, taken in small steps. Where not even one step fits the budget, it is doubled.
static size_t count_hurried(struct world *w, struct query_filter filter)
{
    int64_t budget_ms = 2;
    size_t rows = 0;
    struct query_conn *conn = open_query(w, budget_ms);
    for (bool is_over = false; !is_over;) {
        struct query_deliveries page;
        arena_clear(&w->arena);
        enum err err = w->f.backend->query->deliveries(conn, &filter, &page);
        if (err == ERR_TIMEOUT) {
            w->f.backend->query->close(&conn);
            budget_ms *= 2;
            conn = open_query(w, budget_ms);
            continue;
        }
        assert_ok(err);
        uint64_t before = page.scanned_to != 0 ? page.scanned_to
                          : page.count > 0     ? page.rows[page.count - 1].id
                                               : 0;
        assert_true(before == 0 || filter.before == 0 || before < filter.before);
        rows += page.count;
        is_over = !page.has_more && page.scanned_to == 0;
        filter.before = before;
        query_deliveries_deinit(&page);
    }
    w->f.backend->query->close(&conn);
    return rows;
}

// With next to no time pages may be short and say where they stopped; none misses a row. (How many
// are short is up to the machine.)
static void test_budget(void **state)
{
    struct world *w = *state;
    const struct query_filter filters[] = {
        {.status = 999}, {.webhook = 3}, {.webhook = 777}, {.states = BIT(PENDING)}};
    for (size_t i = 0; i < COUNT_OF(filters); i++) {
        struct query_filter filter = filters[i];
        size_t expected = 0;
        filter.arena = &w->arena;
        filter.limit = 250;
        for (size_t k = 0; k < w->count; k++)
            expected += fits(&w->truths[k], &filter);
        assert_int_equal(count_hurried(w, filter), expected);
    }
}

static void on_revision(void *context, const struct object *object)
{
    char *text = context;
    size_t len = strlen(text);
    text[len] = (char)('0' + object->number);
    text[len + 1] = (char)('0' + object->revision);
    text[len + 2] = object->is_deleted ? 'x' : ' ';
}

static void test_revisions(void **state)
{
    struct world *w = *state;
    const struct catalogue *catalogue = w->f.backend->catalogue;
    struct object a = {.kind = OBJECT_WEBHOOK, .key = SPAN("a"), .body = SPAN("1"), .at_ms = 100};
    struct object b = {.kind = OBJECT_WEBHOOK, .key = SPAN("b"), .body = SPAN("1"), .at_ms = 200};
    char text[64] = "";
    assert_ok(catalogue->put(w->f.conn, &a));
    assert_ok(catalogue->put(w->f.conn, &b));
    a.at_ms = 300;
    assert_ok(catalogue->put(w->f.conn, &a));
    b.at_ms = 400;
    assert_ok(catalogue->remove(w->f.conn, &b));
    assert_ok(w->f.backend->query->revisions(w->query, OBJECT_WEBHOOK, 1, on_revision, text));
    assert_string_equal(text, "12 11 ");
    memset(text, 0, sizeof text);
    assert_ok(w->f.backend->query->webhooks_at(w->query, 250, on_revision, text));
    assert_string_equal(text, "11 21 ");
    memset(text, 0, sizeof text);
    assert_ok(w->f.backend->query->webhooks_at(w->query, 500, on_revision, text));
    assert_string_equal(text, "12 22x");
    memset(text, 0, sizeof text);
    assert_ok(w->f.backend->query->webhooks_at(w->query, 50, on_revision, text));
    assert_string_equal(text, "");
}

int contract_query(const struct backend *backend)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),       cmocka_unit_test(test_one),
        cmocka_unit_test(test_events),      cmocka_unit_test(test_oldest_deliveries),
        cmocka_unit_test(test_small_arena), cmocka_unit_test(test_budget),
        cmocka_unit_test(test_revisions),   cmocka_unit_test(test_after_pruning),
    };
    backend_under_test = backend;
    return cmocka_run_group_tests_name("query", tests, setup, teardown);
}
