// SPDX-License-Identifier: MIT
// Heap memory that is there or ends the process; any thread.
//
// Allocation failure aborts; therefore everything sized by the outside world is bounded before it
// is allocated. Nothing outside base/ calls malloc or free.
#pragma once

#include <stddef.h>

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
// Zeroed; aborts when count * size overflows.
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *memory, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *text) __attribute__((malloc, returns_nonnull));
// Copies `len` bytes and a NUL behind them.
char *xmemdup0(const void *bytes, size_t len) __attribute__((malloc, returns_nonnull));
// NULL is fine.
void xfree(void *memory);
// Overwrites in a way that the compiler keeps; for secrets.
void mem_wipe(void *memory, size_t size);
// Equal, in a time that depends on `len` alone.
int mem_equal_constant_time(const void *a, const void *b, size_t len);
