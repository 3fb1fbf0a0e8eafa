// SPDX-License-Identifier: MIT
// The low-water mark: a ring of recent events with one bit per delivery that is owed.
#include "store/mark.h"

#include "base/check.h"
#include "base/mem.h"

#define MARK_START 64 // events in the first ring

struct mark_event {
    uint64_t seq;
    uint32_t owed;     // bits that are set
    uint32_t webhooks; // bits in all; above 64 they lie in `many`
    union {
        uint64_t bits;  // 1: owed
        uint64_t *many; // owned
    };
};

void mark_init(struct mark *mark, uint64_t next)
{
    *mark = (struct mark){.next = next};
}

static struct mark_event *at(const struct mark *mark, size_t i)
{
    return &mark->ring[(mark->head + i) & (mark->capacity - 1)];
}

static void event_deinit(struct mark_event *event)
{
    if (event->webhooks > 64)
        xfree(event->many);
}

void mark_deinit(struct mark *mark)
{
    for (size_t i = 0; i < mark->count; i++)
        event_deinit(at(mark, i));
    xfree(mark->ring);
    *mark = (struct mark){0};
}

static void grow(struct mark *mark)
{
    size_t capacity = mark->capacity > 0 ? mark->capacity * 2 : MARK_START;
    struct mark_event *ring = xcalloc(capacity, sizeof *ring);
    for (size_t i = 0; i < mark->count; i++)
        ring[i] = *at(mark, i);
    xfree(mark->ring);
    mark->ring = ring;
    mark->head = 0;
    mark->capacity = capacity;
}

static void drop_settled(struct mark *mark)
{
    while (mark->count > 0 && at(mark, 0)->owed == 0) {
        event_deinit(at(mark, 0));
        mark->head = (mark->head + 1) & (mark->capacity - 1);
        mark->count--;
    }
}

void mark_append(struct mark *mark, uint64_t seq, uint32_t webhooks)
{
    CHECK(seq >= mark->next);
    mark->next = seq + 1;
    if (webhooks == 0)
        return;
    if (mark->count == mark->capacity)
        grow(mark);
    struct mark_event *event = at(mark, mark->count++);
    *event = (struct mark_event){.seq = seq, .owed = webhooks, .webhooks = webhooks};
    if (webhooks <= 64) {
        event->bits = UINT64_MAX >> (64 - webhooks);
        return;
    }
    size_t words = (webhooks + 63) / 64;
    event->many = xcalloc(words, sizeof *event->many);
    for (size_t i = 0; i < words; i++)
        event->many[i] = UINT64_MAX;
    if (webhooks % 64 > 0)
        event->many[words - 1] = UINT64_MAX >> (64 - webhooks % 64);
}

// Place of the first event at or after `seq`. Where no number was skipped the guess is exact.
static size_t find(const struct mark *mark, uint64_t seq)
{
    if (mark->count == 0 || seq <= at(mark, 0)->seq)
        return 0;
    uint64_t guess = seq - at(mark, 0)->seq;
    if (guess < mark->count && at(mark, guess)->seq == seq)
        return guess;
    size_t low = 0;
    size_t high = guess < mark->count ? guess : mark->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (at(mark, middle)->seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint64_t *word(struct mark_event *event, uint32_t index)
{
    return event->webhooks > 64 ? &event->many[index / 64] : &event->bits;
}

void mark_dispose(struct mark *mark, uint64_t seq, uint32_t index)
{
    size_t i = find(mark, seq);
    if (i >= mark->count || at(mark, i)->seq != seq || index >= at(mark, i)->webhooks)
        return;
    struct mark_event *event = at(mark, i);
    uint64_t bit = UINT64_C(1) << index % 64;
    if (!(*word(event, index) & bit))
        return;
    *word(event, index) &= ~bit;
    event->owed--;
    drop_settled(mark);
}

bool mark_is_owed(const struct mark *mark, uint64_t seq, uint32_t index)
{
    size_t i = find(mark, seq);
    if (i >= mark->count || at(mark, i)->seq != seq || index >= at(mark, i)->webhooks)
        return false;
    return *word(at(mark, i), index) >> index % 64 & 1;
}

uint64_t mark_low(const struct mark *mark)
{
    return mark->count > 0 ? at(mark, 0)->seq : mark->next;
}

bool mark_next(const struct mark *mark, uint64_t *seq, uint32_t *index)
{
    for (size_t i = find(mark, *seq); i < mark->count; i++) {
        struct mark_event *event = at(mark, i);
        uint32_t k = event->seq == *seq ? *index : 0;
        for (; k < event->webhooks && event->owed > 0; k++) {
            if (!(*word(event, k) >> k % 64 & 1))
                continue;
            *seq = event->seq;
            *index = k;
            return true;
        }
    }
    return false;
}
