// SPDX-License-Identifier: MIT
// Lines come out the same however the stream is cut and wherever taking stops; one thread.
#include "base/check.h"
#include "base/mem.h"
#include "ingest/ndjson.h"

#define MAX_LINE 16
#define MAX_FED  256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// What must come out, found the simple way.
struct expected {
    struct span rest;
};

static enum ndjson_found expect_next(struct expected *e, struct span *line)
{
    if (e->rest.len == 0)
        return NDJSON_MORE;
    const char *end = memchr(e->rest.at, '\n', e->rest.len);
    size_t len = end != NULL ? (size_t)(end - e->rest.at) : e->rest.len;
    size_t used = end != NULL ? len + 1 : len;
    *line = span_make(e->rest.at, len);
    e->rest = span_make(e->rest.at + used, e->rest.len - used);
    return len > MAX_LINE ? NDJSON_TOO_LARGE : NDJSON_LINE;
}

static void check(enum ndjson_found found, struct span line, struct expected *e)
{
    struct span wanted = {0};
    CHECK(found == expect_next(e, &wanted));
    CHECK(found != NDJSON_LINE || span_eq(line, wanted));
}

// Takes up to `count` lines; true when there are no more for now.
static bool take(struct ndjson *lines, unsigned count, struct expected *e)
{
    struct span line = {0};
    while (count-- > 0) {
        enum ndjson_found found = ndjson_next(lines, &line);
        if (found == NDJSON_MORE)
            return true;
        check(found, line, e);
    }
    return false;
}

// The first half says how the second is cut: per piece its length and how many lines are taken before
// the rest is held.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ndjson lines;
    size_t plan = size / 2;
    struct span stream = span_make(data + plan, size - plan);
    struct expected e = {stream};
    ndjson_init(&lines, MAX_LINE, MAX_FED);
    for (size_t i = 0; stream.len > 0; i += 2) {
        size_t len = plan > 1 ? data[i % plan] % MAX_FED + 1u : stream.len % MAX_FED + 1;
        unsigned stop = plan > 1 ? data[(i + 1) % plan] % 8u : 1;
        len = len < stream.len ? len : stream.len;
        char *piece = xmemdup0(stream.at, len);
        ndjson_feed(&lines, span_make(piece, len));
        stream = span_make(stream.at + len, stream.len - len);
        bool is_done = take(&lines, stop, &e);
        if (!is_done)
            ndjson_hold(&lines);
        xfree(piece);
        while (!is_done)
            is_done = take(&lines, 1, &e);
        CHECK(lines.held.len <= MAX_LINE);
    }
    struct span line = {0};
    if (ndjson_end(&lines, &line) == NDJSON_LINE)
        check(NDJSON_LINE, line, &e);
    CHECK(e.rest.len == 0 || lines.is_skipping);
    ndjson_deinit(&lines);
    return 0;
}
