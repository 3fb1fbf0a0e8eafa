// SPDX-License-Identifier: MIT
// grapnel serve: puts the rooms together, runs the loop, reloads, drains; the main thread.
//
// Start: configuration → store → script hosts → dispatch → scripts → sender → ingest → admin → "ready".
// SIGTERM, in firing order: on_signal → on_ingest_drained (or on_patience_over) →
// on_dispatch_drained → on_admin_stopped → on_sender_stopped → on_settled → on_ingest_stopped →
// on_script_stopped → on_store_stopped.
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "admin/admin.h"
#include "base/clock.h"
#include "base/clock_watch.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/cmd.h"
#include "cli/notify.h"
#include "cli/parts.h"
#include "crypto/eventid.h"
#include "crypto/mac.h"

#define MULTIS_PER_THREAD 64
#define SETTLE_MS         5000 // for outcomes to be written, at the end

struct engine {
    uv_loop_t loop;
    int argc;
    char **argv; // to load the configuration again
    struct config *config;
    struct config *retired; // the one before a reload: spans of it may still be borrowed
    struct guard *guard;
    struct eventid_key *id_key;
    struct vault *vault; // NULL: no secrets_key_file
    struct store *store;
    struct script *script;
    struct dispatch *dispatch;
    struct sender *sender;
    struct ingest *ingest;
    struct admin *admin;
    uv_signal_t signals[3];
    uv_timer_t patience; // with producers that do not read their replies, while draining
    bool is_ingest_drained;
    bool is_stopping;
    int exit_code;
};

// ---- starting ----------------------------------------------------------------------------------

static void on_store_fatal(void *context, const char *why)
{
    (void)context;
    log_line(LOG_ERROR, LOG_MAIN_AREA,
             "the store can no longer be trusted: %s; stopping: what was acknowledged is in the "
             "file and goes on at the next start",
             why);
    _exit(CMD_FAILED);
}

static enum err start_store(struct engine *e, struct journal_start *start, struct errmsg *message)
{
    char path[PARTS_MAX_PATH];
    enum err err = parts_store_path(e->config, path, message);
    if (err != OK)
        return err;
    err = parts_vault(e->config, &e->vault, message);
    if (err != OK)
        return err;
    if (e->vault == NULL)
        log_line(LOG_WARN, LOG_MAIN_AREA,
                 "secrets are kept in the clear in %s (mode 0600): set secrets_key_file", path);
    struct store_config config = parts_store_config(e->config, path);
    config.vault = e->vault;
    return store_start(&e->store, &e->loop, &sqlite_backend, &config, start, on_store_fatal, e,
                       message);
}

static enum err start_script(struct engine *e, struct errmsg *message)
{
    struct script_config config = parts_script_config(e->config);
    config.store = e->store;
    return script_start(&e->script, &e->loop, &config, message);
}

static enum err start_sender(struct engine *e, struct errmsg *message)
{
    const struct config *config = e->config;
    struct sender_config sender_config = {
        .threads = parts_by_cores(config->sender_threads, 8),
        .multis_per_thread = MULTIS_PER_THREAD,
        .guard = e->guard,
        .source_address = config->source_address[0] != 0 ? config->source_address : NULL,
        .proxy = config->proxy[0] != 0 ? config->proxy : NULL,
    };
    enum err err =
        sender_start(&e->sender, &e->loop, &sender_config, dispatch_on_sent, e->dispatch, message);
    if (err == OK)
        dispatch_set_sender(e->dispatch, e->sender);
    return err;
}

static void accept_event(void *context, struct event **event, ingest_answer_fn *answer, void *token)
{
    struct engine *e = context;
    dispatch_accept(e->dispatch, event, answer, token);
}

static bool may_write(void *context, struct span tenant, uint32_t uid, struct wire_reply *reply)
{
    struct engine *e = context;
    return dispatch_may_write(e->dispatch, tenant, uid, reply);
}

static enum err start_doors(struct engine *e, struct errmsg *message)
{
    struct ingest_env ingest_env = {.context = e, .accept = accept_event, .may_write = may_write};
    enum err err = ingest_start(&e->ingest, &e->loop, e->config, &ingest_env, message);
    if (err != OK)
        return err;
    struct admin_env admin_env = {
        .loop = &e->loop,
        .config = e->config,
        .dispatch = e->dispatch,
        .store = e->store,
        .script = e->script,
        .sender = e->sender,
        .ingest = e->ingest,
        .guard = e->guard,
        .id_key = e->id_key,
    };
    return admin_start(&e->admin, &admin_env, message);
}

static enum err start(struct engine *e, struct errmsg *message)
{
    struct journal_start journal = {0};
    enum err err = parts_data_dir(e->config, false, message);
    if (err == OK)
        err = guard_new(&e->guard, e->config->allow_targets.items, e->config->allow_targets.count,
                        message);
    if (err == OK)
        err = start_store(e, &journal, message);
    if (err == OK)
        err = start_script(e, message);
    if (err != OK)
        return err;
    e->id_key = eventid_key_new(journal.id_key);
    struct dispatch_env dispatch_env = {
        .loop = &e->loop,
        .store = e->store,
        .script = e->script,
        .config = e->config,
        .id_key = e->id_key,
    };
    err = dispatch_start(&e->dispatch, &dispatch_env, &journal, message);
    xfree(journal.due);
    if (err == OK) {
        script_set_webhooks(e->script, dispatch_each_webhook, e->dispatch);
        err = script_load(e->script, true, message);
    }
    if (err == OK)
        err = start_sender(e, message);
    if (err == OK)
        err = start_doors(e, message);
    return err;
}

// ---- reloading ---------------------------------------------------------------------------------

static void on_change(void *context, const char *name, bool takes_effect)
{
    (void)context;
    if (takes_effect)
        log_line(LOG_INFO, LOG_CONFIG_AREA, "%s has changed", name);
    else
        log_line(LOG_WARN, LOG_CONFIG_AREA, "%s has changed; it takes effect at the next start",
                 name);
}

static void on_scripts_loaded(void *context, size_t loaded, size_t refused)
{
    (void)context;
    log_line(refused > 0 ? LOG_WARN : LOG_INFO, LOG_SCRIPT_AREA,
             "scripts_dir was read again: %zu scripts, %zu refused", loaded, refused);
}

// All or nothing: a configuration with a mistake changes nothing.
static void reload(struct engine *e)
{
    struct config *fresh = NULL;
    struct errmsg message;
    if (config_load(&fresh, e->argc, e->argv, &message) != OK) {
        log_line(LOG_ERROR, LOG_CONFIG_AREA, "not reloaded: %s", message.text);
        return;
    }
    if (guard_reload(e->guard, fresh->allow_targets.items, fresh->allow_targets.count, &message) !=
        OK) {
        log_line(LOG_ERROR, LOG_CONFIG_AREA, "not reloaded: %s", message.text);
        config_free(fresh);
        return;
    }
    config_compare(e->config, fresh, on_change, NULL);
    config_free(e->retired);
    e->retired = e->config;
    e->config = fresh;
    parts_setup_log(fresh);
    dispatch_reconfigure(e->dispatch, fresh);
    ingest_reconfigure(e->ingest, fresh);
    admin_reconfigure(e->admin, fresh);
    script_reload(e->script, on_scripts_loaded, NULL);
}

// ---- stopping ----------------------------------------------------------------------------------

static void on_patience_over(uv_timer_t *timer);
static void on_ingest_drained(void *context);
static void on_dispatch_drained(void *context);
static void on_admin_stopped(void *context);
static void on_sender_stopped(void *context);
static void on_settled(void *context);
static void on_ingest_stopped(void *context);
static void on_script_stopped(void *context);
static void on_store_stopped(void *context);

static void on_signal(uv_signal_t *handle, int number)
{
    struct engine *e = handle->data;
    if (number == SIGHUP) {
        if (!e->is_stopping)
            reload(e);
        return;
    }
    if (e->is_stopping) {
        log_line(LOG_WARN, LOG_MAIN_AREA, "stopped at once by a second signal");
        _exit(CMD_FAILED);
    }
    e->is_stopping = true;
    notify_send("STOPPING=1");
    log_line(LOG_INFO, LOG_MAIN_AREA, "draining");
    CHECK(uv_timer_start(&e->patience, on_patience_over, (uint64_t)e->config->drain_timeout, 0) ==
          0);
    ingest_drain(e->ingest, on_ingest_drained, e);
}

static void on_patience_over(uv_timer_t *timer)
{
    log_line(LOG_WARN, LOG_MAIN_AREA, "some producers do not read their replies; not waiting");
    on_ingest_drained(timer->data);
}

static void on_ingest_drained(void *context)
{
    struct engine *e = context;
    if (e->is_ingest_drained)
        return;
    e->is_ingest_drained = true;
    (void)uv_timer_stop(&e->patience);
    dispatch_drain(e->dispatch, e->config->drain_timeout, on_dispatch_drained, e);
}

static void on_dispatch_drained(void *context)
{
    struct engine *e = context;
    admin_stop(e->admin, on_admin_stopped, e);
}

static void on_admin_stopped(void *context)
{
    struct engine *e = context;
    dispatch_set_sender(e->dispatch, NULL);
    sender_stop(e->sender, 0, on_sender_stopped, e);
}

// What was aborted has come back; it is written before the store closes.
static void on_sender_stopped(void *context)
{
    struct engine *e = context;
    dispatch_drain(e->dispatch, SETTLE_MS, on_settled, e);
}

static void on_settled(void *context)
{
    struct engine *e = context;
    ingest_stop(e->ingest, on_ingest_stopped, e);
}

static void on_ingest_stopped(void *context)
{
    struct engine *e = context;
    dispatch_forget_script(e->dispatch);
    script_stop(e->script, on_script_stopped, e);
}

static void on_script_stopped(void *context)
{
    struct engine *e = context;
    store_stop(e->store, on_store_stopped, e);
}

static void on_store_stopped(void *context)
{
    struct engine *e = context;
    dispatch_stop(e->dispatch, NULL, NULL);
    for (size_t i = 0; i < COUNT_OF(e->signals); i++)
        uv_close((uv_handle_t *)&e->signals[i], NULL);
    uv_close((uv_handle_t *)&e->patience, NULL);
    clock_watch_stop();
    log_line(LOG_INFO, LOG_MAIN_AREA, "stopped");
}

static void watch_signals(struct engine *e)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    CHECK(uv_timer_init(&e->loop, &e->patience) == 0);
    e->patience.data = e;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        CHECK(uv_signal_init(&e->loop, &e->signals[i]) == 0);
        e->signals[i].data = e;
        CHECK(uv_signal_start(&e->signals[i], on_signal, numbers[i]) == 0);
    }
}

// Every producer and every kept connection is a descriptor.
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        log_line(LOG_WARN, LOG_MAIN_AREA, "the limit on open files cannot be raised");
}

// They would hold secrets. Sanitizers look into their own process, which needs it dumpable.
static void forbid_core_files(void)
{
    struct rlimit none = {0, 0};
    bool is_done = setrlimit(RLIMIT_CORE, &none) == 0;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    is_done = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && is_done;
#endif
    if (!is_done)
        log_line(LOG_WARN, LOG_MAIN_AREA, "core files cannot be turned off");
}

static int fail(const struct errmsg *message)
{
    fprintf(stderr, "grapnel: %s\n", message->text);
    return CMD_FAILED;
}

int cmd_serve(const struct args *args)
{
    static struct engine e; // one per process
    struct errmsg message;
    e.argc = args->rest_count;
    e.argv = args->rest;
    if (clock_init(&message) != OK || failpoint_init(&message) != OK)
        return fail(&message);
    if (config_load(&e.config, e.argc, e.argv, &message) != OK) {
        fprintf(stderr, "%s\n", message.text);
        return CMD_USAGE;
    }
    parts_setup_log(e.config);
    mac_warm_up();
    raise_descriptor_limit();
    forbid_core_files();
    (void)signal(SIGPIPE, SIG_IGN);
    CHECK(uv_loop_init(&e.loop) == 0);
    if (start(&e, &message) != OK)
        return fail(&message);
    watch_signals(&e);
    clock_watch_start(&e.loop);
    printf("ready\n");
    (void)fflush(stdout);
    notify_send("READY=1");
    log_line(LOG_INFO, LOG_MAIN_AREA, "grapnel %s is ready", GRAPNEL_VERSION);
    (void)uv_run(&e.loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&e.loop) == 0);
    vault_free(e.vault);
    guard_free(e.guard);
    eventid_key_free(e.id_key);
    config_free(e.retired);
    config_free(e.config);
    return e.exit_code;
}
