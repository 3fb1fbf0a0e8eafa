// SPDX-License-Identifier: MIT
// Which webhooks want an event: exact names by a map, patterns one by one; main only.
#include "dispatch/match.h"

#include "base/mem.h"

static void list_add(struct match_list *list, struct webhook *webhook)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 4 : list->capacity * 2;
        list->webhooks = xrealloc(list->webhooks, list->capacity * sizeof *list->webhooks);
    }
    list->webhooks[list->count++] = webhook;
}

static void list_drop(struct match_list *list, const struct webhook *webhook)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->webhooks[i] != webhook)
            continue;
        list->count--;
        memmove(&list->webhooks[i], &list->webhooks[i + 1],
                (list->count - i) * sizeof *list->webhooks);
        return;
    }
}

void match_init(struct match *match)
{
    *match = (struct match){0};
    strmap_init(&match->by_name);
}

void match_deinit(struct match *match)
{
    size_t at = 0;
    struct span name;
    void *value;
    while (strmap_next(&match->by_name, &at, &name, &value)) {
        struct match_list *list = value;
        xfree(list->webhooks);
        xfree(list);
    }
    strmap_deinit(&match->by_name);
    xfree(match->patterns.webhooks);
}

static bool is_pattern(struct span event)
{
    return event.at[event.len - 1] == '*';
}

static bool has_pattern(const struct webhook *webhook)
{
    for (uint32_t i = 0; i < webhook->event_count; i++) {
        if (is_pattern(webhook->events[i]))
            return true;
    }
    return false;
}

// A name that stands twice in one webhook counts once.
static bool is_repeated(const struct webhook *webhook, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        if (span_eq(webhook->events[i], webhook->events[index]))
            return true;
    }
    return false;
}

// A webhook with any pattern is in `patterns` alone: so nobody is found twice.
void match_add(struct match *match, struct webhook *webhook)
{
    if (has_pattern(webhook)) {
        list_add(&match->patterns, webhook);
        return;
    }
    for (uint32_t i = 0; i < webhook->event_count; i++) {
        if (is_repeated(webhook, i))
            continue;
        struct match_list *list = strmap_get(&match->by_name, webhook->events[i]);
        if (list == NULL) {
            list = xcalloc(1, sizeof *list);
            strmap_set(&match->by_name, webhook->events[i], list);
        }
        list_add(list, webhook);
    }
}

void match_remove(struct match *match, const struct webhook *webhook)
{
    if (has_pattern(webhook)) {
        list_drop(&match->patterns, webhook);
        return;
    }
    for (uint32_t i = 0; i < webhook->event_count; i++) {
        struct match_list *list = strmap_get(&match->by_name, webhook->events[i]);
        if (list == NULL)
            continue;
        list_drop(list, webhook);
        if (list->count > 0)
            continue;
        strmap_remove(&match->by_name, webhook->events[i]);
        xfree(list->webhooks);
        xfree(list);
    }
}

void match_event(const struct match *match, struct span event_name,
                 void (*on_webhook)(void *context, struct webhook *webhook), void *context)
{
    const struct match_list *exact = strmap_get(&match->by_name, event_name);
    for (uint32_t i = 0; exact != NULL && i < exact->count; i++)
        on_webhook(context, exact->webhooks[i]);
    for (uint32_t i = 0; i < match->patterns.count; i++) {
        if (webhook_matches(match->patterns.webhooks[i], event_name))
            on_webhook(context, match->patterns.webhooks[i]);
    }
}
