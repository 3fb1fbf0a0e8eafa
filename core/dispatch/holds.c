// SPDX-License-Identifier: MIT
// What holds a webhook, a slot per reason with its end; any thread.
#include "dispatch/holds.h"

#include "base/check.h"

void holds_set(struct holds *holds, enum hold reason, int64_t until_ms)
{
    CHECK(reason < HOLD_COUNT);
    holds->until_ms[reason] = until_ms;
}

void holds_clear(struct holds *holds, enum hold reason)
{
    holds_set(holds, reason, 0);
}

bool holds_has(const struct holds *holds, enum hold reason, int64_t now_ms)
{
    CHECK(reason < HOLD_COUNT);
    return holds->until_ms[reason] > now_ms;
}

int64_t holds_end(const struct holds *holds)
{
    int64_t end = 0;
    for (int i = 0; i < HOLD_COUNT; i++)
        end = holds->until_ms[i] > end ? holds->until_ms[i] : end;
    return end;
}

// Sorted as they come in; those with the same end stay in the order of the table.
size_t holds_list(const struct holds *holds, int64_t now_ms, enum hold out[HOLD_COUNT])
{
    size_t count = 0;
    for (int i = 0; i < HOLD_COUNT; i++) {
        if (holds->until_ms[i] <= now_ms)
            continue;
        size_t at = count++;
        for (; at > 0 && holds->until_ms[out[at - 1]] < holds->until_ms[i]; at--)
            out[at] = out[at - 1];
        out[at] = (enum hold)i;
    }
    return count;
}

const char *holds_reason(const struct holds *holds, int64_t now_ms)
{
    enum hold list[HOLD_COUNT];
    return holds_list(holds, now_ms, list) > 0 ? hold_name(list[0]) : NULL;
}

const char *hold_name(enum hold reason)
{
    static const char *const names[HOLD_COUNT] = {
#define X(name, reason, means) reason,
#include "dispatch/holds.def"
#undef X
    };
    CHECK(reason < HOLD_COUNT);
    return names[reason];
}

const char *hold_means(enum hold reason)
{
    static const char *const texts[HOLD_COUNT] = {
#define X(name, reason, means) means,
#include "dispatch/holds.def"
#undef X
    };
    CHECK(reason < HOLD_COUNT);
    return texts[reason];
}
