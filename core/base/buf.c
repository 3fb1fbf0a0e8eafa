// SPDX-License-Identifier: MIT
// A growable run of bytes that is born with its maximum; one thread at a time.
#include "base/buf.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"

#define SMALLEST 64 // bytes; the first allocation

void buf_init(struct buf *buf, size_t max)
{
    CHECK(max < SIZE_MAX); // room for the NUL of buf_text
    *buf = (struct buf){.max = max};
}

void buf_deinit(struct buf *buf)
{
    xfree(buf->at);
    *buf = (struct buf){.max = buf->max};
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->is_full = false;
}

void buf_reset(struct buf *buf, size_t keep)
{
    buf_clear(buf);
    if (buf->capacity <= keep)
        return;
    xfree(buf->at);
    buf->at = NULL;
    buf->capacity = 0;
}

// One byte more than `capacity` is allocated, for buf_text's NUL.
static void grow(struct buf *buf, size_t needed)
{
    size_t capacity = buf->capacity < SMALLEST ? SMALLEST : buf->capacity;
    while (capacity < needed)
        capacity = capacity <= buf->max / 2 ? capacity * 2 : buf->max;
    if (capacity > buf->max)
        capacity = buf->max;
    buf->at = xrealloc(buf->at, capacity + 1);
    buf->capacity = capacity;
}

char *buf_reserve(struct buf *buf, size_t count)
{
    if (buf->is_full || count > buf->max - buf->len) {
        buf->is_full = true;
        return NULL;
    }
    if (buf->at == NULL || count > buf->capacity - buf->len)
        grow(buf, buf->len + count);
    return buf->at + buf->len;
}

void buf_commit(struct buf *buf, size_t count)
{
    CHECK(count <= buf->capacity - buf->len);
    buf->len += count;
}

void buf_consume(struct buf *buf, size_t count)
{
    CHECK(count <= buf->len);
    buf->len -= count;
    if (buf->len > 0 && count > 0)
        memmove(buf->at, buf->at + count, buf->len);
}

enum err buf_append(struct buf *buf, const void *bytes, size_t len)
{
    char *room = buf_reserve(buf, len);
    if (room == NULL)
        return ERR_FULL;
    if (len > 0)
        memcpy(room, bytes, len);
    buf->len += len;
    return OK;
}

enum err buf_append_span(struct buf *buf, struct span s)
{
    return buf_append(buf, s.at, s.len);
}

enum err buf_append_text(struct buf *buf, const char *text)
{
    return buf_append(buf, text, strlen(text));
}

enum err buf_append_char(struct buf *buf, char c)
{
    return buf_append(buf, &c, 1);
}

enum err buf_append_format(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    char small[256];
    int len = vsnprintf(small, sizeof small, format, args);
    CHECK(len >= 0); // the formats are ours
    enum err err = OK;
    if ((size_t)len < sizeof small) {
        err = buf_append(buf, small, (size_t)len);
    } else {
        char *room = buf_reserve(buf, (size_t)len);
        if (room == NULL)
            err = ERR_FULL;
        else if (vsnprintf(room, (size_t)len + 1, format, again) == len)
            buf->len += (size_t)len;
    }
    va_end(again);
    va_end(args);
    return err;
}

enum err buf_append_uint64(struct buf *buf, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return buf_append(buf, digits + at, sizeof digits - at);
}

const char *buf_text(struct buf *buf)
{
    if (buf->at == NULL)
        return "";
    buf->at[buf->len] = '\0';
    return buf->at;
}

char *buf_take(struct buf *buf, size_t *len)
{
    char *taken = buf->at != NULL ? buf->at : xmalloc(1);
    taken[buf->len] = '\0';
    if (len != NULL)
        *len = buf->len;
    *buf = (struct buf){.max = buf->max};
    return taken;
}
