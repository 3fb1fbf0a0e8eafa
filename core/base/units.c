// SPDX-License-Identifier: MIT
// Durations and sizes as people write them: 10ms 5s 2h 30d, 64KiB 1MiB; any thread.
#include "base/units.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"

struct unit {
    const char *name; // as written; static
    int64_t factor;   // in the smallest unit
};

static const struct unit durations[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};
static const struct unit sizes[] = {
    {"TiB", INT64_C(1) << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1},
};

// Splits into digits and unit; the name may be empty.
static bool split(struct span text, int64_t *number, struct span *name)
{
    size_t digits = 0;
    while (digits < text.len && text.at[digits] >= '0' && text.at[digits] <= '9')
        digits++;
    *name = (struct span){text.at + digits, text.len - digits};
    return span_to_int64((struct span){text.at, digits}, number);
}

static bool scale(int64_t number, struct span name, const struct unit *units, size_t count,
                  int64_t *out)
{
    for (size_t i = 0; i < count; i++) {
        if (!span_is(name, units[i].name))
            continue;
        if (number > INT64_MAX / units[i].factor)
            return false;
        *out = number * units[i].factor;
        return true;
    }
    return false;
}

static void print(int64_t number, const struct unit *units, size_t count, char *out)
{
    size_t i = 0;
    while (i + 1 < count && number % units[i].factor != 0)
        i++;
    (void)snprintf(out, UNITS_TEXT_LEN, "%" PRId64 "%s", number / units[i].factor, units[i].name);
}

bool units_parse_duration(struct span text, int64_t *ms)
{
    int64_t number = 0;
    struct span name = {0};
    if (!split(text, &number, &name))
        return false;
    if (name.len == 0 && number == 0) {
        *ms = 0;
        return true;
    }
    return scale(number, name, durations, COUNT_OF(durations), ms);
}

void units_print_duration(int64_t ms, char out[UNITS_TEXT_LEN])
{
    if (ms == 0)
        memcpy(out, "0s", sizeof "0s");
    else
        print(ms, durations, COUNT_OF(durations), out);
}

bool units_parse_size(struct span text, int64_t *bytes)
{
    int64_t number = 0;
    struct span name = {0};
    if (!split(text, &number, &name))
        return false;
    return scale(number, name.len > 0 ? name : SPAN("B"), sizes, COUNT_OF(sizes), bytes);
}

void units_print_size(int64_t bytes, char out[UNITS_TEXT_LEN])
{
    if (bytes == 0)
        memcpy(out, "0B", sizeof "0B");
    else
        print(bytes, sizes, COUNT_OF(sizes), out);
}
