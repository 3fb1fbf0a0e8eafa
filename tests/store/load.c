// SPDX-License-Identifier: MIT
// A random load on a journal, and a full scan that judges what the journal found; test's thread.
#include "load.h"

#include <sqlite3.h>

#include "base/mem.h"
#include "base/rand.h"

static const uint32_t numbers[LOAD_PLACES] = {1, 2, 3};

static uint8_t webhooks_of(uint64_t seq)
{
    return (uint8_t)(seq * 2654435761u >> 8) % (LOAD_PLACES + 1);
}

static void add_settlement(struct load *load, size_t place)
{
    bool is_final = rand_unit() < 0.8;
    uint64_t id = load->open[place];
    struct settlement s = fixture_outcome(id, numbers[delivery_index(id)],
                                          is_final ? DELIVERY_DELIVERED : DELIVERY_PENDING);
    s.has_row = load->has_row[place];
    s.attempt = SPAN("some record of an attempt");
    load->settlements[load->settlement_count++] = s;
    load->notes[load->note_count++] =
        (struct load_note){.kind = is_final ? LOAD_FINAL : LOAD_PENDING, .id = id};
    load->has_row[place] = 1;
    if (!is_final)
        return;
    load->open[place] = load->open[--load->open_count];
    load->has_row[place] = load->has_row[load->open_count];
}

static void add_append(struct load *load)
{
    uint64_t seq = load->f->next_seq;
    uint8_t count = webhooks_of(seq);
    load->appends[load->append_count++] = (struct append){
        .event = fixture_event(load->f, rand_unit() < 0.3 ? "same key" : NULL, numbers, count)};
}

static void take_stored(struct load *load, bool is_committed)
{
    for (size_t i = 0; i < load->append_count; i++) {
        const struct event *event = load->appends[i].event;
        if (is_committed && load->appends[i].verdict == APPEND_STORED) {
            load->notes[load->note_count++] =
                (struct load_note){.kind = LOAD_APPEND, .id = event->seq};
            for (uint32_t k = 0; k < event->webhook_count; k++) {
                load->has_row[load->open_count] = 0;
                load->open[load->open_count++] = delivery_id(event->seq, k);
            }
        }
        event_unref(load->appends[i].event);
    }
}

enum err load_commit(struct load *load)
{
    load->append_count = load->settlement_count = load->note_count = 0;
    size_t settle = (size_t)(rand_unit() * LOAD_BATCH);
    for (size_t i = 0; i < settle && load->open_count > 0; i++) {
        // The newest and some old ones, so that the mark moves and sticks.
        size_t back = rand_unit() < 0.1 ? load->open_count : 60;
        size_t from = load->open_count > back ? load->open_count - back : 0;
        add_settlement(load, from + (size_t)(rand_unit() * (double)(load->open_count - from)));
    }
    size_t append = (size_t)(rand_unit() * LOAD_BATCH / 2);
    for (size_t i = 0; i < append && load->f->next_seq < LOAD_EVENTS; i++)
        add_append(load);
    enum err err =
        load->f->backend->journal->commit(load->f->conn, load->appends, load->append_count,
                                          load->settlements, load->settlement_count);
    take_stored(load, err == OK);
    if (err != OK)
        load->note_count = 0;
    return err;
}

static void take_rows(struct load *load, const struct claimed *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        load->has_row[load->open_count] = rows[i].has_row;
        load->open[load->open_count++] = rows[i].delivery;
        event_unref(rows[i].event);
    }
}

enum err load_start(struct load *load)
{
    const struct journal *journal = load->f->backend->journal;
    struct claimed rows[256];
    size_t count = 0;
    enum err err = OK;
    do {
        err = journal->owed(load->f->conn, COUNT_OF(rows), rows, &count);
        if (err != OK)
            return err;
        take_rows(load, rows, count);
    } while (count > 0);
    for (size_t i = 0; i < LOAD_PLACES; i++) {
        struct claim wish = {
            .webhook = numbers[i],
            .now_ms = INT64_MAX - 1,
            .max = COUNT_OF(rows),
            .rows = rows,
        };
        do {
            err = journal->claim(load->f->conn, &wish);
            if (err != OK)
                return err;
            take_rows(load, rows, wish.count);
        } while (wish.count > 0);
    }
    return OK;
}

struct load *load_new(struct fixture *f)
{
    struct load *load = xcalloc(1, sizeof *load);
    load->f = f;
    load->open = xcalloc((size_t)LOAD_EVENTS * LOAD_PLACES, sizeof *load->open);
    load->has_row = xcalloc((size_t)LOAD_EVENTS * LOAD_PLACES, 1);
    return load;
}

void load_free(struct load *load)
{
    xfree(load->open);
    xfree(load->has_row);
    xfree(load);
}

bool load_is_over(const struct load *load)
{
    return load->f->next_seq >= LOAD_EVENTS - LOAD_BATCH;
}

void load_apply(struct load_truth *truths, const struct load_note *note)
{
    uint64_t seq = note->kind == LOAD_APPEND ? note->id : delivery_seq(note->id);
    struct load_truth *t = &truths[seq];
    uint32_t k = delivery_index(note->id);
    switch (note->kind) {
    case LOAD_APPEND: t->is_stored = 1; break;
    case LOAD_FINAL:
        t->final[k] = 1;
        t->pending[k] = 0;
        break;
    case LOAD_PENDING: t->pending[k] = 1; break;
    }
}

// What a full scan of the file finds.
struct scan {
    uint8_t is_there[LOAD_EVENTS];
    uint8_t final[LOAD_EVENTS][LOAD_PLACES], pending[LOAD_EVENTS][LOAD_PLACES],
        owed[LOAD_EVENTS][LOAD_PLACES];
};

static void scan_table(sqlite3 *db, const char *text, uint8_t (*places)[LOAD_PLACES],
                       uint8_t *events)
{
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        uint64_t id = (uint64_t)sqlite3_column_int64(statement, 0);
        if (events != NULL)
            events[id] = 1;
        else
            places[delivery_seq(id)][delivery_index(id)] = 1;
    }
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
}

static void scan_file(struct fixture *f, struct scan *scan)
{
    sqlite3 *db = NULL;
    uint64_t *owed = xcalloc((size_t)LOAD_EVENTS * LOAD_PLACES, sizeof *owed);
    fixture_open(f);
    size_t count = fixture_owed(f, owed, (size_t)LOAD_EVENTS * LOAD_PLACES);
    for (size_t i = 0; i < count; i++)
        scan->owed[delivery_seq(owed[i])][delivery_index(owed[i])] = 1;
    assert_int_equal(sqlite3_open_v2(f->location, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    scan_table(db, "SELECT seq FROM events", NULL, scan->is_there);
    scan_table(db, "SELECT id FROM deliveries", scan->final, NULL);
    scan_table(db, "SELECT id FROM pending", scan->pending, NULL);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    fixture_close(f);
    xfree(owed);
}

// Number of things that are not as they were told; 0 is what must be.
size_t load_compare(struct load_truth *truths, struct fixture *f)
{
    size_t wrong = 0;
    struct scan *scan = xcalloc(1, sizeof *scan);
    scan_file(f, scan);
    for (uint64_t seq = 1; seq < LOAD_EVENTS; seq++) {
        struct load_truth *t = &truths[seq];
        wrong += t->is_stored && !scan->is_there[seq];
        for (uint32_t k = 0; k < LOAD_PLACES; k++) {
            bool is_final = scan->final[seq][k];
            bool is_pending = scan->pending[seq][k];
            bool is_owed = scan->is_there[seq] && k < webhooks_of(seq) && !is_final && !is_pending;
            wrong += t->final[k] && !is_final;
            wrong += t->pending[k] && !is_pending && !is_final;
            wrong += is_final && is_pending;
            wrong += is_owed != scan->owed[seq][k];
            t->final[k] = is_final; // what was in doubt is known now
            t->pending[k] = is_pending;
        }
        t->is_stored = scan->is_there[seq];
    }
    xfree(scan);
    return wrong;
}
