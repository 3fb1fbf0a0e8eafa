// SPDX-License-Identifier: MIT
// What people order about versions of scripts; main only.
//
//   order_submit → (reader) find → on_found → change_start → on_changed
#include "script/order.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "script/script_inside.h"

#define MAX_VERSIONS 250 // that a rollback looks through

#define ORDER_MAGIC  0x4f524452u
struct ordering {
    uint32_t magic;
    struct script *script; // borrowed
    enum order_kind kind;
    char *tenant, *name, *version, *by, *note; // owned
    struct store_read read;
    enum script_origin resolved; // where the name is active now; 0: nowhere
    char before[LIBRARY_HASH_LEN + 1];
    bool is_past_active; // rollback: the active one has been seen in the list
    char wanted[LIBRARY_HASH_LEN + 1];
    enum script_origin origin; // of what was found
    char hash[LIBRARY_HASH_LEN + 1];
    char *source; // owned; of what was found
    size_t len;
    struct problems problems;
    order_done_fn *on_done;
    void *context;
};

static char *copy(struct span text)
{
    return xmemdup0(text.len > 0 ? text.at : "", text.len);
}

static void finish(struct ordering *o, struct ordered *ordered)
{
    ordered->problems = &o->problems;
    ordered->before = span_of(o->before);
    o->on_done(o->context, ordered);
    problems_deinit(&o->problems);
    xfree(o->tenant);
    xfree(o->name);
    xfree(o->version);
    xfree(o->by);
    xfree(o->note);
    xfree(o->source);
    o->magic = 0;
    xfree(o);
}

static void refuse(struct ordering *o, enum err err, const struct errmsg *message)
{
    struct ordered ordered = {.err = err, .message = *message};
    finish(o, &ordered);
}

static struct script_place place_of(const struct ordering *o)
{
    return (struct script_place){.origin = o->origin,
                                 .tenant =
                                     o->origin == SCRIPT_STORED ? span_of(o->tenant) : SPAN(""),
                                 .name = span_of(o->name)};
}

// ---- the change ----

static void on_changed(struct change *change)
{
    struct ordering *o;
    CAST(o, change->context, ORDER_MAGIC);
    const struct change_item *item = &change->items[0];
    struct ordered ordered = {.origin = item->origin,
                              .version = span_of(item->hash),
                              .is_active = item->is_activated,
                              .err = change->err};
    if (ordered.err == OK && o->problems.count > 0)
        ordered.err = ERR_SYNTAX;
    else if (ordered.err == OK && item->why != NULL)
        ordered.err = ERR_CLOSED; // the engine is stopping
    if (ordered.err == ERR_NOT_FOUND)
        errmsg_set(&ordered.message, "that is not there any more");
    finish(o, &ordered);
    change_free(change);
}

// Takes the source.
static void begin(struct ordering *o, bool is_activated)
{
    static const char *const actions[] = {[ORDER_PUT] = "add",
                                          [ORDER_ACTIVATE] = "activate",
                                          [ORDER_ROLLBACK] = "rollback",
                                          [ORDER_REMOVE] = "remove"};
    const struct script_place place = place_of(o);
    struct change *change = change_new(o->script, span_of(o->by), span_of(o->note), on_changed, o);
    change->problems = &o->problems;
    change->is_all_or_none = true;
    struct change_item *item = change_add(change, &place, o->source, o->len);
    o->source = NULL;
    item->is_activated = is_activated;
    item->action = actions[o->kind];
    change_start(change);
}

// ---- finding a version in the store: reader thread, nothing but `o` is touched ----

static void on_listed(void *context, const struct script_row *row)
{
    struct ordering *o = context;
    if (row->place.origin != o->resolved || o->wanted[0] != '\0')
        return;
    if (o->is_past_active && row->active_ms > 0)
        (void)snprintf(o->wanted, sizeof o->wanted, "%.*s", SPAN_ARGS(row->hash));
    o->is_past_active = o->is_past_active || row->is_active;
}

static void on_version(void *context, const struct script_row *row)
{
    struct ordering *o = context;
    o->origin = row->place.origin;
    o->source = xmemdup0(row->source.at, row->source.len);
    o->len = row->source.len;
    (void)snprintf(o->hash, sizeof o->hash, "%.*s", SPAN_ARGS(row->hash));
}

static enum err find(const struct query *query, struct query_conn *conn, void *context)
{
    struct ordering *o = context;
    struct query_scripts wanted = {.tenant = span_of(o->tenant),
                                   .name = span_of(o->name),
                                   .limit = MAX_VERSIONS,
                                   .origin = o->resolved};
    enum err err = OK;
    if (o->kind == ORDER_ROLLBACK)
        err = query->script_versions(conn, &wanted, on_listed, o);
    else
        (void)snprintf(o->wanted, sizeof o->wanted, "%s", o->version);
    if (err != OK || o->wanted[0] == '\0')
        return err == OK ? ERR_NOT_FOUND : err;
    wanted.hash = span_of(o->wanted);
    err = query->script_version(conn, &wanted, on_version, o);
    wanted.origin = 0; // not where the name is active: anywhere
    if (err == ERR_NOT_FOUND && o->kind == ORDER_ACTIVATE)
        err = query->script_version(conn, &wanted, on_version, o);
    return err;
}

// Is it fit to become active? Else says why not.
static enum err judge(const struct ordering *o, enum err err, struct errmsg *message)
{
    if (err == ERR_NOT_FOUND && o->kind == ORDER_ROLLBACK)
        errmsg_set(message, "%s has no older version that was active", o->name);
    else if (err == ERR_NOT_FOUND)
        errmsg_set(message, "there is no version %s of a script %s", o->version, o->name);
    else if (err != OK)
        errmsg_set(message, "the store refused: %s", err_text(err));
    if (err != OK || o->resolved <= o->origin)
        return err;
    errmsg_set(message, "version %.*s is of origin %s, and a %s script of that name hides it",
               LIBRARY_SHORT, o->hash, script_origin_name(o->origin),
               script_origin_name(o->resolved));
    return ERR_CONFLICT;
}

static void on_found(struct store_op *op)
{
    struct ordering *o;
    CAST(o, op->context, ORDER_MAGIC);
    struct script *script = o->script;
    struct errmsg message = {""};
    enum err err = judge(o, script->is_stopping ? ERR_CLOSED : op->err, &message);
    if (err != OK)
        refuse(o, err, &message);
    else
        begin(o, true);
    script_end_store_op(script);
}

// ---- beginning ----

static bool is_hash(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((text.at[i] < '0' || text.at[i] > '9') && (text.at[i] < 'a' || text.at[i] > 'f'))
            return false;
    return text.len >= LIBRARY_MIN_PIN && text.len <= LIBRARY_HASH_LEN;
}

// OK: it may be begun.
static enum err look_at(struct ordering *o, const struct order *order, struct errmsg *message)
{
    if (!library_is_name(order->name)) {
        errmsg_set(message, "a script's name is 1-64 of a-z 0-9 -");
        problem_add(&o->problems, "name", "%s", message->text);
        return ERR_SYNTAX;
    }
    if (order->kind == ORDER_PUT &&
        (order->source.len == 0 || order->source.len > LIBRARY_MAX_SOURCE)) {
        problem_add(&o->problems, "source", "must be 1 byte to %d KiB of Lua",
                    LIBRARY_MAX_SOURCE / 1024);
        return ERR_SYNTAX;
    }
    if (order->kind == ORDER_ACTIVATE && !is_hash(order->version)) {
        problem_add(&o->problems, "version", "must be %d to %d hex digits", LIBRARY_MIN_PIN,
                    LIBRARY_HASH_LEN);
        return ERR_SYNTAX;
    }
    if (order->kind == ORDER_ROLLBACK && o->resolved == 0) {
        errmsg_set(message, "there is no script %s", o->name);
        return ERR_NOT_FOUND;
    }
    if (order->kind == ORDER_REMOVE && o->resolved != SCRIPT_STORED) {
        errmsg_set(message, "tenant %s has no stored script %s%s", o->tenant, o->name,
                   o->resolved != 0 ? ": it is built in, or lies in scripts_dir" : "");
        return ERR_NOT_FOUND;
    }
    if ((order->kind == ORDER_ACTIVATE || order->kind == ORDER_ROLLBACK) &&
        o->script->config.store == NULL) {
        errmsg_set(message, "nothing is stored");
        return ERR_UNSUPPORTED;
    }
    return OK;
}

// NOLINTNEXTLINE(readability-function-size): the last two are one callback
void order_submit(struct script *script, const struct order *order, order_done_fn *on_done,
                  void *context)
{
    struct ordering *o = xcalloc(1, sizeof(*o));
    struct errmsg message = {""};
    const struct library_version *now =
        library_find(script->library, order->tenant, order->name, SPAN(""));
    o->magic = ORDER_MAGIC;
    o->script = script;
    o->kind = order->kind;
    o->tenant = copy(order->tenant);
    o->name = copy(order->name);
    o->version = copy(order->version);
    o->by = copy(order->by);
    o->note = copy(order->note);
    o->on_done = on_done;
    o->context = context;
    o->resolved = now != NULL ? now->origin : 0;
    (void)snprintf(o->before, sizeof o->before, "%s", now != NULL ? now->hash : "");
    problems_init(&o->problems);
    enum err err = look_at(o, order, &message);
    if (err != OK) {
        refuse(o, err, &message);
        return;
    }
    if (order->kind == ORDER_PUT || order->kind == ORDER_REMOVE) {
        o->origin = SCRIPT_STORED;
        o->source = order->kind == ORDER_PUT ? copy(order->source) : NULL;
        o->len = order->kind == ORDER_PUT ? order->source.len : 0;
        begin(o, order->kind == ORDER_PUT && !order->is_kept_only);
        return;
    }
    store_op_init(&o->read.op, STORE_READ, on_found, o);
    o->read.read = find;
    script->store_ops++;
    store_submit(script->config.store, &o->read.op);
}
