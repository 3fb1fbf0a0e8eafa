// SPDX-License-Identifier: MIT
// A database in a folder of its own, and events made short; test's thread.
#include "fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

static void make_folder(struct fixture *f)
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(f->folder, sizeof f->folder, "%.30s/grapnel-store-XXXXXX",
                   base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->location, sizeof f->location, "%s/test.db", f->folder);
    f->config.location = f->location;
}

static void remove_folder(const char *folder)
{
    char path[400];
    struct dirent *entry = NULL;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    // cppcheck-suppress readdirCalled ; one thread
    while ((entry = readdir(dir)) != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            assert_int_equal(unlink(path), 0);
    }
    closedir(dir);
    assert_int_equal(rmdir(folder), 0);
}

void fixture_init(struct fixture *f, const struct backend *backend)
{
    *f = (struct fixture){.backend = backend, .config = {.idempotency_window_ms = 86400000}};
    f->now_ms = clock_wall_ms();
    make_folder(f);
    fixture_open(f);
}

void fixture_open(struct fixture *f)
{
    struct errmsg message;
    enum err err = f->backend->journal->open(&f->conn, &f->config, &f->start, &message);
    if (err != OK)
        print_error("%s\n", message.text);
    assert_int_equal(err, OK);
    f->next_seq = f->start.next_seq;
}

void fixture_close(struct fixture *f)
{
    f->backend->journal->close(&f->conn);
    xfree(f->start.due);
    f->start.due = NULL;
}

void fixture_deinit(struct fixture *f)
{
    fixture_close(f);
    remove_folder(f->folder);
}

static void copy_file(const char *from, const char *to)
{
    char bytes[65536];
    ssize_t len = 0;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(in >= 0 && out >= 0);
    while ((len = read(in, bytes, sizeof bytes)) > 0)
        assert_int_equal(write(out, bytes, (size_t)len), len);
    close(in);
    close(out);
}

void fixture_crash(struct fixture *f)
{
    static const char *const suffixes[] = {"", "-wal"}; // -shm is made again from the WAL
    struct fixture old = *f;
    make_folder(f);
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        char from[128];
        char to[128];
        (void)snprintf(from, sizeof from, "%s%s", old.location, suffixes[i]);
        (void)snprintf(to, sizeof to, "%s%s", f->location, suffixes[i]);
        if (access(from, R_OK) == 0)
            copy_file(from, to);
    }
    old.config.location = old.location;
    fixture_deinit(&old);
    fixture_open(f);
}

struct event *fixture_event(struct fixture *f, const char *key, const uint32_t *webhooks,
                            uint32_t count)
{
    struct event *event = event_new(&(struct event_source){
        .tenant = SPAN("default"),
        .name = SPAN("request.added"),
        .key_id = span_of(key),
        .payload = SPAN("{\"a\":1}"),
        .uid = 1000,
    });
    event->seq = f->next_seq++;
    event->accepted_ms = f->now_ms;
    event->id = uid_v7(f->now_ms, 0, event->seq);
    uint32_t *numbers = xcalloc(count + 1, sizeof *numbers);
    for (uint32_t i = 0; i < count; i++)
        numbers[i] = webhooks[i];
    event_set_webhooks(event, numbers, count, NULL, 0);
    return event;
}

uint64_t fixture_append(struct fixture *f, const uint32_t *webhooks, uint32_t count)
{
    struct append append = {.event = fixture_event(f, NULL, webhooks, count)};
    uint64_t seq = append.event->seq;
    assert_ok(f->backend->journal->commit(f->conn, &append, 1, NULL, 0));
    assert_int_equal(append.verdict, APPEND_STORED);
    event_unref(append.event);
    return seq;
}

void fixture_settle(struct fixture *f, const struct settlement *settlement)
{
    assert_ok(f->backend->journal->commit(f->conn, NULL, 0, settlement, 1));
}

enum err fixture_retry(struct fixture *f, uint64_t *delivery, int64_t now_ms, uint32_t *webhook,
                       bool *was_waiting)
{
    struct redo redo = {.delivery = *delivery, .webhook = *webhook, .was_waiting = *was_waiting};
    assert_ok(f->backend->journal->retry(f->conn, &redo, 1, now_ms));
    *delivery = redo.delivery;
    *webhook = redo.webhook;
    *was_waiting = redo.was_waiting;
    return redo.err;
}

struct settlement fixture_outcome(uint64_t delivery, uint32_t webhook, enum delivery_state state)
{
    struct settlement s = {
        .delivery = delivery,
        .webhook = webhook,
        .state = state,
        .outcome = state == DELIVERY_DELIVERED ? OUTCOME_DELIVERED : OUTCOME_HTTP_5XX,
        .at_ms = clock_wall_ms(),
        .attempts = 1,
        .reason = SPAN("because"),
    };
    if (state == DELIVERY_PENDING)
        s.due_ms = s.at_ms + 5000;
    return s;
}

size_t fixture_owed(struct fixture *f, uint64_t *out, size_t max)
{
    struct claimed rows[16];
    size_t found = 0;
    size_t count = 0;
    do {
        assert_ok(f->backend->journal->owed(f->conn, COUNT_OF(rows), rows, &count));
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(rows[i].event->seq, delivery_seq(rows[i].delivery));
            assert_int_equal(rows[i].webhook,
                             rows[i].event->webhooks[delivery_index(rows[i].delivery)]);
            assert_false(rows[i].has_row);
            if (found < max)
                out[found] = rows[i].delivery;
            found++;
            event_unref(rows[i].event);
        }
    } while (count > 0);
    return found;
}
