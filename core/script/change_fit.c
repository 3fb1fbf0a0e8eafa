// SPDX-License-Identifier: MIT
// Do the options of every webhook still fit, once a change is true? Asked of a host; main only.
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "script/change.h"
#include "script/script_inside.h"

#define FIT_CPU_NS   (200 * 1000000LL)
#define FIT_WALL_NS  (5000 * 1000000LL)
#define FITS_AT_ONCE 256

static void next_fits(struct change *change);

#define FIT_MAGIC 0x46495443u
struct fit {
    uint32_t magic;
    struct pool_visit visit;
    struct change *change; // borrowed
    struct facts *facts;   // one reference
};

// What is not refused, as one picture.
static void set_stage(struct change *change)
{
    struct library_version **versions = xcalloc(change->count + 1, sizeof(*versions));
    struct script_place *places = xcalloc(change->count + 1, sizeof(*places));
    struct library_stage *stage = &change->stage;
    xfree((void *)(uintptr_t)stage->versions);
    xfree((void *)(uintptr_t)stage->places);
    *stage = (struct library_stage){.versions = versions, .places = places};
    for (size_t i = 0; i < change->count; i++) {
        const struct change_item *item = &change->items[i];
        if (item->why != NULL)
            continue;
        if (item->source == NULL)
            places[stage->place_count++] = change_place(item);
        else if (item->is_activated)
            versions[stage->version_count++] = item->version;
    }
}

// The item that decides what this script of a webhook becomes; NULL: nothing changes for it, or it
// had none before either.
// An item that webhooks have refused is still asked about, so that all of them are listed.
static struct change_item *item_for(struct change *change, const struct webhook *webhook,
                                    const struct webhook_script *script,
                                    struct library_version **becomes)
{
    const struct library *library = change->script->library;
    struct library_version *was =
        library_find(library, webhook->tenant, script->name, script->version);
    *becomes = library_find_staged(library, &change->stage, webhook->tenant, script->name,
                                   script->version);
    if (was == NULL || was == *becomes)
        return NULL;
    for (size_t i = 0; i < change->count; i++) {
        struct change_item *item = &change->items[i];
        bool is_place = item->origin == was->origin && strcmp(item->tenant, was->tenant) == 0 &&
                        strcmp(item->name, was->name) == 0;
        if (item->source != NULL ? item->version != NULL && item->version == *becomes : is_place)
            return item;
    }
    return NULL;
}

static void blame(struct change *change, struct change_item *item, const struct webhook *webhook,
                  struct span field, struct span message)
{
    char uuid[UID_TEXT_LEN + 1];
    char where[256];
    struct errmsg why;
    uid_print(&webhook->uuid, uuid);
    (void)snprintf(where, sizeof where, "webhooks.%s.%.*s", uuid, SPAN_ARGS(field));
    change_complain(change, where, message);
    const char *verb = item->source != NULL ? "it does not fit" : "it is gone, but is used by";
    bool is_first = item->why == NULL;
    errmsg_set(&why, "%s%s%s%swebhook %s%s%.*s%s: %.*s: %.*s", is_first ? item->name : "; ",
               is_first ? ".lua: " : "", is_first ? verb : "", is_first ? " " : "", uuid,
               webhook->name.len > 0 ? " (" : "", SPAN_ARGS(webhook->name),
               webhook->name.len > 0 ? ")" : "", SPAN_ARGS(field), SPAN_ARGS(message));
    if (!is_first)
        change_refuse_more(item, why.text);
    else
        change_refuse(item, span_of(why.text));
}

static struct fit *fit_of(struct pool_visit *visit)
{
    struct fit *fit = CONTAINER_OF(visit, struct fit, visit);
    CHECK(fit->magic == FIT_MAGIC);
    return fit;
}

static void put_fit(struct pool_visit *visit, struct host *host)
{
    facts_ask(fit_of(visit)->facts, host, visit->id);
}

static void end_fit(struct fit *fit)
{
    struct change *change = fit->change;
    facts_unref(fit->facts);
    fit->magic = 0;
    xfree(fit);
    if (--change->open == 0)
        next_fits(change);
}

// "scripts.3.options.channel": 3.
static uint32_t script_index(struct span field)
{
    uint32_t index = 0;
    size_t at = sizeof "scripts." - 1;
    while (at < field.len && field.at[at] >= '0' && field.at[at] <= '9' && index < 1000)
        index = index * 10 + (uint32_t)(field.at[at++] - '0');
    return index;
}

static enum pool_answer on_fit(struct pool_visit *visit, const struct frame *frame)
{
    struct fit *fit = fit_of(visit);
    struct webhook *webhook = fit->facts->webhook;
    struct frame_problems found;
    if (frame->kind != FRAME_PROBLEMS || !frame_get_problems(frame->payload, &found))
        return POOL_FORGED;
    for (uint32_t i = 0; i < found.count; i++) {
        struct library_version *becomes;
        uint32_t index = script_index(found.list[i].name);
        if (index >= webhook->script_count)
            return POOL_FORGED;
        struct change_item *item =
            item_for(fit->change, webhook, &webhook->scripts[index], &becomes);
        if (item != NULL)
            blame(fit->change, item, webhook, found.list[i].name, found.list[i].value);
    }
    end_fit(fit);
    return POOL_TAKEN;
}

static void on_fit_end(struct pool_visit *visit, const struct pool_end *end)
{
    struct fit *fit = fit_of(visit);
    struct webhook *webhook = fit->facts->webhook;
    struct errmsg why;
    errmsg_set(&why, "while its options were checked, the script host %s", end->cause);
    for (uint32_t i = 0; i < webhook->script_count; i++) {
        struct library_version *becomes;
        struct change_item *item = item_for(fit->change, webhook, &webhook->scripts[i], &becomes);
        if (item != NULL)
            blame(fit->change, item, webhook, SPAN("scripts"), span_of(why.text));
    }
    end_fit(fit);
}

static const struct pool_visit_type fit_type = {
    .put = put_fit, .on_answer = on_fit, .on_end = on_fit_end};

// Is there anything to ask a host? What loses its script altogether is refused here.
static bool needs_visit(struct change *change, const struct webhook *webhook)
{
    bool is_needed = false;
    for (uint32_t i = 0; i < webhook->script_count; i++) {
        struct library_version *becomes;
        struct change_item *item = item_for(change, webhook, &webhook->scripts[i], &becomes);
        char field[32];
        (void)snprintf(field, sizeof field, "scripts.%u", i);
        if (item != NULL && becomes == NULL)
            blame(change, item, webhook, span_of(field), SPAN("it would have no such script"));
        else if (item != NULL)
            is_needed = true;
    }
    return is_needed;
}

static void ask(struct change *change, struct webhook *webhook)
{
    struct script *script = change->script;
    struct fit *fit = xcalloc(1, sizeof(*fit));
    fit->magic = FIT_MAGIC;
    fit->change = change;
    fit->facts = facts_new(++script->next_facts, script->library, &change->stage, script->pool,
                           webhook, NULL);
    fit->visit = (struct pool_visit){.magic = POOL_VISIT_MAGIC,
                                     .type = &fit_type,
                                     .queue = &script->checks,
                                     .cpu_max = FIT_CPU_NS,
                                     .wall_max = FIT_WALL_NS};
    change->open++;
    pool_submit(script->pool, &fit->visit);
}

// NOLINTNEXTLINE(misc-no-recursion): a step forward each time
static void next_fits(struct change *change)
{
    change->open = 1; // this function's own
    while (change->webhook_at < change->webhook_count && change->open <= FITS_AT_ONCE &&
           !change->script->is_stopping) {
        struct webhook *webhook = change->webhooks[change->webhook_at++];
        if (needs_visit(change, webhook))
            ask(change, webhook);
    }
    pool_flush(change->script->pool);
    if (--change->open == 0)
        change_advance(change);
}

static void on_webhook(void *context, struct webhook *webhook)
{
    struct change *change = context;
    if (webhook->script_count == 0)
        return;
    if ((change->webhook_count & (change->webhook_count - 1)) == 0)
        change->webhooks =
            xrealloc(change->webhooks, (change->webhook_count * 2 + 1) * sizeof(struct webhook *));
    change->webhooks[change->webhook_count++] = webhook_ref(webhook);
}

// NOLINTNEXTLINE(misc-no-recursion): a step forward each time
void change_fit(struct change *change)
{
    struct script *script = change->script;
    set_stage(change);
    if (script->each_webhook != NULL)
        script->each_webhook(script->webhooks_context, on_webhook, change);
    next_fits(change);
}
