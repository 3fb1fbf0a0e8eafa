// SPDX-License-Identifier: MIT
// Webhook secrets: made, checked, wiped; any thread.
#include "crypto/secret.h"

#include "base/mem.h"
#include "base/rand.h"
#include "crypto/codec.h"
#include "crypto/mac.h"

#define SYMMETRIC_PREFIX "whsec_"
#define ED25519_PREFIX   "whsk_"
#define PUBLIC_PREFIX    "whpk_"
#define SYMMETRIC_MIN    16 // bytes behind the prefix, decoded
#define SYMMETRIC_MAX    75
#define GENERATED        32 // bytes of a new symmetric or plain secret
#define SEED_LEN         32
#define PAIR_LEN         64 // a seed and its public key

// Takes `prefix` off the front.
static bool take_prefix(struct span *text, const char *prefix)
{
    struct span wanted = span_of(prefix);
    if (!span_starts_with(*text, wanted))
        return false;
    text->at += wanted.len;
    text->len -= wanted.len;
    return true;
}

// Decoded secrets live in fixed memory that is wiped by close_bytes: a growing buffer would leave
// copies behind.
static void open_bytes(struct buf *bytes)
{
    buf_init(bytes, SECRET_MAX_LEN);
    CHECK(buf_reserve(bytes, SECRET_MAX_LEN) != NULL);
}

static void close_bytes(struct buf *bytes)
{
    mem_wipe(bytes->at, bytes->capacity);
    buf_deinit(bytes);
}

static enum err check_symmetric(struct span text, struct errmsg *message)
{
    struct buf bytes;
    open_bytes(&bytes);
    enum err err = codec_from_base64(&bytes, text);
    if (err != OK)
        errmsg_set(message, "what follows \"" SYMMETRIC_PREFIX "\" in the secret is not base64 "
                            "with padding");
    else if (bytes.len < SYMMETRIC_MIN || bytes.len > SYMMETRIC_MAX) {
        errmsg_set(message,
                   "the secret has %zu bytes behind \"" SYMMETRIC_PREFIX
                   "\", and must have %d to %d",
                   bytes.len, SYMMETRIC_MIN, SYMMETRIC_MAX);
        err = ERR_SYNTAX;
    }
    close_bytes(&bytes);
    return err;
}

// `text` is what follows the prefix; `public_key` is made from the seed.
static enum err read_ed25519(struct span text, uint8_t public_key[32], struct errmsg *message)
{
    struct buf bytes;
    open_bytes(&bytes);
    enum err err = codec_from_base64(&bytes, text);
    if (err != OK) {
        errmsg_set(message, "what follows \"" ED25519_PREFIX "\" in the secret is not base64 "
                            "with padding");
        goto out;
    }
    if (bytes.len != SEED_LEN && bytes.len != PAIR_LEN) {
        errmsg_set(message,
                   "the secret has %zu bytes behind \"" ED25519_PREFIX
                   "\", and must have 32 (a seed) or 64 (seed and public key)",
                   bytes.len);
        err = ERR_SYNTAX;
        goto out;
    }
    err = mac_ed25519_public(span_make(bytes.at, SEED_LEN), public_key);
    if (err == OK && bytes.len == PAIR_LEN &&
        memcmp(bytes.at + SEED_LEN, public_key, PAIR_LEN - SEED_LEN) != 0) {
        errmsg_set(message, "the second half of the \"" ED25519_PREFIX
                            "\" secret is not the public key of the first");
        err = ERR_SYNTAX;
    }
out:
    close_bytes(&bytes);
    return err;
}

enum err secret_check(struct span text, enum secret_kind *kind, struct errmsg *message)
{
    if (text.len < 1 || text.len > SECRET_MAX_LEN) {
        errmsg_set(message, "the secret has %zu bytes, and must have 1 to %d", text.len,
                   SECRET_MAX_LEN);
        return ERR_SYNTAX;
    }
    enum err err = OK;
    enum secret_kind found = SECRET_PLAIN;
    uint8_t public_key[32];
    if (take_prefix(&text, SYMMETRIC_PREFIX)) {
        found = SECRET_SYMMETRIC;
        err = check_symmetric(text, message);
    } else if (take_prefix(&text, ED25519_PREFIX)) {
        found = SECRET_ED25519;
        err = read_ed25519(text, public_key, message);
    } else if (take_prefix(&text, PUBLIC_PREFIX)) {
        errmsg_set(message, "\"" PUBLIC_PREFIX "\" begins a public key, which is for receivers; "
                            "a secret begins with \"" ED25519_PREFIX "\"");
        err = ERR_SYNTAX;
    }
    if (err == OK)
        *kind = found;
    return err != OK ? ERR_SYNTAX : OK;
}

static void generate_ed25519(struct buf *out)
{
    uint8_t pair[PAIR_LEN];
    rand_bytes(pair, SEED_LEN);
    CHECK(mac_ed25519_public(span_make(pair, SEED_LEN), pair + SEED_LEN) == OK);
    (void)buf_append_text(out, ED25519_PREFIX);
    (void)codec_to_base64(out, span_make(pair, sizeof pair));
    mem_wipe(pair, sizeof pair);
}

static void generate_symmetric(struct buf *out, enum secret_kind kind)
{
    uint8_t bytes[GENERATED];
    rand_bytes(bytes, sizeof bytes);
    if (kind == SECRET_SYMMETRIC) {
        (void)buf_append_text(out, SYMMETRIC_PREFIX);
        (void)codec_to_base64(out, span_make(bytes, sizeof bytes));
    } else {
        (void)codec_to_base64url(out, span_make(bytes, sizeof bytes));
    }
    mem_wipe(bytes, sizeof bytes);
}

void secret_generate(enum secret_kind kind, char *out)
{
    struct buf text;
    open_bytes(&text);
    if (kind == SECRET_ED25519)
        generate_ed25519(&text);
    else
        generate_symmetric(&text, kind);
    CHECK(!text.is_full);
    memcpy(out, buf_text(&text), text.len + 1);
    close_bytes(&text);
}

enum err secret_public(struct span text, struct buf *out)
{
    uint8_t public_key[32];
    if (text.len > SECRET_MAX_LEN || !take_prefix(&text, ED25519_PREFIX) ||
        read_ed25519(text, public_key, NULL) != OK)
        return ERR_SYNTAX;
    (void)buf_append_text(out, PUBLIC_PREFIX);
    return codec_to_base64(out, span_make(public_key, sizeof public_key));
}

static const char *const kind_names[] = {
    [SECRET_SYMMETRIC] = "symmetric", [SECRET_ED25519] = "ed25519", [SECRET_PLAIN] = "plain"};

const char *secret_kind_name(enum secret_kind kind)
{
    CHECK(kind < COUNT_OF(kind_names));
    return kind_names[kind];
}

bool secret_kind_parse(struct span name, enum secret_kind *out)
{
    for (size_t i = 0; i < COUNT_OF(kind_names); i++) {
        if (!span_is(name, kind_names[i]))
            continue;
        *out = (enum secret_kind)i;
        return true;
    }
    return false;
}

const char *secret_mask(enum secret_kind kind)
{
    switch (kind) {
    case SECRET_SYMMETRIC: return SYMMETRIC_PREFIX "…";
    case SECRET_ED25519: return ED25519_PREFIX "…";
    case SECRET_PLAIN: return "…";
    }
    return "…";
}
