// SPDX-License-Identifier: MIT
// From the configuration to what rooms want to know; main only.
#include "cli/parts.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

void parts_setup_log(const struct config *config)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    enum log_level level = LOG_INFO;
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        if (strcmp(config->log_level, levels[i]) == 0)
            level = (enum log_level)i;
    }
    log_setup(level, strcmp(config->log_format, "json") == 0 ? LOG_JSON : LOG_LOGFMT);
}

// The folder that holds `path` must be there.
static enum err check_parent(const char *path, struct errmsg *message)
{
    char parent[PARTS_MAX_PATH];
    struct stat st;
    snprintf(parent, sizeof parent, "%s", path);
    size_t len = strlen(parent);
    while (len > 1 && parent[len - 1] == '/')
        parent[--len] = 0;
    char *slash = strrchr(parent, '/');
    if (slash == NULL)
        return OK;
    slash[slash == parent ? 1 : 0] = 0;
    if (stat(parent, &st) == 0 && S_ISDIR(st.st_mode))
        return OK;
    errmsg_set(message, "data_dir %s cannot be made: its parent does not exist", path);
    return ERR_NOT_FOUND;
}

enum err parts_data_dir(const struct config *config, bool is_try, struct errmsg *message)
{
    const char *path = config->data_dir;
    struct stat st;
    bool is_there = stat(path, &st) == 0;
    if (!is_there && is_try)
        return check_parent(path, message);
    if (!is_there && mkdir(path, 0700) != 0 && errno != EEXIST) {
        enum err err = err_from_errno(errno);
        errmsg_set(message, "data_dir %s cannot be made: %s (its parent must exist)", path,
                   err_text(err));
        return err;
    }
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode) && access(path, W_OK | X_OK) == 0)
        return OK;
    errmsg_set(message, "data_dir %s is no folder that this user may write to", path);
    return ERR_DENIED;
}

enum err parts_store_path(const struct config *config, char path[PARTS_MAX_PATH],
                          struct errmsg *message)
{
    if (strstr(config->store, "://") != NULL) {
        errmsg_set(message, "store: this version keeps its data in an SQLite file only");
        return ERR_UNSUPPORTED;
    }
    bool is_absolute = config->store[0] == '/';
    int len = snprintf(path, PARTS_MAX_PATH, "%s%s%s", is_absolute ? "" : config->data_dir,
                       is_absolute ? "" : "/", config->store);
    if (len < PARTS_MAX_PATH)
        return OK;
    errmsg_set(message, "store: the path is too long");
    return ERR_RANGE;
}

enum err parts_vault(const struct config *config, struct vault **out, struct errmsg *message)
{
    *out = NULL;
    if (config->secrets_key_file[0] == 0)
        return OK;
    return vault_load(out, config->secrets_key_file, message);
}

struct store_config parts_store_config(const struct config *config, const char *path)
{
    return (struct store_config){.location = path,
                                 .idempotency_window_ms = config->idempotency_window,
                                 .min_free_bytes = config->min_free_bytes};
}

uint32_t parts_by_cores(int64_t wanted, uint32_t most)
{
    if (wanted > 0)
        return (uint32_t)wanted;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t half = cores < 4 ? 1 : (uint32_t)cores / 2;
    return half > most ? most : half;
}

struct script_config parts_script_config(const struct config *config)
{
    return (struct script_config){
        .hosts = parts_by_cores(config->script_hosts, 8),
        .scripts_dir = config->scripts_dir[0] != 0 ? config->scripts_dir : NULL,
        .cpu_ms = (uint32_t)config->script_cpu_ms,
        .wall_ms = (uint32_t)config->script_wall_ms,
        .memory_bytes = config->script_memory_bytes,
        .self = "/proc/self/exe",
    };
}
