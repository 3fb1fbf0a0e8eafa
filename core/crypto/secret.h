// SPDX-License-Identifier: MIT
// Webhook secrets: made, checked, wiped; any thread. (delivery.md, Secrets; signatures.md)
#pragma once

#include "base/buf.h"

enum secret_kind {
    SECRET_SYMMETRIC, // whsec_ + base64 of 16-75 bytes
    SECRET_ED25519,   // whsk_ + base64 of a 64-byte (seed, public) or 32-byte (seed) key
    SECRET_PLAIN,     // 1-256 bytes as they are
};

#define SECRET_MAX_LEN 256

// What kind a text is; ERR_SYNTAX with a message for a person when it is none ("whsec_" that is not
// base64, too short …). The message never holds the secret.
MUST_CHECK enum err secret_check(struct span text, enum secret_kind *kind, struct errmsg *message);
// "whsec_" + base64 of 32 random bytes, "whsk_" + base64 of a new seed and public key, or 32 random
// bytes in base64 that may stand in a URL; NUL terminated; `out` has SECRET_MAX_LEN + 1 bytes.
void secret_generate(enum secret_kind kind, char *out);
// "whpk_" + base64 of an ed25519 secret's public key; ERR_SYNTAX when it is none.
MUST_CHECK enum err secret_public(struct span text, struct buf *out);
// "symmetric", "ed25519", "plain", and back; false: no such kind.
const char *secret_kind_name(enum secret_kind kind);
bool secret_kind_parse(struct span name, enum secret_kind *out);
// Text for lists: "whsec_…" or "…"; static.
const char *secret_mask(enum secret_kind kind);
