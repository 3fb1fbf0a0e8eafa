// SPDX-License-Identifier: MIT
// Small objects of webhooks in the store: written, removed, tried again; main only.
#include "dispatch/keep.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/state.h"

struct saving {
    struct store_object op;
    struct dispatch *dispatch;
    struct keep *keep; // borrowed: lives as long as the dispatch
    char key[UID_TEXT_LEN + 1];
    char *by; // owned
    struct buf body;
};

static void on_saved(struct store_op *op)
{
    struct saving *s = (struct saving *)(void *)op;
    struct dispatch *d = s->dispatch;
    struct keep *keep = s->keep;
    d->settling--;
    keep->is_saving = false;
    if (op->err != OK) {
        log_line(LOG_ERROR, LOG_DISPATCH_AREA, "the %s of webhook %s is not stored: %s",
                 keep->rules->name, s->key, err_text(op->err));
        list_append(&d->unsaved, &keep->unsaved_node);
        dispatch_arm(d);
    } else {
        keep->number = op->kind == STORE_PUT ? s->op.object.number : 0;
        keep->revision = op->kind == STORE_PUT ? s->op.object.revision : 0;
        if (keep->is_dirty)
            keep_save(d, keep, SPAN("engine"));
    }
    buf_deinit(&s->body);
    xfree(s->by);
    xfree(s);
}

// False: there is nothing to keep.
static bool print(struct saving *s)
{
    struct json_writer w;
    buf_init(&s->body, KEEP_MAX_JSON);
    json_write_init(&w, &s->body);
    return s->keep->rules->print(s->keep, &w);
}

void keep_save(struct dispatch *d, struct keep *keep, struct span by)
{
    list_remove(&keep->unsaved_node);
    keep->is_dirty = true;
    if (keep->is_saving)
        return;
    struct saving *s = xcalloc(1, sizeof *s);
    s->dispatch = d;
    s->keep = keep;
    keep->is_dirty = false;
    bool is_there = print(s);
    if (!is_there && keep->number == 0) {
        buf_deinit(&s->body);
        xfree(s);
        return;
    }
    s->by = xmemdup0(by.at ? by.at : "", by.len);
    uid_print(&keep->hook->webhook->uuid, s->key);
    s->op.object = (struct object){
        .kind = keep->rules->kind,
        .number = keep->number,
        .revision = keep->revision,
        .key = span_of(s->key),
        .body = buf_span(&s->body),
        .by = span_of(s->by),
        .action = span_of(is_there ? keep->rules->put_action : keep->rules->remove_action),
        .at_ms = clock_wall_ms()};
    keep->is_saving = true;
    d->settling++;
    store_op_init(&s->op.op, is_there ? STORE_PUT : STORE_REMOVE, on_saved, d);
    store_submit(d->env.store, &s->op.op);
}

void keep_save_again(struct dispatch *d)
{
    struct list again;
    struct list_node *node;
    list_init(&again);
    list_splice(&again, &d->unsaved);
    while ((node = list_pop(&again)) != NULL)
        keep_save(d, CONTAINER_OF(node, struct keep, unsaved_node), SPAN("engine"));
}

struct hook *keep_hook(const struct dispatch *d, const struct object *object)
{
    struct uid uuid;
    return uid_parse(object->key, &uuid) ? hook_by_uuid(d, &uuid) : NULL;
}

void keep_on_stored(struct keep *keep, const struct object *object)
{
    keep->number = object->number;
    keep->revision = object->revision;
}

struct span keep_text(const struct json_doc *doc, const char *name, struct arena *arena)
{
    uint32_t node = json_get(doc, 0, span_of(name));
    if (node == JSON_NONE || json_type(doc, node) != JSON_STRING)
        return SPAN("");
    char *text = arena_alloc(arena, json_inside(doc, node).len + 1);
    return span_make(text, json_decode_string(doc, node, text));
}

int64_t keep_int(const struct json_doc *doc, const char *name)
{
    uint32_t node = json_get(doc, 0, span_of(name));
    int64_t number = 0;
    if (node != JSON_NONE && json_type(doc, node) == JSON_NUMBER)
        (void)json_to_int64(doc, node, &number);
    return number;
}

void keep_deinit(struct keep *keep)
{
    list_remove(&keep->unsaved_node);
}
