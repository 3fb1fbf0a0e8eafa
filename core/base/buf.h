// SPDX-License-Identifier: MIT
// A growable run of bytes that is born with its maximum; one thread at a time.
#pragma once

#include <stdarg.h>

#include "base/err.h"
#include "base/span.h"

// A buffer that meets its maximum becomes `is_full`, drops what does not fit as a whole, and
// answers ERR_FULL from then on, so that a chain of appends may be checked once at its end.
struct buf {
    char *at;        // owned; NULL until the first append
    size_t len;      // bytes in use
    size_t capacity; // bytes that fit without growing; one more is allocated
    size_t max;      // bytes that it may ever hold
    bool is_full;    // an append did not fit
};

void buf_init(struct buf *buf, size_t max);
void buf_deinit(struct buf *buf);
// Forgets the content and the full mark, keeps the memory.
void buf_clear(struct buf *buf);
// Like buf_clear, and gives memory beyond `keep` bytes back.
void buf_reset(struct buf *buf, size_t keep);

enum err buf_append(struct buf *buf, const void *bytes, size_t len);
enum err buf_append_span(struct buf *buf, struct span s);
enum err buf_append_text(struct buf *buf, const char *text);
enum err buf_append_char(struct buf *buf, char c);
enum err buf_append_format(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
enum err buf_append_uint64(struct buf *buf, uint64_t number);
// `count` bytes of room behind the content, for read(2); NULL (and full) when over the maximum.
char *buf_reserve(struct buf *buf, size_t count);
// Says that `count` reserved bytes are now content.
void buf_commit(struct buf *buf, size_t count);
// Takes `count` bytes off the front.
void buf_consume(struct buf *buf, size_t count);
// A NUL behind the content, not counted; the text lives until the next change. "" when empty.
const char *buf_text(struct buf *buf);
static inline struct span buf_span(const struct buf *buf)
{
    return (struct span){buf->at, buf->len};
}
// Gives the memory away: the caller frees it with xfree. The buffer is empty afterwards.
char *buf_take(struct buf *buf, size_t *len);
