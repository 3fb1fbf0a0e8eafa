// SPDX-License-Identifier: MIT
// One line per record on standard error, logfmt or JSON, with journald priorities; any thread.
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/date.h"

// What is always left free: "..." and a quote of the value, the record's brace, the line's end.
#define RESERVED    8
#define MESSAGE_LEN 1024 // bytes of a formatted message

_Static_assert(sizeof((struct log_record *)0)->text <= PIPE_BUF, "a record is written at once");

static _Atomic int wanted_level = LOG_INFO;
static _Atomic int wanted_format = LOG_LOGFMT;
static _Atomic bool is_journal; // journald reads our standard error
static _Atomic uint64_t dropped;
static atomic_flag is_writing = ATOMIC_FLAG_INIT; // a thread is in write_line

static const char *const area_names[] = {
#define X(name, text) [LOG_##name##_AREA] = text,
#include "base/log.def"
#undef X
};

// systemd says in JOURNAL_STREAM which file ("device:inode") is its socket; standard error may be
// another one by now.
static bool find_journal(void)
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing changes the environment
    struct span rest = span_of(getenv("JOURNAL_STREAM"));
    struct span part;
    uint64_t device = 0;
    uint64_t inode = 0;
    struct stat status;
    return span_split(&rest, ':', &part) && span_to_uint64(part, &device) &&
           span_to_uint64(rest, &inode) && fstat(STDERR_FILENO, &status) == 0 &&
           status.st_dev == device && status.st_ino == inode;
}

void log_setup(enum log_level level, enum log_format format)
{
    atomic_store_explicit(&wanted_level, (int)level, memory_order_relaxed);
    atomic_store_explicit(&wanted_format, (int)format, memory_order_relaxed);
    atomic_store_explicit(&is_journal, find_journal(), memory_order_relaxed);
}

bool log_is_on(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&wanted_level, memory_order_relaxed);
}

uint64_t log_dropped(void)
{
    return atomic_load_explicit(&dropped, memory_order_relaxed);
}

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_ERROR: return "error";
    case LOG_WARN: return "warn";
    case LOG_INFO: return "info";
    case LOG_DEBUG: return "debug";
    }
    return "unknown";
}

// sd-daemon(3)
static const char *level_prefix(enum log_level level)
{
    switch (level) {
    case LOG_ERROR: return "<3>";
    case LOG_WARN: return "<4>";
    case LOG_INFO: return "<6>";
    case LOG_DEBUG: return "<7>";
    }
    return "";
}

// ---- text ------------------------------------------------------------------

static size_t room(const struct log_record *r)
{
    return r->len < sizeof r->text - RESERVED ? sizeof r->text - RESERVED - r->len : 0;
}

static void put(struct log_record *r, const char *at, size_t len)
{
    memcpy(r->text + r->len, at, len);
    r->len += len;
}

// Length of the UTF-8 character at the front of `s`, which is not empty; 0 when it is none.
static size_t char_len(struct span s)
{
    const unsigned char *at = (const unsigned char *)s.at;
    if (at[0] < 0x80)
        return 1;
    size_t len = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || s.len < len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    // Overlong forms, surrogates, and what is beyond U+10FFFF.
    bool is_wrong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
                    (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f);
    return is_wrong ? 0 : len;
}

// One character of `s` as it stands inside quotes, into `out`; returns how many bytes of `s` it is.
static size_t escape(struct span s, char out[8], size_t *out_len)
{
    size_t len = char_len(s);
    unsigned char c = (unsigned char)s.at[0];
    if (len == 0) {
        *out_len = 3;
        memcpy(out, "\xef\xbf\xbd", 3); // U+FFFD
        return 1;
    }
    bool is_c1 = len == 2 && c == 0xc2 && (unsigned char)s.at[1] < 0xa0;
    if (c < 0x20 || c == 0x7f || is_c1) {
        const char *found = c != 0 ? strchr("\nn\tt\rr", c) : NULL;
        if (found != NULL)
            *out_len = (size_t)snprintf(out, 8, "\\%c", found[1]);
        else
            *out_len = (size_t)snprintf(out, 8, "\\u%04x", is_c1 ? (unsigned char)s.at[1] : c);
        return len;
    }
    size_t start = c == '"' || c == '\\';
    out[0] = '\\';
    memcpy(out + start, s.at, len);
    *out_len = start + len;
    return len;
}

static void put_quoted(struct log_record *r, struct span value)
{
    if (room(r) < 2)
        return;
    put(r, "\"", 1);
    while (value.len > 0) {
        char out[8];
        size_t out_len = 0;
        size_t taken = escape(value, out, &out_len);
        if (out_len > room(r)) {
            put(r, "...", 3);
            break;
        }
        put(r, out, out_len);
        value.at += taken;
        value.len -= taken;
    }
    put(r, "\"", 1);
}

// Whether logfmt needs no quotes around it.
static bool is_plain(struct span value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.at[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
            return false;
    }
    return value.len > 0;
}

static bool is_json(void)
{
    return atomic_load_explicit(&wanted_format, memory_order_relaxed) == LOG_JSON;
}

// What stands between the value before and this one; false when the record has no room for a field.
static bool put_key(struct log_record *r, const char *key)
{
    size_t len = strlen(key);
    if (len + sizeof ",\"\":\"...\"" > room(r))
        return false;
    if (is_json()) {
        put(r, ",\"", 2);
        put(r, key, len);
        put(r, "\":", 2);
    } else {
        put(r, " ", 1);
        put(r, key, len);
        put(r, "=", 1);
    }
    return true;
}

// ---- records ---------------------------------------------------------------

void log_begin(struct log_record *r, enum log_level level, enum log_area area, const char *message)
{
    r->len = 0;
    r->is_on = log_is_on(level);
    if (!r->is_on)
        return;
    if (atomic_load_explicit(&is_journal, memory_order_relaxed))
        put(r, level_prefix(level), strlen(level_prefix(level)));
    char now[DATE_TEXT_LEN];
    date_print_ms(clock_system_ms(), now);
    const char *start = is_json() ? "{\"time\":\"" : "time=";
    put(r, start, strlen(start));
    put(r, now, strlen(now));
    put(r, "\"", is_json() ? 1 : 0);
    log_str(r, "level", level_name(level));
    log_str(r, "area", area_names[area]);
    log_str(r, "msg", message);
}

void log_str(struct log_record *r, const char *key, const char *value)
{
    if (value != NULL)
        log_span(r, key, span_of(value));
}

void log_span(struct log_record *r, const char *key, struct span value)
{
    if (!r->is_on || !put_key(r, key))
        return;
    if (!is_json() && is_plain(value) && value.len <= room(r))
        put(r, value.at, value.len);
    else
        put_quoted(r, value);
}

void log_int(struct log_record *r, const char *key, int64_t value)
{
    char text[24];
    size_t len = (size_t)snprintf(text, sizeof text, "%" PRId64, value);
    if (!r->is_on || strlen(key) + len + 8 > room(r) || !put_key(r, key))
        return;
    put(r, text, len);
}

void log_uid(struct log_record *r, const char *key, const struct uid *value)
{
    if (!r->is_on)
        return;
    char text[UID_TEXT_LEN + 1];
    uid_print(value, text);
    log_str(r, key, text);
}

// One thread at a time; false when its turn does not come soon.
static bool take_turn(void)
{
    for (int tries = 0; tries < 1000; tries++) {
        if (!atomic_flag_test_and_set_explicit(&is_writing, memory_order_acquire))
            return true;
        (void)sched_yield();
    }
    return false;
}

// The descriptor may be shared and is left as it is (blocking): a pipe that is writable takes
// PIPE_BUF bytes at once, unless somebody else writes in between.
static bool write_ready(const char *line, size_t len)
{
    struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0)
        return false;
    ssize_t written = 0;
    do {
        written = write(STDERR_FILENO, line, len);
    } while (written < 0 && errno == EINTR);
    return written == (ssize_t)len;
}

static bool write_line(const char *line, size_t len)
{
    if (!take_turn())
        return false;
    bool is_written = write_ready(line, len);
    atomic_flag_clear_explicit(&is_writing, memory_order_release);
    return is_written;
}

void log_end(struct log_record *r)
{
    if (!r->is_on)
        return;
    r->is_on = false;
    if (is_json())
        put(r, "}", 1);
    put(r, "\n", 1);
    if (!write_line(r->text, r->len))
        atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
}

void log_line(enum log_level level, enum log_area area, const char *format, ...)
{
    if (!log_is_on(level))
        return;
    char message[MESSAGE_LEN];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (len >= (int)sizeof message)
        memcpy(message + sizeof message - 4, "...", 4);
    struct log_record r;
    log_begin(&r, level, area, len >= 0 ? message : format);
    log_end(&r);
}
