// SPDX-License-Identifier: MIT
// Versions that a webhook pins and that are not in memory are fetched from the store; main only.
#include "base/mem.h"
#include "script/script_inside.h"

#define PINS_MAGIC 0x50494e53u
struct pins {
    uint32_t magic;
    struct script *script;   // borrowed
    struct webhook *webhook; // one reference
    uint32_t at;             // script that is looked at
    struct store_read read;
    struct query_scripts wanted;
    struct library_source from;      // of the row that was found
    char *name, *tenant;             // owned; of it
    struct span source, description; // owned
    bool is_found;
    void (*on_done)(void *context);
    void *context;
};

static void fetch_next(struct pins *pins);

// Reader thread: nothing but `pins` is touched.
static void on_row(void *context, const struct script_row *row)
{
    struct pins *pins = context;
    pins->is_found = true;
    pins->name = xmemdup0(row->place.name.at, row->place.name.len);
    pins->tenant =
        xmemdup0(row->place.tenant.len > 0 ? row->place.tenant.at : "", row->place.tenant.len);
    pins->source = span_make(xmemdup0(row->source.at, row->source.len), row->source.len);
    pins->description =
        span_make(xmemdup0(row->description.at, row->description.len), row->description.len);
    pins->from = (struct library_source){
        .place = {.origin = row->place.origin,
                  .name = span_make(pins->name, row->place.name.len),
                  .tenant = span_make(pins->tenant, row->place.tenant.len)},
        .source = pins->source,
        .functions = row->functions,
        .description = pins->description,
    };
}

static enum err read_version(const struct query *query, struct query_conn *conn, void *context)
{
    struct pins *pins = context;
    return query->script_version(conn, &pins->wanted, on_row, pins);
}

static void drop_row(struct pins *pins)
{
    xfree(pins->name);
    xfree(pins->tenant);
    xfree((void *)(uintptr_t)pins->source.at);
    xfree((void *)(uintptr_t)pins->description.at);
    pins->name = pins->tenant = NULL;
    pins->source = pins->description = (struct span){NULL, 0};
    pins->is_found = false;
}

static void on_read(struct store_op *op)
{
    struct pins *pins;
    CAST(pins, op->context, PINS_MAGIC);
    struct script *script = pins->script;
    if (pins->is_found) {
        struct library_version *version = library_make(script->library, &pins->from);
        if (version != NULL)
            library_hold(script->library, version);
        library_unref(version);
    }
    drop_row(pins);
    pins->at++;
    fetch_next(pins);
    script_end_store_op(script);
}

static void fetch_next(struct pins *pins)
{
    struct script *script = pins->script;
    const struct webhook *webhook = pins->webhook;
    for (; pins->at < webhook->script_count; pins->at++) {
        const struct webhook_script *use = &webhook->scripts[pins->at];
        if (use->version.len < LIBRARY_MIN_PIN || use->version.len > LIBRARY_HASH_LEN ||
            script->is_stopping ||
            library_find(script->library, webhook->tenant, use->name, use->version) != NULL)
            continue;
        pins->wanted = (struct query_scripts){
            .tenant = webhook->tenant, .name = use->name, .hash = use->version};
        store_op_init(&pins->read.op, STORE_READ, on_read, pins);
        pins->read.read = read_version;
        script->store_ops++;
        store_submit(script->config.store, &pins->read.op);
        return;
    }
    void (*on_done)(void *context) = pins->on_done;
    void *context = pins->context;
    webhook_unref(pins->webhook);
    pins->magic = 0;
    xfree(pins);
    on_done(context);
}

static bool is_complete(const struct script *script, const struct webhook *webhook)
{
    for (uint32_t i = 0; i < webhook->script_count; i++) {
        const struct webhook_script *use = &webhook->scripts[i];
        if (use->version.len > 0 &&
            library_find(script->library, webhook->tenant, use->name, use->version) == NULL)
            return false;
    }
    return true;
}

void script_pins_fetch(struct script *script, struct webhook *webhook,
                       void (*on_done)(void *context), void *context)
{
    if (script->config.store == NULL || is_complete(script, webhook)) {
        on_done(context);
        return;
    }
    struct pins *pins = xcalloc(1, sizeof(*pins));
    pins->magic = PINS_MAGIC;
    pins->script = script;
    pins->webhook = webhook_ref(webhook);
    pins->on_done = on_done;
    pins->context = context;
    fetch_next(pins);
}
