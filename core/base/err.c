// SPDX-License-Identifier: MIT
// Names and texts of our own failures, and messages for people; any thread.
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *err_name(enum err err)
{
    switch (err) {
    case OK: return "OK";
#define X(name, text) \
    case ERR_##name:  \
        return #name;
#include "base/err.def"
#undef X
    }
    return "UNKNOWN";
}

const char *err_text(enum err err)
{
    switch (err) {
    case OK: return "no error";
#define X(name, text) \
    case ERR_##name:  \
        return text;
#include "base/err.def"
#undef X
    }
    return "unknown error";
}

enum err err_from_errno(int error)
{
    switch (error) {
    case 0: return OK;
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case ESRCH: return ERR_NOT_FOUND;
    case EEXIST:
    case ENOTEMPTY:
    case EADDRINUSE: return ERR_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS: return ERR_DENIED;
    case ENOSPC:
    case EDQUOT: return ERR_NO_SPACE;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: return ERR_FULL;
    case EAGAIN:
    case EBUSY:
    case ETXTBSY: return ERR_BUSY;
    case ETIMEDOUT: return ERR_TIMEOUT;
    case EPIPE:
    case ECONNRESET:
    case ECONNABORTED:
    case ESHUTDOWN: return ERR_CLOSED;
    case EINTR:
    case ECANCELED: return ERR_INTERRUPTED;
    case EINVAL:
    case ENAMETOOLONG:
    case ENOTDIR:
    case EISDIR: return ERR_SYNTAX;
    case ERANGE:
    case EFBIG:
    case EOVERFLOW:
    case EMSGSIZE: return ERR_RANGE;
    case ENOSYS:
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT: return ERR_UNSUPPORTED;
    default: return ERR_IO;
    }
}

// Makes room for "..." behind the last whole UTF-8 character that leaves it.
static void cut(char *text, size_t size)
{
    size_t at = size - sizeof "...";
    while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
        at--;
    memcpy(text + at, "...", sizeof "...");
}

static void format_cut(char *text, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static void format_cut(char *text, size_t size, const char *format, va_list args)
{
    int len = vsnprintf(text, size, format, args);
    if (len < 0)
        text[0] = '\0';
    else if ((size_t)len >= size)
        cut(text, size);
}

// Both functions build the text aside, because arguments may point into the message.
void errmsg_set(struct errmsg *message, const char *format, ...)
{
    if (message == NULL)
        return;
    struct errmsg made;
    va_list args;
    va_start(args, format);
    format_cut(made.text, sizeof made.text, format, args);
    va_end(args);
    memcpy(message->text, made.text, strlen(made.text) + 1);
}

void errmsg_prefix(struct errmsg *message, const char *format, ...)
{
    if (message == NULL)
        return;
    char made[2 * sizeof message->text];
    va_list args;
    va_start(args, format);
    format_cut(made, sizeof message->text, format, args);
    va_end(args);
    size_t prefix_len = strlen(made);
    size_t text_len = strnlen(message->text, sizeof message->text - 1);
    memcpy(made + prefix_len, message->text, text_len);
    made[prefix_len + text_len] = '\0';
    if (prefix_len + text_len >= sizeof message->text)
        cut(made, sizeof message->text);
    memcpy(message->text, made, strlen(made) + 1);
}
