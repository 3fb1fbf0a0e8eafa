// SPDX-License-Identifier: MIT
// grapnel check: configuration, scripts and database, without starting anything; the main thread.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin/admin.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/cmd.h"
#include "cli/parts.h"
#include "crypto/mac.h"
#include "send/guard.h"
#include "store/backend.h"

#define MAX_SAMPLE 262144 // bytes

// What was found so far; every part is looked at, whatever the ones before said.
struct checking {
    const struct config *config;
    uv_loop_t loop;
    struct script *script;
    int failures;
};

static void say_good(const char *what, const char *detail)
{
    printf("%-14s ok%s%s\n", what, detail[0] != 0 ? ": " : "", detail);
}

static void say_bad(struct checking *c, const char *what, const struct errmsg *message)
{
    c->failures++;
    (void)fflush(stdout);
    fprintf(stderr, "%-14s FAILED: %s\n", what, message->text);
}

// ---- parts -------------------------------------------------------------------------------------

static void check_targets(struct checking *c)
{
    const struct config_list *allow = &c->config->allow_targets;
    struct guard *guard = NULL;
    struct errmsg message;
    if (guard_new(&guard, allow->items, allow->count, &message) == OK)
        say_good("allow_targets", allow->count > 0 ? "" : "none: only public addresses");
    else
        say_bad(c, "allow_targets", &message);
    guard_free(guard);
}

// A socket's folder is made when only it is missing; its path must fit the kernel's limit.
static void check_socket(struct checking *c, const char *name, const char *path)
{
    struct errmsg message;
    char folder[PARTS_MAX_PATH];
    struct stat st;
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        slash[slash == folder ? 1 : 0] = 0;
    else
        snprintf(folder, sizeof folder, ".");
    size_t most = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
    if (strlen(path) > most) {
        errmsg_set(&message, "the path has %zu bytes, at most %zu fit: %s", strlen(path), most,
                   path);
        say_bad(c, name, &message);
    } else if (stat(folder, &st) == 0 && access(folder, W_OK | X_OK) != 0) {
        errmsg_set(&message, "this user may not write to %s", folder);
        say_bad(c, name, &message);
    } else {
        say_good(name, path);
    }
}

static void on_stopped(void *context)
{
    struct checking *c = context;
    c->script = NULL;
}

static void check_scripts(struct checking *c)
{
    struct script_config config = parts_script_config(c->config);
    struct script_stats stats;
    struct errmsg message;
    char detail[128];
    config.hosts = 1;
    if (script_start(&c->script, &c->loop, &config, &message) != OK) {
        say_bad(c, "scripts", &message);
        return;
    }
    if (script_load(c->script, false, &message) != OK) {
        say_bad(c, "scripts", &message);
        script_stop(c->script, on_stopped, c);
        (void)uv_run(&c->loop, UV_RUN_DEFAULT);
        return;
    }
    script_stats(c->script, &stats);
    snprintf(detail, sizeof detail, "%zu scripts, golden tests passed", script_count(c->script));
    if (stats.refused > 0) {
        errmsg_set(&message, "%u files of scripts_dir were refused (see above)", stats.refused);
        say_bad(c, "scripts", &message);
    } else {
        say_good("scripts", detail);
    }
    script_stop(c->script, on_stopped, c);
    (void)uv_run(&c->loop, UV_RUN_DEFAULT);
}

static void check_key(struct checking *c)
{
    struct vault *vault = NULL;
    struct errmsg message;
    if (parts_vault(c->config, &vault, &message) != OK)
        say_bad(c, "secrets", &message);
    else
        say_good("secrets", vault != NULL ? "encrypted" : "kept in the clear");
    vault_free(vault);
}

static void check_database(struct checking *c)
{
    char path[PARTS_MAX_PATH];
    struct errmsg message;
    struct stat st;
    struct query_conn *conn = NULL;
    if (parts_data_dir(c->config, true, &message) != OK ||
        parts_store_path(c->config, path, &message) != OK) {
        say_bad(c, "database", &message);
        return;
    }
    if (stat(path, &st) != 0) {
        say_good("database", "there is none yet; serve makes it");
        return;
    }
    struct store_config config = parts_store_config(c->config, path);
    if (sqlite_backend.query->open(&conn, &config, &message) != OK) {
        say_bad(c, "database", &message);
        return;
    }
    sqlite_backend.query->close(&conn);
    say_good("database", path);
}

// ---- command -----------------------------------------------------------------------------------

static int print_sample(void)
{
    struct buf sample;
    buf_init(&sample, MAX_SAMPLE);
    config_print_sample(&sample);
    (void)fwrite(sample.at, 1, sample.len, stdout);
    buf_deinit(&sample);
    return CMD_DONE;
}

int cmd_check(const struct args *args)
{
    struct checking c = {0};
    struct config *config = NULL;
    struct errmsg message;
    if (args_has(args, "sample"))
        return print_sample();
    if (clock_init(&message) != OK ||
        config_load(&config, args->rest_count, args->rest, &message) != OK) {
        fprintf(stderr, "%s\n", message.text); // begins with file and line
        return CMD_FAILED;
    }
    c.config = config;
    mac_warm_up();
    parts_setup_log(config);
    CHECK(uv_loop_init(&c.loop) == 0);
    say_good("configuration", config->file[0] != 0 ? config->file : "no file, all defaults");
    check_targets(&c);
    check_socket(&c, "ingest_socket", config->ingest_socket);
    check_socket(&c, "admin_socket", config->admin_socket);
    check_scripts(&c);
    check_key(&c);
    check_database(&c);
    (void)uv_run(&c.loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&c.loop) == 0);
    config_free(config);
    return c.failures > 0 ? CMD_FAILED : CMD_DONE;
}
