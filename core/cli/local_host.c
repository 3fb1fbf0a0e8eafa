// SPDX-License-Identifier: MIT
// Starts and stops a script host without an engine; the main thread.
#include "cli/local_host.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/parts.h"
#include "cli/source.h"
#include "crypto/mac.h"
#include "script/library.h"

#define MAX_NAME 64 // bytes of a script's name

enum err local_host_start(struct local_host *host, struct errmsg *message)
{
    struct config *config = NULL;
    host->script = NULL;
    enum err err = clock_init(message);
    if (err == OK)
        err = config_load(&config, 0, NULL, message);
    if (err != OK)
        return err;
    mac_warm_up();
    log_setup(LOG_ERROR, LOG_LOGFMT); // what is usual for an engine's log is noise here
    CHECK(uv_loop_init(&host->loop) == 0);
    struct script_config wanted = parts_script_config(config);
    wanted.hosts = 1;
    wanted.scripts_dir = NULL;
    err = script_start(&host->script, &host->loop, &wanted, message);
    config_free(config);
    if (err != OK) {
        (void)uv_run(&host->loop, UV_RUN_DEFAULT);
        CHECK(uv_loop_close(&host->loop) == 0);
    }
    return err;
}

static void on_stopped(void *context)
{
    struct local_host *host = context;
    host->script = NULL;
}

void local_host_stop(struct local_host *host)
{
    if (host->script == NULL)
        return;
    script_stop(host->script, on_stopped, host);
    (void)uv_run(&host->loop, UV_RUN_DEFAULT);
    CHECK(host->script == NULL && uv_loop_close(&host->loop) == 0);
}

void local_host_wait(struct local_host *host, const bool *is_done)
{
    while (!*is_done) {
        script_flush(host->script);
        (void)uv_run(&host->loop, UV_RUN_ONCE);
    }
}

enum err local_host_read(const char *path, struct buf *name, struct buf *source,
                         struct errmsg *message)
{
    const char *slash = strrchr(path, '/');
    struct span stem = span_of(slash != NULL ? slash + 1 : path);
    if (stem.len > 4 && strcmp(stem.at + stem.len - 4, ".lua") == 0)
        stem.len -= 4;
    if (stem.len > MAX_NAME)
        stem.len = MAX_NAME;
    struct buf at;
    buf_init(&at, 8192);
    (void)buf_append_format(&at, "@%s", path);
    enum err err = at.is_full ? ERR_RANGE : source_read(source, buf_text(&at), message);
    buf_deinit(&at);
    if (err == ERR_FULL)
        errmsg_set(message, "%s: a script is at most %d KiB", path, LIBRARY_MAX_SOURCE / 1024);
    else if (err == ERR_RANGE)
        errmsg_set(message, "the path is too long");
    if (err == OK)
        (void)buf_append_span(name, stem);
    return err;
}
