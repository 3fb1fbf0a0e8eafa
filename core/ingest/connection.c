// SPDX-License-Identifier: MIT
// One producer's connection: lines in, replies out in their order; main only.
//
// In firing order: connection_open → on_allocate, on_read → take_lines → take_line → env.accept →
// on_answer → connection_mark → connection_turn → flush, on_written → connection_close → on_closed
#include "ingest/connection.h"

#include <unistd.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"

#define KEEP_BYTES ((size_t)4 << 10) // of reply memory between bursts

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer);
static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer);
static void on_answer(void *token, const struct wire_reply *answer);
static void on_written(uv_write_t *request, int status);
static void on_closed(uv_handle_t *handle);

// ---- open --------------------------------------------------------------------------------------

void connection_open(struct ingest *ingest, int fd, uint32_t uid, uint32_t pid)
{
    struct connection *c = xcalloc(1, sizeof *c);
    c->magic = CONNECTION_MAGIC;
    c->ingest = ingest;
    c->producer = (struct wire_producer){uid, pid};
    c->is_starved = true;
    list_init(&c->queue);
    ndjson_init(&c->lines, ingest->max_line, CONNECTION_READ_BYTES);
    // Replies to waiting lines, those that were not taken, and one reading full of bad lines.
    size_t max = ingest->limits.unread_bytes + WIRE_MAX_REPLY * ((size_t)ingest->limits.lines + 2);
    buf_init(&c->out, max);
    buf_init(&c->writing, max);
    list_append(&ingest->connections, &c->node);
    ingest->stats.connections++;
    ingest->stats.connections_total++;
    ingest->handles++;
    CHECK(uv_pipe_init(ingest->loop, &c->pipe, 0) == 0);
    c->pipe.data = c;
    if (uv_pipe_open(&c->pipe, fd) != 0) { // the kernel ran out of something
        close(fd);
        connection_close(c);
        return;
    }
    connection_mark(c);
}

// ---- lines in ----------------------------------------------------------------------------------

static bool is_crowded(const struct ingest *ingest)
{
    const struct ingest_stats *stats = &ingest->stats;
    return stats->waiting > 0 && (stats->waiting >= ingest->limits.total_lines ||
                                  stats->waiting_bytes >= ingest->limits.total_bytes);
}

// A connection keeps its place in the crowd until it could take a line, so that all have their turn.
static void join_crowd(struct connection *c)
{
    struct ingest *ingest = c->ingest;
    if (list_is_linked(&c->crowded_node))
        return;
    if (c->ticket == 0)
        c->ticket = ++ingest->last_ticket;
    struct list_node *behind = ingest->crowded.head.next;
    while (behind != &ingest->crowded.head &&
           CONTAINER_OF(behind, struct connection, crowded_node)->ticket < c->ticket)
        behind = behind->next;
    list_insert_before(behind, &c->crowded_node);
}

// Wakes the next of the crowd, which wakes the next again when it leaves room.
static void wake_crowded(struct ingest *ingest)
{
    struct list_node *node = is_crowded(ingest) ? NULL : list_pop(&ingest->crowded);
    if (node != NULL)
        connection_mark(CONTAINER_OF(node, struct connection, crowded_node));
}

// Is there room for one more line?
static bool may_take(struct connection *c)
{
    const struct ingest_limits *limits = &c->ingest->limits;
    if (c->is_closing || c->is_writing || c->out.len >= limits->unread_bytes)
        return false;
    if (c->queued >= limits->lines || (c->queued > 0 && c->waiting_bytes >= limits->bytes))
        return false;
    if (!is_crowded(c->ingest))
        return true;
    join_crowd(c);
    return false;
}

static void mark_growing(struct ingest *ingest)
{
    LIST_FOREACH(node, &ingest->growing)
        connection_mark(CONTAINER_OF(node, struct connection, growing_node));
}

// Keeps the totals of unfinished lines, and the order of the long ones.
static void count_held(struct connection *c)
{
    struct ingest *ingest = c->ingest;
    size_t held = ndjson_size(&c->lines);
    bool was_short = ingest->stats.held_bytes >= ingest->limits.held_bytes;
    ingest->stats.held_bytes += held;
    ingest->stats.held_bytes -= c->held;
    c->held = held;
    if (was_short && ingest->stats.held_bytes < ingest->limits.held_bytes)
        mark_growing(ingest);
    bool is_growing = held > CONNECTION_READ_BYTES;
    if (is_growing && !list_is_linked(&c->growing_node)) {
        list_append(&ingest->growing, &c->growing_node);
        c->last_held = 0;
    }
    if (is_growing || !list_is_linked(&c->growing_node))
        return;
    bool was_first = list_first(&ingest->growing) == &c->growing_node;
    list_remove(&c->growing_node);
    struct list_node *next = list_first(&ingest->growing);
    if (was_first && next != NULL)
        connection_mark(CONTAINER_OF(next, struct connection, growing_node));
}

// When unfinished lines take too much memory, only the oldest of them may grow.
static bool may_grow(const struct connection *c)
{
    const struct ingest *ingest = c->ingest;
    return ingest->stats.held_bytes < ingest->limits.held_bytes ||
           !list_is_linked(&c->growing_node) || list_first(&ingest->growing) == &c->growing_node;
}

// Every line at debug level; otherwise only the first of a connection that is refused, so that a
// producer with a mistake does not fill the log.
static void count(struct connection *c, const struct wire_reply *reply)
{
    bool is_ok = reply->code == WIRE_OK;
    bool is_first_refusal = !is_ok && c->rejected == 0;
    c->accepted += is_ok;
    c->rejected += !is_ok;
    c->ingest->stats.accepted += is_ok;
    c->ingest->stats.rejected[reply->code] += !is_ok;
    enum log_level level = is_first_refusal ? LOG_INFO : LOG_DEBUG;
    if (!log_is_on(level))
        return;
    struct log_record r;
    log_begin(&r, level, LOG_INGEST_AREA, is_ok ? "accepted" : "refused");
    if (is_ok)
        log_uid(&r, "event", &reply->id);
    log_int(&r, "uid", c->producer.uid);
    log_int(&r, "pid", c->producer.pid);
    if (!is_ok) {
        log_str(&r, "code", wire_code_name(reply->code));
        log_str(&r, "error", reply->message);
    }
    log_end(&r);
}

static struct slot *slot_new(struct connection *c, size_t bytes)
{
    struct slot *slot = xcalloc(1, sizeof *slot);
    slot->magic = SLOT_MAGIC;
    slot->ingest = c->ingest;
    slot->connection = c;
    slot->bytes = bytes;
    list_append(&c->queue, &slot->node);
    c->queued++;
    c->waiting_bytes += bytes;
    c->ingest->stats.waiting++;
    c->ingest->stats.waiting_bytes += bytes;
    return slot;
}

static void slot_free(struct slot *slot)
{
    list_remove(&slot->node);
    if (slot->connection != NULL)
        slot->connection->queued--;
    slot->magic = 0;
    xfree(slot->ref);
    xfree(slot->reply);
    xfree(slot);
}

// Answers in the place of a line that is not accepted.
static void refuse(struct connection *c, const struct wire_reply *reply)
{
    struct slot *slot = slot_new(c, 0);
    on_answer(slot, reply); // which takes the ref from the reply
}

static void take_line(struct connection *c, struct span line)
{
    struct ingest *ingest = c->ingest;
    struct wire_reply reply;
    struct event *event = NULL;
    enum err err = wire_decode(ingest->wire, line, &c->producer, &event, &reply);
    if (err == OK && ingest->is_draining)
        wire_refuse(&reply, WIRE_SHUTTING_DOWN, "the engine is stopping: send again");
    if (err == OK && reply.code == WIRE_OK &&
        !ingest->env.may_write(ingest->env.context, event->tenant, c->producer.uid, &reply) &&
        reply.code == WIRE_OK)
        wire_refuse(&reply, WIRE_NOT_ALLOWED, "this user may not write for this tenant");
    if (reply.code != WIRE_OK) {
        event_unref(event);
        refuse(c, &reply);
        return;
    }
    struct slot *slot = slot_new(c, line.len);
    if (reply.has_ref)
        slot->ref = xstrdup(reply.ref);
    ingest->env.accept(ingest->env.context, &event, on_answer, slot);
}

static void take_too_large(struct connection *c)
{
    struct wire_reply reply = {0};
    wire_refuse(&reply, WIRE_TOO_LARGE, "longer than max_event_bytes, which is %zu bytes",
                c->ingest->max_line);
    refuse(c, &reply);
}

// All that have come and for which there is room.
static void take_lines(struct connection *c)
{
    while (may_take(c)) {
        struct span line = {0};
        enum ndjson_found found = ndjson_next(&c->lines, &line);
        if (found == NDJSON_MORE && c->is_ended && !c->is_finished) {
            c->is_finished = true;
            found = ndjson_end(&c->lines, &line);
        }
        if (found == NDJSON_MORE) {
            c->is_starved = true;
            break;
        }
        c->ticket = 0;
        if (found == NDJSON_LINE)
            take_line(c, line);
        else
            take_too_large(c);
    }
}

static void set_reading(struct connection *c)
{
    bool is_wanted = !c->is_closing && !c->is_ended && c->is_starved && may_take(c) && may_grow(c);
    if (is_wanted == c->is_reading)
        return;
    c->is_reading = is_wanted;
    if (!is_wanted)
        (void)uv_read_stop((uv_stream_t *)&c->pipe);
    else if (uv_read_start((uv_stream_t *)&c->pipe, on_allocate, on_read) != 0)
        connection_close(c);
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct connection *c;
    (void)suggested;
    CAST(c, handle->data, CONNECTION_MAGIC);
    *buffer = uv_buf_init(c->ingest->read_buffer, (unsigned)CONNECTION_READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    struct connection *c;
    CAST(c, stream->data, CONNECTION_MAGIC);
    if (got == 0)
        return;
    if (got > 0) {
        c->is_starved = false;
        ndjson_feed(&c->lines, span_make(buffer->base, (size_t)got));
    } else {
        c->is_ended = true;
        c->is_deaf = c->is_deaf || got != UV_EOF;
        (void)uv_read_stop(stream);
        c->is_reading = false;
        connection_mark(c);
    }
    take_lines(c);
    ndjson_hold(&c->lines); // the memory that was read into is everybody's
    count_held(c);
    set_reading(c);
}

// ---- replies out -------------------------------------------------------------------------------

static void print_reply(const struct wire_reply *reply, struct buf *out)
{
    wire_print(reply, out);
    (void)buf_append_char(out, '\n');
}

// The replies at the head of the queue that are known.
static void move_replies(struct connection *c)
{
    struct list_node *node;
    while ((node = list_first(&c->queue)) != NULL) {
        struct slot *slot = CONTAINER_OF(node, struct slot, node);
        if (slot->reply == NULL)
            return;
        if (!c->is_deaf)
            (void)buf_append(&c->out, slot->reply, slot->reply_len);
        slot_free(slot);
    }
}

static void keep_reply(struct slot *slot, const struct wire_reply *reply)
{
    struct buf text;
    buf_init(&text, WIRE_MAX_REPLY + 1);
    print_reply(reply, &text);
    slot->reply = buf_take(&text, &slot->reply_len);
}

static void uncount(struct slot *slot)
{
    struct ingest *ingest = slot->ingest;
    ingest->stats.waiting--;
    ingest->stats.waiting_bytes -= slot->bytes;
    wake_crowded(ingest);
    if (slot->connection != NULL)
        slot->connection->waiting_bytes -= slot->bytes;
}

// An answer that nobody is told any more.
static void count_unheard(struct ingest *ingest, enum wire_code code)
{
    if (code == WIRE_OK)
        ingest->stats.accepted++;
    else
        ingest->stats.rejected[code]++;
    ingest_check_drained(ingest);
}

static void on_answer(void *token, const struct wire_reply *answer)
{
    struct slot *slot;
    CAST(slot, token, SLOT_MAGIC);
    CHECK(slot->reply == NULL); // exactly once
    struct connection *c = slot->connection;
    struct ingest *ingest = slot->ingest;
    if (ingest != NULL)
        uncount(slot);
    if (answer->code == WIRE_OK && failpoint_hit(FAILPOINT_INGEST_BEFORE_REPLY) && c != NULL) {
        connection_close(c); // makes the slot an orphan
        c = NULL;
    }
    if (c == NULL) {
        slot_free(slot);
        if (ingest != NULL)
            count_unheard(ingest, answer->code);
        return;
    }
    struct wire_reply with_ref;
    const struct wire_reply *reply = answer;
    if (slot->ref != NULL) {
        with_ref = *answer;
        with_ref.has_ref = true;
        memcpy(with_ref.ref, slot->ref, strlen(slot->ref) + 1);
        reply = &with_ref;
    }
    count(c, reply);
    connection_mark(c);
    if (list_first(&c->queue) != &slot->node) {
        keep_reply(slot, reply);
        return;
    }
    if (!c->is_deaf)
        print_reply(reply, &c->out);
    slot_free(slot);
    move_replies(c);
}

// Everything is written: a burst's memory goes back.
static void rest(struct connection *c)
{
    buf_reset(&c->out, KEEP_BYTES);
    buf_reset(&c->writing, KEEP_BYTES);
}

static void go_deaf(struct connection *c)
{
    c->is_deaf = true;
    rest(c);
}

// How much of the first `len` bytes of `out` the kernel took.
static size_t try_write(struct connection *c, size_t len)
{
    uv_buf_t piece = uv_buf_init(c->out.at, (unsigned)len);
    int written = uv_try_write((uv_stream_t *)&c->pipe, &piece, 1);
    if (written >= 0)
        return (size_t)written;
    if (written != UV_EAGAIN)
        go_deaf(c);
    return 0;
}

// A test wants to stop between two replies of one batch.
static void write_half(struct connection *c)
{
    size_t half = c->out.len / 2;
    const char *end = memrchr(c->out.at, '\n', half);
    if (end == NULL)
        return;
    size_t written = try_write(c, (size_t)(end - c->out.at) + 1);
    if (!c->is_deaf)
        buf_consume(&c->out, written);
    if (failpoint_hit(FAILPOINT_INGEST_MID_REPLY))
        connection_close(c);
}

static void flush(struct connection *c)
{
    if (c->is_writing || c->out.len == 0)
        return;
    CHECK(!c->out.is_full);
    if (failpoint_is_armed)
        write_half(c);
    if (c->is_closing || c->is_deaf || c->out.len == 0)
        return;
    size_t written = try_write(c, c->out.len);
    if (c->is_deaf)
        return;
    if (written == c->out.len) {
        rest(c);
        return;
    }
    // The rest when the producer reads: until then nothing more is taken from it.
    buf_consume(&c->out, written);
    struct buf swapped = c->writing;
    c->writing = c->out;
    c->out = swapped;
    uv_buf_t piece = uv_buf_init(c->writing.at, (unsigned)c->writing.len);
    c->is_writing = true;
    if (uv_write(&c->write, (uv_stream_t *)&c->pipe, &piece, 1, on_written) != 0) {
        c->is_writing = false;
        go_deaf(c);
    }
}

static void on_written(uv_write_t *request, int status)
{
    struct connection *c;
    CAST(c, request->handle->data, CONNECTION_MAGIC);
    c->is_writing = false;
    buf_reset(&c->writing, 0);
    if (c->is_closing)
        return;
    if (status < 0)
        go_deaf(c);
    connection_mark(c);
}

// ---- turns -------------------------------------------------------------------------------------

static void on_turn(uv_idle_t *idle)
{
    struct ingest *ingest;
    CAST(ingest, idle->data, INGEST_MAGIC);
    connection_turn(ingest);
}

void connection_mark(struct connection *c)
{
    if (c->is_closing || list_is_linked(&c->marked_node))
        return;
    list_append(&c->ingest->marked, &c->marked_node);
    connection_turn_later(c->ingest);
}

void connection_turn_later(struct ingest *ingest)
{
    if (!ingest->is_stopping)
        (void)uv_idle_start(&ingest->turn, on_turn);
}

bool connection_is_quiet(const struct connection *c)
{
    return list_is_empty(&c->queue) && c->out.len == 0 && !c->is_writing;
}

void connection_turn(struct ingest *ingest)
{
    struct list marked;
    struct list_node *node;
    list_init(&marked);
    list_splice(&marked, &ingest->marked);
    (void)uv_idle_stop(&ingest->turn); // marking starts it again
    while ((node = list_pop(&marked)) != NULL) {
        struct connection *c = CONTAINER_OF(node, struct connection, marked_node);
        flush(c);
        if (!c->is_starved || c->is_ended)
            take_lines(c);
        count_held(c);
        set_reading(c);
        if (!c->is_closing && c->is_finished && connection_is_quiet(c))
            connection_close(c);
        wake_crowded(ingest);
    }
    ingest_check_drained(ingest);
}

void connection_check_growing(struct ingest *ingest)
{
    struct list_node *node = list_first(&ingest->growing);
    if (node == NULL || ingest->stats.held_bytes < ingest->limits.held_bytes)
        return;
    struct connection *c = CONTAINER_OF(node, struct connection, growing_node);
    size_t held = c->lines.held.len;
    bool is_stuck = held == c->last_held && c->is_reading;
    c->last_held = held;
    if (!is_stuck)
        return;
    log_line(
        LOG_WARN, LOG_INGEST_AREA,
        "closing a connection of uid %u, pid %u: its line of %zu bytes does not end, and memory "
        "for such lines is short",
        c->producer.uid, c->producer.pid, held);
    connection_close(c);
}

// ---- close -------------------------------------------------------------------------------------

// What was accepted goes on, and its answers are dropped.
static void leave_slots(struct connection *c)
{
    struct list_node *node;
    while ((node = list_first(&c->queue)) != NULL) {
        struct slot *slot = CONTAINER_OF(node, struct slot, node);
        slot->connection = NULL;
        if (slot->reply != NULL) {
            slot_free(slot);
            continue;
        }
        list_remove(&slot->node);
        list_append(&c->ingest->orphans, &slot->node);
    }
}

void connection_close(struct connection *c)
{
    if (c->is_closing)
        return;
    c->is_closing = true;
    leave_slots(c);
    list_remove(&c->marked_node);
    list_remove(&c->crowded_node);
    ndjson_deinit(&c->lines);
    count_held(c);
    c->ingest->stats.connections--;
    wake_crowded(c->ingest); // it may have been its turn
    struct log_record r;
    log_begin(&r, c->rejected > 0 ? LOG_INFO : LOG_DEBUG, LOG_INGEST_AREA, "connection closed");
    log_int(&r, "uid", c->producer.uid);
    log_int(&r, "pid", c->producer.pid);
    log_int(&r, "accepted", (int64_t)c->accepted);
    log_int(&r, "rejected", (int64_t)c->rejected);
    log_end(&r);
    uv_close((uv_handle_t *)&c->pipe, on_closed);
}

static void on_closed(uv_handle_t *handle)
{
    struct connection *c;
    CAST(c, handle->data, CONNECTION_MAGIC);
    struct ingest *ingest = c->ingest;
    list_remove(&c->node);
    buf_deinit(&c->out);
    buf_deinit(&c->writing);
    c->magic = 0;
    xfree(c);
    ingest_handle_closed(ingest);
}
