// SPDX-License-Identifier: MIT
// Bodies of revisions, encrypted when there is a key: one connection's, on its thread.
#pragma once

#include "crypto/vault.h"
#include "store/sqlite_db.h"

struct object;

struct sqlite_vault {
    const struct vault *vault; // borrowed; NULL: bodies are in the clear
    struct buf scratch;        // of the body that was sealed or opened last
};

void sqlite_vault_init(struct sqlite_vault *v, const struct vault *vault);
void sqlite_vault_deinit(struct sqlite_vault *v);
// What is to be written for the object's body, until the next call, and the id of the key.
struct span sqlite_vault_seal(struct sqlite_vault *v, const struct object *object, int64_t *key_id);
// Replaces the object's body, as it was read, by what it says, until sqlite_vault_wipe. ERR_CORRUPT:
// the row was changed or moved, or its key is not there.
MUST_CHECK enum err sqlite_vault_open(struct sqlite_vault *v, struct object *object,
                                      int64_t key_id);
void sqlite_vault_wipe(struct sqlite_vault *v);
// At start, before anything else is read: refuses what no key fits (`message`), encrypts what is in
// the clear or by another key than the first, and clears what that leaves behind.
MUST_CHECK enum err sqlite_vault_start(struct sqlite_vault *v, struct sqlite_db *db,
                                       struct errmsg *message);
