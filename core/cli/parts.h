// SPDX-License-Identifier: MIT
// From the configuration to what rooms want to know: used by serve, which starts them, and check,
// which tries them; main only.
#pragma once

#include "config/config.h"
#include "crypto/vault.h"
#include "script/script.h"
#include "store/backend.h"

#define PARTS_MAX_PATH 4096

// Makes the data folder if only it is missing (mode 0700), unless `is_try`; is it one that we may
// write to? ERR_DENIED, ERR_NOT_FOUND … with a message.
MUST_CHECK enum err parts_data_dir(const struct config *config, bool is_try,
                                   struct errmsg *message);
// The file that holds the database. ERR_UNSUPPORTED: the option names something else.
MUST_CHECK enum err parts_store_path(const struct config *config, char path[PARTS_MAX_PATH],
                                     struct errmsg *message);
// The vault of secrets_key_file; *out NULL: there is none.
MUST_CHECK enum err parts_vault(const struct config *config, struct vault **out,
                                struct errmsg *message);
struct store_config parts_store_config(const struct config *config, const char *path);
// Borrows from the configuration.
struct script_config parts_script_config(const struct config *config);
// `wanted`, or half of the cores, at most `most`.
uint32_t parts_by_cores(int64_t wanted, uint32_t most);
// Log level and format.
void parts_setup_log(const struct config *config);
