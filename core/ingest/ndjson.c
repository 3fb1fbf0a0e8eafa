// SPDX-License-Identifier: MIT
// Lines out of a stream of bytes, without copying those that come in one piece; main only.
#include "ingest/ndjson.h"

void ndjson_init(struct ndjson *lines, size_t max_line, size_t max_fed)
{
    *lines = (struct ndjson){.max_line = max_line};
    buf_init(&lines->held, max_line + max_fed);
}

void ndjson_deinit(struct ndjson *lines)
{
    buf_deinit(&lines->held);
    lines->fed = (struct span){0};
    lines->taken = lines->scanned = 0;
}

size_t ndjson_size(const struct ndjson *lines)
{
    return lines->held.capacity;
}

static size_t held_len(const struct ndjson *lines)
{
    return lines->held.len - lines->taken;
}

// Memory goes back as soon as nothing is held: idle connections cost little.
static void drop_held(struct ndjson *lines)
{
    buf_reset(&lines->held, 0);
    lines->taken = lines->scanned = 0;
}

// Copies `count` fed bytes behind what is held.
static void hold(struct ndjson *lines, size_t count)
{
    if (count == 0)
        return;
    buf_consume(&lines->held, lines->taken);
    lines->taken = 0;
    enum err err = buf_append(&lines->held, lines->fed.at, count);
    CHECK(err == OK); // held: one line; fed: one feeding
    lines->fed = span_make(lines->fed.at + count, lines->fed.len - count);
}

// Only the start of a line is left of what was held: the memory of the rest goes back.
static void shrink_held(struct ndjson *lines)
{
    struct buf rest;
    if (lines->taken == 0)
        return;
    buf_init(&rest, lines->held.max);
    enum err err = buf_append(&rest, lines->held.at + lines->taken, held_len(lines));
    CHECK(err == OK);
    buf_deinit(&lines->held);
    lines->held = rest;
    lines->taken = 0;
}

static size_t line_feed(const char *at, size_t len)
{
    const char *found = len > 0 ? memchr(at, '\n', len) : NULL;
    return found != NULL ? (size_t)(found - at) : len;
}

static void skip_fed(struct ndjson *lines, size_t count)
{
    lines->fed = span_make(lines->fed.at + count, lines->fed.len - count);
}

// Throws away up to and with the next line feed.
static void skip(struct ndjson *lines)
{
    size_t held = held_len(lines);
    if (held > 0) {
        size_t len = line_feed(lines->held.at + lines->taken, held);
        lines->taken += len < held ? len + 1 : held;
        lines->scanned = 0;
        lines->is_skipping = len == held;
        if (held_len(lines) == 0)
            drop_held(lines);
    }
    if (!lines->is_skipping)
        return;
    size_t len = line_feed(lines->fed.at, lines->fed.len);
    lines->is_skipping = len == lines->fed.len;
    skip_fed(lines, lines->is_skipping ? len : len + 1);
}

// Nothing is held: a whole line is given as it was fed.
static enum ndjson_found next_fed(struct ndjson *lines, struct span *line)
{
    size_t len = line_feed(lines->fed.at, lines->fed.len);
    bool is_whole = len < lines->fed.len;
    if (len > lines->max_line) {
        lines->is_skipping = !is_whole;
        skip_fed(lines, is_whole ? len + 1 : len);
        return NDJSON_TOO_LARGE;
    }
    if (is_whole) {
        *line = span_make(lines->fed.at, len);
        skip_fed(lines, len + 1);
        return NDJSON_LINE;
    }
    hold(lines, len);
    lines->scanned = len;
    return NDJSON_MORE;
}

// A line begins in what is held, and may end in what is fed.
static enum ndjson_found next_held(struct ndjson *lines, struct span *line)
{
    size_t held = held_len(lines);
    size_t unseen = held - lines->scanned;
    size_t len = lines->scanned + line_feed(lines->held.at + lines->held.len - unseen, unseen);
    if (len < held) { // ends in what is held
        *line = span_make(lines->held.at + lines->taken, len);
        lines->taken += len + 1;
        lines->scanned = 0;
        return len > lines->max_line ? NDJSON_TOO_LARGE : NDJSON_LINE;
    }
    size_t more = line_feed(lines->fed.at, lines->fed.len);
    bool is_whole = more < lines->fed.len;
    if (held + more > lines->max_line) {
        drop_held(lines);
        skip_fed(lines, is_whole ? more + 1 : more);
        lines->is_skipping = !is_whole;
        return NDJSON_TOO_LARGE;
    }
    hold(lines, more);
    lines->scanned = held + more;
    if (!is_whole) {
        shrink_held(lines);
        return NDJSON_MORE;
    }
    skip_fed(lines, 1);
    *line = span_make(lines->held.at + lines->taken, held + more);
    lines->taken = lines->held.len;
    lines->scanned = 0;
    return NDJSON_LINE;
}

enum ndjson_found ndjson_next(struct ndjson *lines, struct span *line)
{
    if (lines->is_skipping)
        skip(lines);
    if (lines->is_skipping)
        return NDJSON_MORE;
    if (held_len(lines) > 0)
        return next_held(lines, line);
    drop_held(lines);
    return lines->fed.len > 0 ? next_fed(lines, line) : NDJSON_MORE;
}

void ndjson_feed(struct ndjson *lines, struct span bytes)
{
    CHECK(lines->fed.len == 0);
    lines->fed = bytes;
}

void ndjson_hold(struct ndjson *lines)
{
    hold(lines, lines->fed.len);
}

enum ndjson_found ndjson_end(struct ndjson *lines, struct span *line)
{
    size_t held = held_len(lines);
    if (held == 0 || lines->is_skipping)
        return NDJSON_MORE;
    *line = span_make(lines->held.at + lines->taken, held);
    lines->taken = lines->held.len;
    lines->scanned = 0;
    return NDJSON_LINE;
}
