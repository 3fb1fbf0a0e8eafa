// SPDX-License-Identifier: MIT
// Bytes as text and back: hex, base64, base64url (RFC 4648); any thread.
#include "crypto/codec.h"

static const char hex_digits[] = "0123456789abcdef";
static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

enum err codec_to_hex(struct buf *out, struct span bytes)
{
    char *at = bytes.len <= SIZE_MAX / 2 ? buf_reserve(out, bytes.len * 2) : NULL;
    if (at == NULL)
        return ERR_FULL;
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.at[i];
        *at++ = hex_digits[byte >> 4];
        *at++ = hex_digits[byte & 0xf];
    }
    buf_commit(out, bytes.len * 2);
    return OK;
}

static enum err to_base64(struct buf *out, struct span bytes, const char *alphabet, bool is_padded)
{
    size_t tail = bytes.len % 3;
    size_t groups = bytes.len / 3;
    size_t tail_len = tail == 0 ? 0 : is_padded ? 4 : tail + 1;
    char *at = groups <= SIZE_MAX / 8 ? buf_reserve(out, groups * 4 + tail_len) : NULL;
    if (at == NULL)
        return ERR_FULL;
    const unsigned char *from = (const unsigned char *)bytes.at;
    for (size_t i = 0; i < groups; i++, from += 3) {
        *at++ = alphabet[from[0] >> 2];
        *at++ = alphabet[(from[0] & 0x03) << 4 | from[1] >> 4];
        *at++ = alphabet[(from[1] & 0x0f) << 2 | from[2] >> 6];
        *at++ = alphabet[from[2] & 0x3f];
    }
    if (tail > 0) {
        unsigned second = tail == 2 ? from[1] : 0;
        *at++ = alphabet[from[0] >> 2];
        *at++ = alphabet[(from[0] & 0x03) << 4 | second >> 4];
        if (tail == 2)
            *at++ = alphabet[(second & 0x0f) << 2];
        for (size_t i = tail + 1; i < tail_len; i++)
            *at++ = '=';
    }
    buf_commit(out, groups * 4 + tail_len);
    return OK;
}

enum err codec_to_base64(struct buf *out, struct span bytes)
{
    return to_base64(out, bytes, standard, true);
}

enum err codec_to_base64url(struct buf *out, struct span bytes)
{
    return to_base64(out, bytes, url_safe, false);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum err codec_from_hex(struct buf *out, struct span text)
{
    if (text.len % 2 != 0)
        return ERR_SYNTAX;
    char *at = buf_reserve(out, text.len / 2);
    if (at == NULL)
        return ERR_FULL;
    for (size_t i = 0; i < text.len; i += 2) {
        int high = hex_value(text.at[i]);
        int low = hex_value(text.at[i + 1]);
        if (high < 0 || low < 0)
            return ERR_SYNTAX;
        *at++ = (char)(high << 4 | low);
    }
    buf_commit(out, text.len / 2);
    return OK;
}

// `last_two` are the characters of 62 and 63.
static int base64_value(char c, const char *last_two)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == last_two[0])
        return 62;
    return c == last_two[1] ? 63 : -1;
}

// `text` has no padding.
static enum err from_base64(struct buf *out, struct span text, const char *last_two)
{
    if (text.len % 4 == 1)
        return ERR_SYNTAX;
    size_t len = text.len / 4 * 3 + (text.len % 4 * 3) / 4;
    char *at = buf_reserve(out, len);
    if (at == NULL)
        return ERR_FULL;
    uint32_t bits = 0;  // read and not written yet
    unsigned count = 0; // of them
    for (size_t i = 0; i < text.len; i++) {
        int value = base64_value(text.at[i], last_two);
        if (value < 0)
            return ERR_SYNTAX;
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count < 8)
            continue;
        count -= 8;
        *at++ = (char)(bits >> count);
        bits &= (1U << count) - 1;
    }
    if (bits != 0) // another text would mean the same bytes
        return ERR_SYNTAX;
    buf_commit(out, len);
    return OK;
}

// Takes the padding off, which must then fill the last group.
static bool take_padding(struct span *text)
{
    if (text->len == 0 || text->len % 4 != 0)
        return text->len == 0;
    for (int i = 0; i < 2 && text->at[text->len - 1] == '='; i++)
        text->len--;
    return true;
}

enum err codec_from_base64(struct buf *out, struct span text)
{
    return take_padding(&text) ? from_base64(out, text, "+/") : ERR_SYNTAX;
}

enum err codec_from_base64url(struct buf *out, struct span text)
{
    bool has_padding = text.len > 0 && text.at[text.len - 1] == '=';
    if (has_padding && !take_padding(&text))
        return ERR_SYNTAX;
    return from_base64(out, text, "-_");
}
