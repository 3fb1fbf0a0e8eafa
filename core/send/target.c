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
    heap_init(&targets->suspects);
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
    heap_deinit(&targets->suspects);
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
    struct list_node *node = list_first(&targets->idle);
    if (node == NULL || targets->by_origin.count <= TARGET_MAX_COUNT)
        return NULL;
    list_remove(node);
    struct target *target = CONTAINER_OF(node, struct target, node);
    CHECK(target->state != TARGET_LOOKING);
    list_remove(&target->queued);
    heap_remove(&targets->suspects, &target->suspect);
    void *removed = strmap_remove(&targets->by_origin, span_of(target->origin));
    CHECK(removed == target);
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
    if (target->again_ms > 0)
        heap_set(&targets->suspects, &target->suspect, target->not_before_ms);
    else
        list_append(&targets->queue, &target->queued);
}

// Threads of lookups that were given up on; the time when the first of them is gone.
static uint32_t count_lingering(const struct targets *targets, int64_t now_ms, int64_t *first_ms)
{
    uint32_t count = 0;
    *first_ms = INT64_MAX;
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

// May a suspect be looked up, with so many threads lingering? False: *next_ms may get the time.
static struct target *first_suspect(struct targets *targets, uint32_t lingering, int64_t now_ms,
                                    int64_t *next_ms)
{
    struct heap_node *node = heap_min(&targets->suspects);
    if (node == NULL || targets->suspects_looking >= TARGET_MAX_SUSPECTS)
        return NULL;
    if (lingering >= TARGET_MAX_LINGERING / 2)
        return NULL; // *next_ms is when the first thread is gone
    if (node->key > now_ms) {
        *next_ms = node->key;
        return NULL;
    }
    return CONTAINER_OF(node, struct target, suspect);
}

struct target *targets_next(struct targets *targets, int64_t now_ms, int64_t *next_ms)
{
    uint32_t lingering = count_lingering(targets, now_ms, next_ms);
    while (targets->looking < TARGET_MAX_LOOKUPS && lingering < TARGET_MAX_LINGERING) {
        struct list_node *node = list_first(&targets->queue);
        struct target *target = node != NULL ? CONTAINER_OF(node, struct target, queued)
                                             : first_suspect(targets, lingering, now_ms, next_ms);
        if (target == NULL)
            break;
        list_remove(&target->queued);
        heap_remove(&targets->suspects, &target->suspect);
        target->state = TARGET_UNKNOWN;
        if (list_is_empty(&target->waiting))
            continue; // nobody wants to know any more
        target->state = TARGET_LOOKING;
        target->is_suspect_look = node == NULL;
        targets->looking++;
        targets->suspects_looking += target->is_suspect_look;
        return target;
    }
    if (list_is_empty(&targets->queue) && targets->suspects.count == 0)
        *next_ms = INT64_MAX;
    return NULL;
}

static void settle(struct targets *targets, struct target *target)
{
    CHECK(target->state == TARGET_LOOKING && targets->looking > 0);
    targets->looking--;
    targets->suspects_looking -= target->is_suspect_look;
    target->is_suspect_look = false;
    if (!list_is_linked(&target->settled))
        list_append(&targets->settled, &target->settled);
}

void targets_found(struct targets *targets, struct target *target, int64_t now_ms)
{
    settle(targets, target);
    target->state = TARGET_KNOWN;
    target->known_at_ms = now_ms;
    target->again_ms = 0;
}

static void make_suspect(struct targets *targets, struct target *target, int64_t now_ms)
{
    int64_t again_ms = target->again_ms > 0 ? target->again_ms : TARGET_AGAIN_MS;
    target->not_before_ms = now_ms + again_ms;
    target->again_ms = again_ms * 2 < TARGET_AGAIN_MAX_MS ? again_ms * 2 : TARGET_AGAIN_MAX_MS;
    for (size_t i = 0; i < TARGET_MAX_LINGERING; i++) {
        if (targets->lingering[i] <= now_ms) {
            targets->lingering[i] = now_ms + TARGET_LINGER_MS;
            return;
        }
    }
}

void targets_failed(struct targets *targets, struct target *target, bool is_hanging, int64_t now_ms)
{
    settle(targets, target);
    target->state = TARGET_UNKNOWN;
    if (is_hanging)
        make_suspect(targets, target, now_ms);
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
