// SPDX-License-Identifier: MIT
// Loads built-in scripts and those of scripts_dir: each is checked in a host before it is active;
// main only.
#include "base/log.h"
#include "base/mem.h"
#include "script/script_inside.h"

#define CHECK_CPU_NS  (1 * 1000000000LL) // all golden tests of a script, each run twice
#define CHECK_WALL_NS (20 * 1000000000LL)

#define CHECK_MAGIC   0x43484b53u
struct check {
    uint32_t magic;
    struct pool_visit visit;
    struct script_load *load;            // borrowed
    struct library_candidate *candidate; // borrowed from load
};

static void on_refused(void *context, const char *name, const char *why)
{
    struct script_load *load = context;
    struct log_record r;
    load->refused++;
    log_begin(&r, LOG_ERROR, LOG_SCRIPT_AREA, "a script was refused; what was active stays active");
    log_str(&r, "script", name);
    log_str(&r, "reason", why);
    log_end(&r);
}

static void refuse(struct check *check, struct span why)
{
    struct script_load *load = check->load;
    char *text = xmemdup0(why.at, why.len);
    on_refused(load, check->candidate->name, text);
    if (check->candidate->is_builtin && !load->has_broken_builtin) {
        load->has_broken_builtin = true;
        errmsg_set(&load->broken, "built-in script %s: %s", check->candidate->name, text);
    }
    xfree(text);
}

static void done(struct check *check)
{
    struct script_load *load = check->load;
    xfree(check);
    if (--load->open > 0)
        return;
    library_retain(load->script->library, &load->candidates);
    load->on_done(load);
}

static struct check *check_of(struct pool_visit *visit)
{
    struct check *check = CONTAINER_OF(visit, struct check, visit);
    CHECK(check->magic == CHECK_MAGIC);
    return check;
}

static void put(struct pool_visit *visit, struct host *host)
{
    struct check *check = check_of(visit);
    struct frame header = {.kind = FRAME_CHECK_SCRIPT, .id = visit->id};
    struct frame_script script = {.name = span_of(check->candidate->name),
                                  .version = SPAN(""),
                                  .source =
                                      span_make(check->candidate->source, check->candidate->len)};
    size_t begin = frame_begin(host_out(host), &header);
    frame_put_script(host_out(host), &script);
    frame_end(host_out(host), begin);
}

static enum pool_answer on_answer(struct pool_visit *visit, const struct frame *frame)
{
    struct check *check = check_of(visit);
    struct library *library = check->load->script->library;
    struct frame_checked checked;
    if (frame->kind != FRAME_CHECKED || !frame_get_checked(frame->payload, &checked))
        return POOL_FORGED;
    if (checked.reason.len > 0) {
        refuse(check, checked.reason);
    } else if (!library_has(library, check->candidate)) { // or another load was faster
        if (!library_activate(library, check->candidate, checked.functions, checked.description))
            return POOL_FORGED;
        check->load->loaded++;
    }
    done(check);
    return POOL_TAKEN;
}

static void on_end(struct pool_visit *visit, const struct pool_end *end)
{
    struct check *check = check_of(visit);
    struct errmsg why;
    errmsg_set(&why, "while it was checked, its script host %s", end->cause);
    refuse(check, span_of(why.text));
    done(check);
}

static const struct pool_visit_type check_type = {
    .put = put, .on_answer = on_answer, .on_end = on_end};

enum err script_load_start(struct script *script, void (*on_done)(struct script_load *load),
                           void *context, struct errmsg *message)
{
    struct script_load *load = xcalloc(1, sizeof(*load));
    load->script = script;
    load->on_done = on_done;
    load->context = context;
    enum err err =
        library_read(&load->candidates, script->config.scripts_dir, on_refused, load, message);
    if (err != OK) {
        xfree(load);
        return err;
    }
    script->loads++;
    load->open = 1; // this function's own
    for (size_t i = 0; i < load->candidates.count; i++) {
        if (library_has(script->library, &load->candidates.list[i]))
            continue;
        struct check *check = xcalloc(1, sizeof(*check));
        check->magic = CHECK_MAGIC;
        check->load = load;
        check->candidate = &load->candidates.list[i];
        check->visit = (struct pool_visit){.magic = POOL_VISIT_MAGIC,
                                           .type = &check_type,
                                           .queue = &script->checks,
                                           .cpu_max = CHECK_CPU_NS,
                                           .wall_max = CHECK_WALL_NS};
        load->open++;
        pool_submit(script->pool, &check->visit);
    }
    pool_flush(script->pool);
    if (--load->open == 0) {
        library_retain(script->library, &load->candidates);
        on_done(load);
    }
    return OK;
}

void script_load_free(struct script_load *load)
{
    load->script->loads--;
    load->script->refused = (uint32_t)load->refused;
    library_candidates_free(&load->candidates);
    xfree(load);
}
