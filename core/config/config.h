// SPDX-License-Identifier: MIT
// Options: from a Lua file, the environment and flags, by one table (config.def); main only.
//
// The file is a Lua chunk that returns a table, run in an empty environment with limits on time and
// memory. Later wins: default, file, GRAPNEL_NAME, --name. A wrong name or value is an error with
// file, line and the nearest right name. A list replaces what came before it as a whole; flags of
// one list add up.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define CONFIG_MAX_LIST 256          // items of a list, rows of a table, values of a tenant
#define CONFIG_MAX_TEXT 8192         // bytes of one text
#define CONFIG_MAX_FILE (1024 << 10) // bytes of the configuration file

enum config_origin { CONFIG_DEFAULT, CONFIG_FILE, CONFIG_ENVIRONMENT, CONFIG_FLAG };

// The options' places in the table, such as CONFIG_OPTION_data_dir.
enum config_option_number {
#define X(field, name, type, fallback, when, help) CONFIG_OPTION_##field,
#include "config/config.def"
#undef X
    CONFIG_OPTION_COUNT
};

struct config_pair {
    struct span name, value; // in the config's arena, as all texts here
};

// ingest_uids: one row per user, sorted by uid.
struct config_uid {
    uint32_t uid;
    bool is_any_tenant;         // "*"
    const struct span *tenants; // else these
    size_t tenant_count;
};

// hook_env: one row per tenant, sorted by name, as are its values.
struct config_env {
    struct span tenant;
    const struct config_pair *values;
    size_t value_count;
};

struct config_list {
    const struct span *items; // each followed by a NUL that does not count
    size_t count;
};

// Types of the fields: TEXT PATH CHOICE → const char * (never NULL; "" when empty), INT DURATION
// SIZE → int64_t (ms, bytes), LIST → struct config_list.
struct config {
    struct arena arena; // owns all texts
    const char *data_dir, *store, *ingest_socket, *ingest_socket_mode, *ingest_socket_group;
    const char *admin_socket, *admin_listen, *scripts_dir, *source_address, *proxy, *tenants;
    const char *log_level, *log_format, *secrets_key_file, *metrics_public;
    struct config_list events, allow_targets;
    int64_t max_event_bytes, idempotency_window, memory_deliveries, memory_bytes;
    int64_t sender_threads, script_hosts, script_cpu_ms, script_wall_ms, script_memory_bytes;
    int64_t quarantine_after;
    int64_t retention_events, retention_dead, min_free_bytes, max_unsettled, max_age;
    int64_t drain_timeout;
    const struct config_uid *ingest_uids; // NULL: everybody who can connect
    size_t ingest_uid_count;
    const struct config_env *hook_env;
    size_t hook_env_count;
    const char *file;                       // "" when none was given
    uint8_t origins[CONFIG_OPTION_COUNT];   // enum config_origin
    struct span shown[CONFIG_OPTION_COUNT]; // effective values as text, secrets masked
};

// `argv` holds only options ("--data-dir", "DIR", "--data-dir=DIR", "--config FILE"); what is no
// option is an error. The file may also be named by GRAPNEL_CONFIG. ERR_SYNTAX with a message that
// says file, line and what to do; ERR_NOT_FOUND, ERR_IO, ERR_DENIED: the file cannot be read.
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
// Effective value as text (passwords and values of hook_env masked) and where it came from.
void config_value(const struct config *config, size_t option, struct span *value,
                  enum config_origin *origin);
const char *config_origin_name(enum config_origin origin);
// "whole number, 64 to 1048576", "listed or open": what may be given.
const char *config_option_range(size_t option, struct buf *scratch);

// A configuration file in which every option stands as a comment with its default.
void config_print_sample(struct buf *out);
// The same as a Markdown table.
void config_print_reference(struct buf *out);
