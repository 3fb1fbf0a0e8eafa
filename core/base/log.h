// SPDX-License-Identifier: MIT
// One line per record on standard error, logfmt or JSON, with journald priorities; any thread.
//
// A record is built by fields and written with one write(2). Control characters are escaped. When
// standard error cannot take it, the record is dropped and counted: a log never blocks a loop.
#pragma once

#include "base/span.h"
#include "base/uid.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_LOGFMT, LOG_JSON };
enum log_area {
#define X(name, text) LOG_##name##_AREA,
#include "base/log.def"
#undef X
};

// Once at start, and on reload.
void log_setup(enum log_level level, enum log_format format);
bool log_is_on(enum log_level level);
// Records that could not be written so far.
uint64_t log_dropped(void);

// struct log_record r; log_begin(&r, LOG_INFO, LOG_STORE_AREA, "opened"); log_str(&r, "path", p);
// log_end(&r);
struct log_record {
    char text[4096]; // the line as built so far; overlong values are cut with "..."
    size_t len;
    bool is_on; // the level is wanted
};

void log_begin(struct log_record *r, enum log_level level, enum log_area area, const char *message);
void log_str(struct log_record *r, const char *key, const char *value); // NULL: left out
void log_span(struct log_record *r, const char *key, struct span value);
void log_int(struct log_record *r, const char *key, int64_t value);
void log_uid(struct log_record *r, const char *key, const struct uid *value);
void log_end(struct log_record *r);

// A record with a formatted message and no fields.
void log_line(enum log_level level, enum log_area area, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
