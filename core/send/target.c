// SPDX-License-Identifier: MIT
// Origins and their lookups; runs on a sender thread.
#include "send/target.h"

#include <stdint.h>

#include "base/mem.h"

void targets_init(struct targets *targets, uint32_t threads, uint32_t multis, bool has_proxy)
{
    *targets = (struct targets){.threads = threads, .multis = multis, .has_proxy = has_proxy};
    strmap_init(&targets->by_origin);
    list_init(&targets->idle);
    list_init(&targets->queue);
    list_init(&targets->settled);
}

void target_free(struct target *target)
{
    CHECK(target->users == 0 && list_is_empty(&target->waiting));
    list_remove(&target->settled);
    xfree(target->origin);
    xfree(target);
}

void targets_deinit(struct targets *targets)
{
    struct list_node *node = NULL;
    while ((node = list_pop(&targets->idle)) != NULL)
        target_free(CONTAINER_OF(node, struct target, node));
    strmap_deinit(&targets->by_origin);
}

struct span target_origin(struct span url)
{
    size_t at = 0;
    while (at + 2 < url.len && memcmp(url.at + at, "://", 3) != 0)
        at++;
    if (at + 2 >= url.len)
        return url;
    for (at += 3; at < url.len; at++) {
        if (url.at[at] == '/' || url.at[at] == '?' || url.at[at] == '#')
            break;
    }
    return (struct span){url.at, at};
}

static bool is_localhost(const char *host)
{
    size_t len = strlen(host);
    static const char tail[] = ".localhost";
    return strcmp(host, tail + 1) == 0 ||
           (len > sizeof tail - 1 && strcmp(host + len - (sizeof tail - 1), tail) == 0);
}

static struct target *target_new(struct targets *targets, struct span origin, struct span url,
                                 struct errmsg *message)
{
    struct guard_target at;
    if (!guard_parse_url(url, &at, message))
        return NULL;
    struct target *target = xcalloc(1, sizeof *target);
    target->origin = xmemdup0(origin.at, origin.len);
    target->at = at;
    target->multi = (uint32_t)(span_hash(origin) / targets->threads % targets->multis);
    target->needs_no_lookup = targets->has_proxy || at.is_literal || is_localhost(at.host);
    list_init(&target->waiting);
    strmap_set(&targets->by_origin, origin, target);
    return target;
}

struct target *targets_use(struct targets *targets, struct span url, struct errmsg *message)
{
    struct span origin = target_origin(url);
    struct target *target = strmap_get(&targets->by_origin, origin);
    if (target == NULL)
        target = target_new(targets, origin, url, message);
    if (target == NULL)
        return NULL;
    list_remove(&target->node);
    target->users++;
    return target;
}

void targets_unuse(struct targets *targets, struct target *target)
{
    CHECK(target->users > 0);
    if (--target->users == 0)
        list_append(&targets->idle, &target->node);
}

struct target *targets_evict(struct targets *targets)
{
    if (targets->by_origin.count <= TARGET_MAX_COUNT || list_is_empty(&targets->idle))
        return NULL;
    struct target *target = CONTAINER_OF(list_pop(&targets->idle), struct target, node);
    CHECK(target->state != TARGET_LOOKING);
    list_remove(&target->queued);
    CHECK(strmap_remove(&targets->by_origin, span_of(target->origin)) == target);
    return target;
}

bool target_is_ready(const struct target *target)
{
    return target->needs_no_lookup || target->state == TARGET_KNOWN;
}

void targets_want(struct targets *targets, struct target *target)
{
    if (target->state != TARGET_UNKNOWN)
        return;
    target->state = TARGET_QUEUED;
    list_append(&targets->queue, &target->queued);
}

static uint32_t lingering(const struct targets *targets, int64_t now_ms, int64_t *first_ms)
{
    uint32_t count = 0;
    for (size_t i = 0; i < TARGET_MAX_LINGERING; i++) {
        int64_t until_ms = targets->lingering[i];
        if (until_ms <= now_ms)
            continue;
        count++;
        if (until_ms < *first_ms)
            *first_ms = until_ms;
    }
    return count;
}

struct target *targets_next(struct targets *targets, int64_t now_ms, int64_t *next_ms)
{
    *next_ms = INT64_MAX;
    if (list_is_empty(&targets->queue) || targets->looking >= TARGET_MAX_LOOKUPS)
        return NULL;
    int64_t first_ms = INT64_MAX;
    if (lingering(targets, now_ms, &first_ms) >= TARGET_MAX_LINGERING) {
        *next_ms = first_ms;
        return NULL;
    }
    LIST_FOREACH_SAFE(node, &targets->queue) {
        struct target *target = CONTAINER_OF(node, struct target, queued);
        bool is_wanted = !list_is_empty(&target->waiting);
        if (is_wanted && target->not_before_ms > now_ms) {
            if (target->not_before_ms < *next_ms)
                *next_ms = target->not_before_ms;
            continue;
        }
        list_remove(&target->queued);
        target->state = is_wanted ? TARGET_LOOKING : TARGET_UNKNOWN;
        if (!is_wanted)
            continue;
        targets->looking++;
        return target;
    }
    return NULL;
}

static void settle(struct targets *targets, struct target *target)
{
    CHECK(target->state == TARGET_LOOKING && targets->looking > 0);
    targets->looking--;
    if (!list_is_linked(&target->settled))
        list_append(&targets->settled, &target->settled);
}

void targets_found(struct targets *targets, struct target *target, int64_t now_ms)
{
    settle(targets, target);
    target->state = TARGET_KNOWN;
    target->known_at_ms = now_ms;
}

void targets_failed(struct targets *targets, struct target *target, bool is_hanging, int64_t now_ms)
{
    settle(targets, target);
    target->state = TARGET_UNKNOWN;
    if (!is_hanging)
        return;
    target->not_before_ms = now_ms + TARGET_AGAIN_MS;
    for (size_t i = 0; i < TARGET_MAX_LINGERING; i++) {
        if (targets->lingering[i] <= now_ms) {
            targets->lingering[i] = now_ms + TARGET_LINGER_MS;
            return;
        }
    }
}

void targets_doubt(struct target *target)
{
    if (target->state == TARGET_KNOWN)
        target->state = TARGET_UNKNOWN;
}

bool target_is_stale(const struct target *target, int64_t now_ms)
{
    return !target->needs_no_lookup && target->state != TARGET_LOOKING &&
           now_ms - target->known_at_ms > TARGET_MAX_AGE_MS;
}
