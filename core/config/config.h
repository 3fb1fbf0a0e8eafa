// SPDX-License-Identifier: MIT
// Options: from a Lua file, the environment and flags, by one table (config.def); main only.
//
// The file is a Lua chunk that returns a table, run in an empty environment with limits on time and
// memory. Later wins: default, file, GRAPNEL_NAME, --name. A wrong name or value is an error with
// file, line and the nearest right name.
#pragma once

#include "base/arena.h"
#include "base/err.h"

#define CONFIG_MAX_LIST 256

enum config_origin { CONFIG_DEFAULT, CONFIG_FILE, CONFIG_ENVIRONMENT, CONFIG_FLAG };

struct config_pair {
    struct span name, value;
};

// ingest_uids: one row per user; `tenants` NULL-terminated would hide bounds, so a count.
struct config_uid {
    uint32_t uid;
    bool is_any_tenant;         // "*"
    const struct span *tenants; // else these
    size_t tenant_count;
};

// hook_env: one row per tenant.
struct config_env {
    struct span tenant;
    const struct config_pair *values;
    size_t value_count;
};

struct config_list {
    const struct span *items;
    size_t count;
};

// Types of the fields: TEXT PATH CHOICE → const char * (never NULL; "" when empty), INT DURATION
// SIZE → int64_t, LIST → struct config_list.
struct config {
    struct arena arena; // owns all texts
    const char *data_dir, *store, *ingest_socket, *ingest_socket_mode, *ingest_socket_group;
    const char *admin_socket, *admin_listen, *scripts_dir, *source_address, *proxy, *tenants;
    const char *log_level, *log_format, *metrics_public;
    struct config_list events, allow_targets;
    int64_t max_event_bytes, idempotency_window, memory_deliveries, memory_bytes;
    int64_t sender_threads, script_hosts, script_cpu_ms, script_wall_ms, script_memory_bytes;
    int64_t retention_events, retention_dead, min_free_bytes, max_unsettled, max_age;
    int64_t drain_timeout;
    const struct config_uid *ingest_uids; // NULL: everybody who can connect
    size_t ingest_uid_count;
    const struct config_env *hook_env;
    size_t hook_env_count;
    const char *file; // "" when none was given
};

// `argv` holds only options ("--data-dir", "DIR", "--data-dir=DIR", "--config FILE"); what is no
// option is an error. ERR_SYNTAX with a message that says file, line and what to do.
MUST_CHECK enum err config_load(struct config **out, int argc, char **argv, struct errmsg *message);
void config_free(struct config *config);
// What differs between two, and can it change without a restart? Calls `on_change` per option.
void config_compare(const struct config *old, const struct config *fresh,
                    void (*on_change)(void *context, const char *name, bool takes_effect),
                    void *context);

// The table, for help, the sample file and the reference page.
struct config_option {
    const char *name, *type, *fallback, *help;
    bool is_fixed;
};
extern const struct config_option config_options[];
extern const size_t config_option_count;
// Effective value as text and where it came from.
void config_value(const struct config *config, size_t option, struct span *value,
                  enum config_origin *origin);
const char *config_origin_name(enum config_origin origin);
