// SPDX-License-Identifier: MIT
// Compact records for the store: varints and byte strings in a fixed order; any thread.
#include "base/pack.h"

#define VARINT_MAX_LEN 10 // bytes: ceil(64 / 7)

void pack_uint(struct buf *buf, uint64_t number)
{
    unsigned char bytes[VARINT_MAX_LEN];
    size_t len = 0;
    for (; number >= 0x80; number >>= 7)
        bytes[len++] = (unsigned char)(number | 0x80);
    bytes[len++] = (unsigned char)number;
    (void)buf_append(buf, bytes, len); // the owner asks is_full at the end
}

void pack_int(struct buf *buf, int64_t number)
{
    uint64_t doubled = (uint64_t)number << 1;
    pack_uint(buf, number < 0 ? ~doubled : doubled);
}

void pack_bytes(struct buf *buf, struct span bytes)
{
    pack_uint(buf, bytes.len);
    (void)buf_append_span(buf, bytes);
}

void pack_raw(struct buf *buf, const void *bytes, size_t len)
{
    (void)buf_append(buf, bytes, len);
}

void unpack_init(struct unpack *u, struct span record)
{
    *u = (struct unpack){.rest = record};
}

static void fail(struct unpack *u)
{
    u->is_bad = true;
    u->rest = (struct span){NULL, 0};
}

uint64_t unpack_uint(struct unpack *u)
{
    uint64_t number = 0;
    for (size_t i = 0; i < VARINT_MAX_LEN && i < u->rest.len; i++) {
        unsigned char byte = (unsigned char)u->rest.at[i];
        // The tenth byte holds bit 63 only; a zero at the end would be a second spelling.
        if ((i == VARINT_MAX_LEN - 1 && byte > 1) || (i > 0 && byte == 0))
            break;
        number |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            u->rest.at += i + 1;
            u->rest.len -= i + 1;
            return number;
        }
    }
    fail(u);
    return 0;
}

int64_t unpack_int(struct unpack *u)
{
    uint64_t doubled = unpack_uint(u);
    uint64_t number = doubled >> 1;
    return (int64_t)((doubled & 1) != 0 ? ~number : number);
}

// Takes `len` bytes off the front; NULL when they are not there.
static const char *take(struct unpack *u, uint64_t len)
{
    if (u->is_bad || len > u->rest.len) {
        fail(u);
        return NULL;
    }
    const char *at = u->rest.at;
    if (len > 0) {
        u->rest.at += len;
        u->rest.len -= (size_t)len;
    }
    return at;
}

struct span unpack_bytes(struct unpack *u)
{
    uint64_t len = unpack_uint(u);
    const char *at = take(u, len);
    return u->is_bad ? (struct span){NULL, 0} : (struct span){at, (size_t)len};
}

void unpack_raw(struct unpack *u, void *out, size_t len)
{
    const char *at = take(u, len);
    if (len == 0)
        return;
    if (at == NULL)
        memset(out, 0, len);
    else
        memcpy(out, at, len);
}
