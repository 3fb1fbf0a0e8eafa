// SPDX-License-Identifier: MIT
// Assertions that stay on in release, and small compiler helpers; any thread.
#pragma once

#include <stddef.h>

#define MUST_CHECK                 __attribute__((warn_unused_result))
#define PRINTF_LIKE(string, first) __attribute__((format(printf, string, first)))
#define NORETURN                   __attribute__((noreturn))
#define UNUSED                     __attribute__((unused))

// Number of elements of an array (never a pointer).
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

// The object that contains `member` at `pointer`.
#define CONTAINER_OF(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

// Prints what failed and where on standard error, then aborts: at-least-once delivery makes a
// crash safe, a corrupt state is not.
NORETURN void check_fail(const char *expression, const char *file, int line);

// Always on. The condition must hold whatever the outside world does. An expression, so that it
// is no level of nesting.
#define CHECK(condition) \
    (__builtin_expect(!!(condition), 1) ? (void)0 : check_fail(#condition, __FILE__, __LINE__))

// For hot loops: on unless NDEBUG.
#ifdef NDEBUG
#    define DCHECK(condition) ((void)0)
#else
#    define DCHECK(condition) CHECK(condition)
#endif

// Gives `variable` the object behind a void pointer, after checking its magic word. The struct's
// first field must be `uint32_t magic`.
#define CAST(variable, pointer, magic_word)                             \
    do {                                                                \
        (variable) = (pointer);                                         \
        CHECK((variable) != NULL && (variable)->magic == (magic_word)); \
    } while (0)
