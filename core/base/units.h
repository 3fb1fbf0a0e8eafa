// SPDX-License-Identifier: MIT
// Durations and sizes as people write them: 10ms 5s 2h 30d, 64KiB 1MiB; any thread.
#pragma once

#include "base/span.h"

#define UNITS_TEXT_LEN 32

// A whole number and one of ms s m h d ("0" needs none); false when it is none or overflows.
bool units_parse_duration(struct span text, int64_t *ms);
// The largest unit that gives a whole number: "90s", "2h", "10ms".
void units_print_duration(int64_t ms, char out[UNITS_TEXT_LEN]);
// A whole number, alone (bytes) or with B KiB MiB GiB TiB.
bool units_parse_size(struct span text, int64_t *bytes);
void units_print_size(int64_t bytes, char out[UNITS_TEXT_LEN]);
