// SPDX-License-Identifier: MIT
// Watches scripts_dir: what is saved there is loaded, once nothing has been written for a moment;
// main only.
//
//   on_event … → on_still → script_load_start → on_loaded
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "script/script_inside.h"

#define STILL_MS    100  // without an event: an editor, or a copy of several files, is done
#define PATIENCE_MS 3000 // a folder that is never still is read all the same
#define AGAIN_MS    1000 // until a folder that is gone is looked for again

#define WATCH_MAGIC 0x57415443u
struct script_watch {
    uint32_t magic;
    struct script *script; // borrowed
    uv_fs_event_t events;
    uv_timer_t still;
    int64_t since_ns;    // of the first event that is not loaded; 0: none
    bool is_loading;     // a load is under way
    bool is_again;       // and something has happened since it began
    bool has_complained; // the folder is gone, and that was said
    int open_handles;
};

static void on_still(uv_timer_t *timer);

static void wait_until_still(struct script_watch *watch)
{
    int64_t now = clock_mono_ns();
    if (watch->since_ns == 0)
        watch->since_ns = now;
    if (watch->is_loading) {
        watch->is_again = true;
        return;
    }
    bool is_patient = now - watch->since_ns < PATIENCE_MS * 1000000LL;
    if (is_patient || !uv_is_active((uv_handle_t *)&watch->still))
        CHECK(uv_timer_start(&watch->still, on_still, STILL_MS, 0) == 0);
}

static void on_event(uv_fs_event_t *handle, const char *name, int events, int status)
{
    struct script_watch *watch;
    CAST(watch, handle->data, WATCH_MAGIC);
    (void)name;
    (void)events;
    (void)status;
    wait_until_still(watch);
}

// Again with each load: the folder may have been replaced by another one of its name.
static void listen_to(struct script_watch *watch)
{
    (void)uv_fs_event_stop(&watch->events);
    int failure = uv_fs_event_start(&watch->events, on_event, watch->script->scripts_dir, 0);
    if (failure == 0) {
        watch->has_complained = false;
        return;
    }
    if (!watch->has_complained)
        log_line(LOG_ERROR, LOG_SCRIPT_AREA,
                 "scripts_dir %s cannot be watched: %s; scripts stay as they are",
                 watch->script->scripts_dir, uv_strerror(failure));
    watch->has_complained = true;
    CHECK(uv_timer_start(&watch->still, on_still, AGAIN_MS, 0) == 0);
}

static void on_loaded(struct script_load *load, const struct change *change)
{
    struct script_watch *watch = load->script->watch;
    if (watch == NULL)
        return; // stopped meanwhile
    watch->is_loading = false;
    if (change == NULL)
        log_line(LOG_ERROR, LOG_SCRIPT_AREA, "scripts stay as they are: %s", load->message.text);
    else if (change->count > 0)
        log_line(change_refused(change) > 0 ? LOG_WARN : LOG_INFO, LOG_SCRIPT_AREA,
                 "scripts_dir has changed: %zu scripts loaded, %zu refused",
                 change_activated(change), change_refused(change));
    bool is_again = watch->is_again || load->folder.is_changing;
    watch->is_again = false;
    if (is_again)
        wait_until_still(watch);
}

static void on_still(uv_timer_t *timer)
{
    struct script_watch *watch;
    CAST(watch, timer->data, WATCH_MAGIC);
    watch->since_ns = 0;
    listen_to(watch);
    if (watch->has_complained)
        return;
    watch->is_loading = true;
    const struct script_load how = {.on_done = on_loaded};
    script_load_start(watch->script, &how);
}

void script_watch_start(struct script *script)
{
    if (script->scripts_dir == NULL)
        return;
    struct script_watch *watch = xcalloc(1, sizeof(*watch));
    watch->magic = WATCH_MAGIC;
    watch->script = script;
    script->watch = watch;
    CHECK(uv_timer_init(script->loop, &watch->still) == 0);
    CHECK(uv_fs_event_init(script->loop, &watch->events) == 0);
    watch->still.data = watch->events.data = watch;
    watch->open_handles = 2;
    listen_to(watch);
    wait_until_still(watch); // what was saved between the first load and now
}

static void on_closed(uv_handle_t *handle)
{
    struct script_watch *watch;
    CAST(watch, handle->data, WATCH_MAGIC);
    if (--watch->open_handles > 0)
        return;
    watch->magic = 0;
    xfree(watch);
}

void script_watch_stop(struct script *script)
{
    struct script_watch *watch = script->watch;
    if (watch == NULL)
        return;
    script->watch = NULL;
    uv_close((uv_handle_t *)&watch->still, on_closed);
    uv_close((uv_handle_t *)&watch->events, on_closed);
}
