// SPDX-License-Identifier: MIT
// What is built in and what lies in scripts_dir becomes versions; main only, the folder is read on
// the store's reader thread.
//
//   script_load_start → (reader) read_folder → on_read → add_items → change_start → on_changed
#include <stdio.h>
#include <string.h>

#include "base/embed.h"
#include "base/log.h"
#include "base/mem.h"
#include "script/script_inside.h"

#define GONE      "gone" // instead of a hash: the file was missing
#define MAX_TRIES 20     // to read a folder that is being written, before it is taken as it is

// ---- what the store holds ----

static void on_row(void *context, const struct script_row *row)
{
    struct script *script = context;
    const struct library_source from = {.place = row->place,
                                        .source = row->source,
                                        .functions = row->functions,
                                        .description = row->description};
    struct library_version *version = library_make(script->library, &from);
    char seen[LIBRARY_HASH_LEN + 1];
    if (version == NULL || !span_is(row->hash, version->hash)) {
        log_line(LOG_ERROR, LOG_SCRIPT_AREA, "stored script %.*s@%.*s is damaged: it is not used",
                 SPAN_ARGS(row->place.name), SPAN_ARGS(row->hash));
        library_unref(version);
        return;
    }
    (void)snprintf(seen, sizeof seen, "%.*s", SPAN_ARGS(row->seen));
    library_activate(script->library, version, seen, row->active_by, row->active_ms);
    library_place(script->library, &row->place)->is_stale =
        !span_is(row->checked_by, GRAPNEL_VERSION);
    library_unref(version);
}

enum err script_load_restore(struct script *script)
{
    if (script->config.store == NULL)
        return OK;
    return store_load_scripts(script->config.store, on_row, script);
}

// ---- what was refused before ----

static void forget_refusal(struct script_refusal *refusal)
{
    xfree(refusal->name);
    *refusal = (struct script_refusal){.name = NULL};
}

void script_load_forget(struct script *script)
{
    for (size_t i = 0; i < script->refusal_count; i++)
        forget_refusal(&script->refusals[i]);
    xfree(script->refusals);
    script->refusals = NULL;
    script->refusal_count = 0;
}

static void remember_refusal(struct script *script, const char *name, const char *hash,
                             bool is_cause)
{
    script->refusals =
        xrealloc(script->refusals, (script->refusal_count + 1) * sizeof(*script->refusals));
    struct script_refusal *refusal = &script->refusals[script->refusal_count++];
    *refusal =
        (struct script_refusal){.name = xstrdup(name), .save = script->saves, .is_cause = is_cause};
    (void)snprintf(refusal->hash, sizeof refusal->hash, "%s", hash);
}

static const struct folder_file *file_of(const struct folder *folder, const char *name)
{
    for (size_t i = 0; i < folder->count; i++)
        if (strcmp(folder->files[i].name, name) == 0)
            return &folder->files[i];
    return NULL;
}

static bool was_refused(const struct script *script, const char *name, const char *hash)
{
    for (size_t i = 0; i < script->refusal_count; i++)
        if (strcmp(script->refusals[i].name, name) == 0 &&
            strcmp(script->refusals[i].hash, hash) == 0)
            return true;
    return false;
}

// When the file that was to blame has changed or is gone, the others of its save are tried again.
static void review_refusals(struct script *script, const struct folder *folder)
{
    size_t kept = 0;
    for (size_t i = 0; i < script->refusal_count; i++) {
        struct script_refusal *refusal = &script->refusals[i];
        const struct folder_file *file = file_of(folder, refusal->name);
        refusal->is_kept = strcmp(file != NULL ? file->hash : GONE, refusal->hash) == 0;
    }
    for (size_t i = 0; i < script->refusal_count; i++) {
        const struct script_refusal *cause = &script->refusals[i];
        for (size_t k = 0; cause->is_cause && !cause->is_kept && k < script->refusal_count; k++)
            if (script->refusals[k].save == cause->save && !script->refusals[k].is_cause)
                script->refusals[k].is_kept = false;
    }
    for (size_t i = 0; i < script->refusal_count; i++) {
        if (script->refusals[i].is_kept)
            script->refusals[kept++] = script->refusals[i];
        else
            forget_refusal(&script->refusals[i]);
    }
    script->refusal_count = kept;
}

static void say_refused(const char *name, const char *why)
{
    struct log_record r;
    log_begin(&r, LOG_ERROR, LOG_SCRIPT_AREA, "a script was refused; what was active stays active");
    log_str(&r, "script", name);
    log_str(&r, "reason", why);
    log_end(&r);
}

// ---- from files to a change ----

static struct script_place place_of(enum script_origin origin, const char *name)
{
    return (struct script_place){.origin = origin, .tenant = SPAN(""), .name = span_of(name)};
}

static void add_source(struct change *change, const struct script_place *place, struct span source,
                       bool is_activated)
{
    struct change_item *item =
        change_add(change, place, xmemdup0(source.at, source.len), source.len);
    item->is_activated = is_activated;
    item->action = is_activated ? "reload" : "add";
    (void)snprintf(item->seen, sizeof item->seen, "%s", item->hash);
}

// One that changed with a new binary is kept, and waits to be activated.
static void add_builtin(struct change *change, const struct embedded_file *file)
{
    const struct library *library = change->script->library;
    char *name = xmemdup0(file->name, strlen(file->name) - 4);
    char hash[LIBRARY_HASH_LEN + 1];
    struct span source = span_make(file->text, file->len);
    const struct script_place where = place_of(SCRIPT_BUILTIN, name);
    struct library_place *place = library_place(library, &where);
    CHECK(library_is_name(where.name));
    library_hash(source, hash);
    if (place != NULL)
        (void)snprintf(place->seen, sizeof place->seen, "%s", hash);
    if (place == NULL || strcmp(place->active->hash, hash) != 0)
        add_source(change, &where, source, place == NULL);
    xfree(name);
}

static void add_file(struct change *change, const struct folder_file *file)
{
    struct script *script = change->script;
    const struct script_place where = place_of(SCRIPT_DIR, file->name);
    const struct library_place *place = library_place(script->library, &where);
    bool is_decided = place != NULL && (strcmp(place->seen, file->hash) == 0 ||
                                        strcmp(place->active->hash, file->hash) == 0);
    if (is_decided || was_refused(script, file->name, file->hash))
        return;
    if (file->source != NULL) {
        add_source(change, &where, span_make(file->source, file->len), true);
        return;
    }
    say_refused(file->name, file->why);
    remember_refusal(script, file->name, "", true);
}

static void add_removals(struct change *change, const struct folder *folder)
{
    const struct library *library = change->script->library;
    for (size_t i = 0; i < library_count(library); i++) {
        const struct library_version *active = library_at(library, i)->active;
        const struct script_place where = place_of(SCRIPT_DIR, active->name);
        if (active->origin != SCRIPT_DIR || file_of(folder, active->name) != NULL ||
            was_refused(change->script, active->name, GONE))
            continue;
        struct change_item *item = change_add(change, &where, NULL, 0);
        item->is_optional = true;
        item->action = "remove";
    }
}

// What another version of the engine has checked is looked at again.
static void add_stale(struct change *change)
{
    const struct library *library = change->script->library;
    for (size_t i = 0; i < library_count(library); i++) {
        const struct library_place *place = library_at(library, i);
        const struct library_version *active = place->active;
        if (!place->is_stale)
            continue;
        const struct script_place where = {.origin = active->origin,
                                           .tenant = span_of(active->tenant),
                                           .name = span_of(active->name)};
        struct change_item *item =
            change_add(change, &where, xmemdup0(active->source, active->len), active->len);
        item->is_refresh = true;
    }
}

static void add_items(struct script_load *load, struct change *change)
{
    for (size_t i = 0; load->is_first && i < embedded_scripts_count; i++)
        add_builtin(change, &embedded_scripts[i]);
    if (load->is_first)
        add_stale(change);
    for (size_t i = 0; i < load->folder.count; i++)
        add_file(change, &load->folder.files[i]);
    add_removals(change, &load->folder);
}

// ---- what came of it ----

static void load_free(struct script_load *load)
{
    folder_deinit(&load->folder);
    xfree(load);
}

static void take_refusals(struct script_load *load, const struct change *change)
{
    for (size_t i = 0; i < change->count; i++) {
        const struct change_item *item = &change->items[i];
        if (item->why == NULL || load->script->is_stopping)
            continue;
        say_refused(item->name, item->why);
        if (item->origin == SCRIPT_DIR && !item->is_refresh && change->err == OK)
            remember_refusal(load->script, item->name, item->source != NULL ? item->hash : GONE,
                             !item->is_collateral);
    }
}

// For the operator who has just installed another binary.
static void say_waiting(const struct script *script)
{
    struct buf names;
    buf_init(&names, 4000);
    for (size_t i = 0; i < library_count(script->library); i++) {
        const struct library_place *place = library_at(script->library, i);
        if (place->active->origin == SCRIPT_BUILTIN && place->seen[0] != '\0' &&
            strcmp(place->seen, place->active->hash) != 0)
            (void)buf_append_format(&names, "%s%s@%.*s", names.len > 0 ? " " : "",
                                    place->active->name, LIBRARY_SHORT, place->seen);
    }
    if (names.len > 0)
        log_line(LOG_WARN, LOG_SCRIPT_AREA,
                 "built-in scripts of this version wait, the ones before stay active: %s "
                 "(grapnel scripts activate NAME VERSION)",
                 buf_text(&names));
    buf_deinit(&names);
}

static void on_changed(struct change *change)
{
    struct script_load *load = change->context;
    struct script *script = load->script;
    take_refusals(load, change);
    script->refused = (uint32_t)script->refusal_count;
    if (load->is_first)
        say_waiting(script);
    load->on_done(load, change);
    load_free(load);
    change_free(change);
}

// ---- reading ----

static void begin_change(struct script_load *load)
{
    struct script *script = load->script;
    if (load->err != OK) {
        load->on_done(load, NULL);
        load_free(load);
        return;
    }
    script->saves++;
    if (load->is_first || load->is_asked)
        script_load_forget(script);
    review_refusals(script, &load->folder);
    struct change *change = change_new(
        script, load->is_first ? SPAN("engine") : SPAN("scripts_dir"), SPAN(""), on_changed, load);
    change->is_all_or_none = !load->is_first;
    add_items(load, change);
    change_start(change);
}

// Nothing of `script` but its configuration may be touched here.
static enum err read_folder(const struct query *query, struct query_conn *conn, void *context)
{
    struct script_load *load = context;
    (void)query;
    (void)conn;
    if (load->script->scripts_dir != NULL)
        load->err = folder_read(&load->folder, load->script->scripts_dir, &load->message);
    return OK;
}

static void on_read(struct store_op *op)
{
    struct script_load *load = op->context;
    struct script *script = load->script;
    if (script->is_stopping && load->err == OK) {
        errmsg_set(&load->message, "the engine is stopping");
        load->err = ERR_CLOSED;
    }
    begin_change(load);
    script_end_store_op(script);
}

void script_load_start(struct script *script, const struct script_load *how)
{
    struct script_load *load = xcalloc(1, sizeof(*load));
    *load = *how;
    load->script = script;
    if (script->config.store != NULL && !load->is_first) {
        store_op_init(&load->read.op, STORE_READ, on_read, load);
        load->read.read = read_folder;
        script->store_ops++;
        store_submit(script->config.store, &load->read.op);
        return;
    }
    for (int i = 0; i < MAX_TRIES; i++) {
        folder_deinit(&load->folder);
        (void)read_folder(NULL, NULL, load);
        if (load->err != OK || !load->folder.is_changing)
            break;
    }
    begin_change(load);
}
