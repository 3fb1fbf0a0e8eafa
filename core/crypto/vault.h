// SPDX-License-Identifier: MIT
// Encrypts what the store keeps, AES-256-GCM with the keys of a file; a loaded vault does not change
// and may be used by any thread. (delivery.md, Secrets)
//
// The file holds one key a line, base64 of 32 bytes; the first one encrypts, all of them decrypt, so
// that a new first line changes the key. Only its owner, the engine's user or root, may read it.
#pragma once

#include "base/buf.h"

#define VAULT_MAX_KEYS 8
#define VAULT_OVERHEAD 28 // bytes that sealing adds: nonce and tag

struct vault;

// ERR_NOT_FOUND, ERR_DENIED (mode or owner), ERR_SYNTAX, ERR_IO: `message` says what to do.
MUST_CHECK enum err vault_load(struct vault **out, const char *path, struct errmsg *message);
// Puts a fresh key in front of those in the file, whole or not at all; makes the file (mode 0400) when
// there is none. Its user and group stay.
MUST_CHECK enum err vault_add_key(const char *path, struct errmsg *message);
void vault_free(struct vault *vault); // wipes; NULL is fine
// Id of the key that encrypts: positive, made from the key.
int64_t vault_key_id(const struct vault *vault);
bool vault_has_key(const struct vault *vault, int64_t key_id);
// Appends `plain` encrypted by the first key; `place` must be the same when it is opened.
void vault_seal(const struct vault *vault, struct span place, struct span plain, struct buf *out);
// Appends what was sealed. ERR_NOT_FOUND: there is no such key; ERR_CORRUPT: it was changed, or lies
// in another place; nothing is appended.
MUST_CHECK enum err vault_open(const struct vault *vault, int64_t key_id, struct span place,
                               struct span sealed, struct buf *out);
