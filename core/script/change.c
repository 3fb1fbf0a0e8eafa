// SPDX-License-Identifier: MIT
// A change of what is active, step by step; main only.
//
//   change_start → on_turn → (hosts) on_checked → look_at_webhooks → (hosts) on_fit → write →
//   (store) on_written → apply → on_done
#include "script/change.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "script/script_inside.h"

#define CHECK_CPU_NS  (1 * 1000000000LL) // all golden tests of a script, each run twice
#define MAX_WHY       2000               // bytes of a refusal that lists several webhooks
#define CHECK_WALL_NS (20 * 1000000000LL)

// ---- life ----

struct change *change_new(struct script *script, struct span by, struct span note,
                          void (*on_done)(struct change *change), void *context)
{
    struct change *change = xcalloc(1, sizeof(*change));
    change->magic = CHANGE_MAGIC;
    change->script = script;
    change->by = xmemdup0(by.len > 0 ? by.at : "", by.len);
    change->note = xmemdup0(note.len > 0 ? note.at : "", note.len);
    change->at_ms = clock_wall_ms();
    change->on_done = on_done;
    change->context = context;
    return change;
}

void change_free(struct change *change)
{
    CHECK(change->magic == CHANGE_MAGIC && change->open == 0);
    for (size_t i = 0; i < change->count; i++) {
        struct change_item *item = &change->items[i];
        xfree(item->tenant);
        xfree(item->name);
        xfree(item->source);
        xfree(item->why);
        library_unref(item->version);
    }
    for (size_t i = 0; i < change->webhook_count; i++)
        webhook_unref(change->webhooks[i]);
    // The arrays of the stage are ours, though it only looks at them.
    xfree((void *)(uintptr_t)change->stage.versions);
    xfree((void *)(uintptr_t)change->stage.places);
    xfree(change->webhooks);
    xfree(change->items);
    xfree(change->steps);
    xfree(change->by);
    xfree(change->note);
    change->magic = 0;
    xfree(change);
}

struct change_item *change_add(struct change *change, const struct script_place *place,
                               char *source, size_t len)
{
    if (change->count == change->room) {
        change->room = change->room > 0 ? change->room * 2 : 16;
        change->items = xrealloc(change->items, change->room * sizeof(*change->items));
    }
    struct change_item *item = &change->items[change->count++];
    *item = (struct change_item){
        .change = change,
        .tenant = xmemdup0(place->tenant.len > 0 ? place->tenant.at : "", place->tenant.len),
        .name = xmemdup0(place->name.at, place->name.len),
        .origin = place->origin,
        .source = source,
        .len = len,
        .action = "",
    };
    if (source != NULL)
        library_hash(span_make(source, len), item->hash);
    return item;
}

struct script_place change_place(const struct change_item *item)
{
    return (struct script_place){
        .origin = item->origin, .tenant = span_of(item->tenant), .name = span_of(item->name)};
}

size_t change_refused(const struct change *change)
{
    size_t count = 0;
    for (size_t i = 0; i < change->count; i++)
        count += change->items[i].why != NULL;
    return count;
}

size_t change_activated(const struct change *change)
{
    size_t count = 0;
    for (size_t i = 0; i < change->count; i++)
        count += change->items[i].why == NULL && change->items[i].is_activated;
    return count;
}

// The first reason is the one that counts.
void change_refuse(struct change_item *item, struct span why)
{
    if (item->why != NULL)
        return;
    item->why = xmemdup0(why.at, why.len);
}

void change_refuse_more(struct change_item *item, const char *why)
{
    size_t len = strlen(item->why);
    if (len >= MAX_WHY)
        return;
    item->why = xrealloc(item->why, len + strlen(why) + 1);
    (void)snprintf(item->why + len, strlen(why) + 1, "%s", why);
}

void change_complain(const struct change *change, const char *field, struct span message)
{
    if (change->problems != NULL)
        problem_add(change->problems, field, "%.*s", SPAN_ARGS(message));
}

// ---- one after the other ----

static void on_turn(uv_timer_t *timer)
{
    struct script *script;
    CAST(script, timer->data, SCRIPT_MAGIC);
    struct list_node *node = script->change != NULL ? NULL : list_pop(&script->changes);
    if (node == NULL)
        return;
    struct change *change = CONTAINER_OF(node, struct change, node);
    CHECK(change->magic == CHANGE_MAGIC);
    script->change = change;
    change_advance(change);
}

static void wake(struct script *script)
{
    if (!uv_is_closing((uv_handle_t *)&script->turn))
        CHECK(uv_timer_start(&script->turn, on_turn, 0, 0) == 0);
}

void change_start(struct change *change)
{
    list_append(&change->script->changes, &change->node);
    wake(change->script);
}

static void finish(struct change *change)
{
    struct script *script = change->script;
    script->change = NULL;
    script_release_checks(script);
    wake(script);
    change->on_done(change);
}

void change_stop_all(struct script *script)
{
    struct list_node *node;
    while ((node = list_pop(&script->changes)) != NULL) {
        struct change *change = CONTAINER_OF(node, struct change, node);
        change->err = ERR_CLOSED;
        change->on_done(change);
    }
}

// ---- checking sources ----

static struct change_item *item_of(struct pool_visit *visit)
{
    struct change_item *item = CONTAINER_OF(visit, struct change_item, visit);
    CHECK(item->change->magic == CHANGE_MAGIC);
    return item;
}

static void put_source(struct pool_visit *visit, struct host *host)
{
    struct change_item *item = item_of(visit);
    struct frame header = {.kind = FRAME_CHECK_SCRIPT, .id = visit->id};
    struct frame_script script = {.name = span_of(item->name),
                                  .version = SPAN(""),
                                  .source = span_make(item->source, item->len)};
    size_t begin = frame_begin(host_out(host), &header);
    frame_put_script(host_out(host), &script);
    frame_end(host_out(host), begin);
}

static enum pool_answer on_checked(struct pool_visit *visit, const struct frame *frame)
{
    struct change_item *item = item_of(visit);
    struct change *change = item->change;
    struct frame_checked checked;
    if (frame->kind != FRAME_CHECKED || !frame_get_checked(frame->payload, &checked))
        return POOL_FORGED;
    if (checked.reason.len > 0) {
        change_refuse(item, checked.reason);
        change_complain(change, "source", checked.reason);
    } else {
        const struct library_source from = {.place = change_place(item),
                                            .source = span_make(item->source, item->len),
                                            .functions = checked.functions,
                                            .description = checked.description};
        item->version = library_make(change->script->library, &from);
        if (item->version == NULL)
            return POOL_FORGED;
    }
    if (--change->open == 0)
        change_advance(change);
    return POOL_TAKEN;
}

static void on_check_end(struct pool_visit *visit, const struct pool_end *end)
{
    struct change_item *item = item_of(visit);
    struct change *change = item->change;
    struct errmsg why;
    errmsg_set(&why, "%s.lua: while it was checked, its script host %s", item->name, end->cause);
    change_refuse(item, span_of(why.text));
    change_complain(change, "source", span_of(why.text));
    if (--change->open == 0)
        change_advance(change);
}

static const struct pool_visit_type source_check_type = {
    .put = put_source, .on_answer = on_checked, .on_end = on_check_end};

// NOLINTNEXTLINE(misc-no-recursion): a step forward each time, four in all
static void check_sources(struct change *change)
{
    struct script *script = change->script;
    change->open = 1; // this function's own
    for (size_t i = 0; i < change->count; i++) {
        struct change_item *item = &change->items[i];
        if (item->source == NULL || item->why != NULL)
            continue;
        item->visit = (struct pool_visit){.magic = POOL_VISIT_MAGIC,
                                          .type = &source_check_type,
                                          .queue = &script->checks,
                                          .cpu_max = CHECK_CPU_NS,
                                          .wall_max = CHECK_WALL_NS};
        change->open++;
        pool_submit(script->pool, &item->visit);
    }
    pool_flush(script->pool);
    if (--change->open == 0)
        change_advance(change);
}

// ---- writing, and making it true ----

static void say_active(const struct change_item *item)
{
    struct log_record r;
    bool is_usual = item->origin == SCRIPT_BUILTIN && strcmp(item->action, "reload") == 0;
    log_begin(&r, is_usual ? LOG_DEBUG : LOG_INFO, LOG_SCRIPT_AREA,
              item->source != NULL ? "a version of a script is active" : "a script is gone");
    log_str(&r, "script", item->name);
    log_str(&r, "origin", script_origin_name(item->origin));
    if (item->tenant[0] != '\0')
        log_str(&r, "tenant", item->tenant);
    if (item->source != NULL)
        log_span(&r, "version", span_make(item->hash, LIBRARY_SHORT));
    log_str(&r, "by", item->change->by);
    log_end(&r);
}

static void apply_item(struct change_item *item)
{
    struct change *change = item->change;
    struct library *library = change->script->library;
    const struct script_place where = change_place(item);
    struct library_place *place = library_place(library, &where);
    if (item->source == NULL) {
        library_give_up(library, &where);
    } else if (item->is_activated) {
        library_activate(library, item->version, item->seen[0] != '\0' ? item->seen : NULL,
                         span_of(change->by), change->at_ms);
    } else if (item->is_refresh && place != NULL) {
        char *by = xstrdup(place->by);
        library_activate(library, item->version, NULL, span_of(by), place->at_ms);
        xfree(by);
    } else if (place != NULL && item->seen[0] != '\0') {
        (void)snprintf(place->seen, sizeof place->seen, "%s", item->seen);
    }
    if (item->source == NULL || item->is_activated)
        say_active(item);
}

struct pins {
    struct script *script;
    struct map numbers; // of versions that webhooks pin → the version
};

static void note_pins(void *context, struct webhook *webhook)
{
    struct pins *pins = context;
    for (uint32_t i = 0; i < webhook->script_count; i++) {
        const struct webhook_script *script = &webhook->scripts[i];
        struct library_version *version = script->version.len == 0
                                              ? NULL
                                              : library_find(pins->script->library, webhook->tenant,
                                                             script->name, script->version);
        if (version != NULL)
            (void)map_set(&pins->numbers, version->number, version);
    }
}

static bool is_pinned(void *context, const struct library_version *version)
{
    const struct pins *pins = context;
    return map_get(&pins->numbers, version->number) != NULL;
}

// What was replaced stays in memory as long as a webhook pins it.
static void drop_unpinned(struct script *script)
{
    struct pins pins = {.script = script};
    if (script->each_webhook == NULL)
        return; // nobody can say
    map_init(&pins.numbers);
    script->each_webhook(script->webhooks_context, note_pins, &pins);
    library_drop(script->library, is_pinned, &pins);
    map_deinit(&pins.numbers);
}

static void apply(struct change *change)
{
    for (size_t i = 0; i < change->count; i++)
        if (change->items[i].why == NULL)
            apply_item(&change->items[i]);
    drop_unpinned(change->script);
}

static void on_written(struct store_op *op)
{
    struct change *change;
    CAST(change, op->context, CHANGE_MAGIC);
    struct script *script = change->script;
    change->err = op->err;
    if (op->err == OK)
        apply(change);
    for (size_t i = 0; op->err != OK && i < change->count; i++) {
        struct errmsg why;
        errmsg_set(&why, "%s.lua: it cannot be stored: %s", change->items[i].name,
                   err_text(op->err));
        change_refuse(&change->items[i], span_of(why.text));
    }
    finish(change);
    script_end_store_op(script);
}

static void fill_step(const struct change_item *item, struct script_step *step)
{
    bool is_source = item->source != NULL;
    *step = (struct script_step){
        .place = change_place(item),
        .hash = is_source ? span_make(item->hash, LIBRARY_HASH_LEN) : SPAN(""),
        .source = is_source ? span_make(item->source, item->len) : SPAN(""),
        .is_activated = item->is_activated,
        .seen = span_of(item->seen),
        .action = span_of(item->action),
    };
    if (item->version != NULL) {
        step->functions = item->version->functions;
        step->description = span_of(item->version->description);
        step->checked_by = SPAN(GRAPNEL_VERSION);
    }
}

static void write_out(struct change *change)
{
    struct script *script = change->script;
    size_t count = 0;
    if (script->config.store == NULL) {
        apply(change);
        finish(change);
        return;
    }
    change->steps = xcalloc(change->count, sizeof(*change->steps));
    for (size_t i = 0; i < change->count; i++)
        if (change->items[i].why == NULL)
            fill_step(&change->items[i], &change->steps[count++]);
    store_op_init(&change->op.op, STORE_SCRIPTS, on_written, change);
    change->op.change = (struct script_change){.steps = change->steps,
                                               .count = count,
                                               .by = span_of(change->by),
                                               .note = span_of(change->note),
                                               .at_ms = change->at_ms};
    script->store_ops++;
    store_submit(script->config.store, &change->op.op);
}

// ---- from step to step ----

// Refuses the rest with what was refused, if they belong together. False: nothing is left.
static bool go_on(struct change *change)
{
    const struct change_item *cause = NULL;
    size_t left = 0;
    for (size_t i = 0; cause == NULL && i < change->count; i++)
        if (change->items[i].why != NULL && !change->items[i].is_optional)
            cause = &change->items[i];
    for (size_t i = 0; i < change->count; i++) {
        struct change_item *item = &change->items[i];
        struct errmsg why;
        if (item->why == NULL && cause != NULL && change->is_all_or_none) {
            errmsg_set(&why, "%s.lua: it was saved together with %s.lua, which was refused",
                       item->name, cause->name);
            change_refuse(item, span_of(why.text));
            item->is_collateral = true;
        }
        if (item->why == NULL && change->script->is_stopping)
            change_refuse(item, SPAN("the engine is stopping"));
        left += item->why == NULL;
    }
    return left > 0;
}

// NOLINTNEXTLINE(misc-no-recursion): a step forward each time, four in all
void change_advance(struct change *change)
{
    struct script *script = change->script;
    switch (change->stage_at) {
    case CHANGE_NEW:
        change->stage_at = CHANGE_CHECKING;
        check_sources(change);
        return;
    case CHANGE_CHECKING:
        if (!go_on(change))
            break;
        script->is_fitting = true;
        change->stage_at = CHANGE_WAITING;
        if (script->checks_open == 0)
            change_advance(change);
        return;
    case CHANGE_WAITING:
        change->stage_at = CHANGE_FITTING;
        change_fit(change);
        return;
    case CHANGE_FITTING:
        if (!go_on(change))
            break;
        write_out(change);
        return;
    }
    finish(change);
}

void change_go_on(struct script *script)
{
    struct change *change = script->change;
    if (change != NULL && change->stage_at == CHANGE_WAITING)
        change_advance(change);
}
