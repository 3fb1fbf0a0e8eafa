// SPDX-License-Identifier: MIT
// The receiver's side of signatures.md; any thread.
#include "cli/verify.h"

#include <inttypes.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "crypto/codec.h"
#include "crypto/mac.h"
#include "crypto/secret.h"

#define SHA256_LEN     32
#define PUBLIC_LEN     32
#define MAX_SIGNATURES 32

static const char *const names[VERIFY_SCHEME_COUNT] = {"standard", "github", "stripe", "slack",
                                                       "shopify"};

// One check on its way.
struct check {
    struct span secret;
    const struct incoming *request;
    int64_t now_s;
    struct errmsg *detail;
};

enum err verify_scheme_parse(struct span name, enum verify_scheme *out, struct errmsg *message)
{
    char hint[NEAREST_HINT_LEN];
    for (size_t i = 0; i < VERIFY_SCHEME_COUNT; i++) {
        if (span_is(name, names[i])) {
            *out = (enum verify_scheme)i;
            return OK;
        }
    }
    errmsg_set(message, "there is no scheme \"%.*s\"%s (standard, github, stripe, slack, shopify)",
               (int)(name.len < 40 ? name.len : 40), name.at,
               nearest_hint(name, names, VERIFY_SCHEME_COUNT, hint));
    return ERR_NOT_FOUND;
}

// ---- parts -------------------------------------------------------------------------------------

// The header's value; false, with the detail set: it is not there.
static bool need(const struct check *c, const char *name, struct span *value)
{
    const struct incoming_header *header = incoming_find(c->request, name);
    if (header == NULL) {
        errmsg_set(c->detail, "the header %s is missing", name);
        return false;
    }
    *value = header->value;
    return true;
}

static bool need_time(const struct check *c, const char *name, struct span text, int64_t *time)
{
    if (span_to_int64(text, time))
        return true;
    errmsg_set(c->detail, "%s is no unix time", name);
    return false;
}

static bool is_fresh(const struct check *c, const char *what, int64_t time)
{
    int64_t age = c->now_s - time;
    if (age > VERIFY_TOLERANCE_S) {
        errmsg_set(c->detail, "its timestamp is %" PRId64 " s old (at most %d)", age,
                   VERIFY_TOLERANCE_S);
        return false;
    }
    if (age < -VERIFY_TOLERANCE_S) {
        errmsg_set(c->detail, "its timestamp is %" PRId64 " s in the future (at most %d)", -age,
                   VERIFY_TOLERANCE_S);
        return false;
    }
    errmsg_set(c->detail, "%s, %" PRId64 " s old", what, age);
    return true;
}

static bool mismatch(const struct check *c, const char *what)
{
    errmsg_set(c->detail, "%s does not fit this body and secret", what);
    return false;
}

static void hmac(enum mac_algorithm algorithm, struct span key, struct span text, uint8_t *out)
{
    struct mac_key *prepared = mac_key_new(algorithm, key);
    mac_hmac(prepared, text, out);
    mac_key_free(prepared);
}

static bool is_equal(enum err (*decode)(struct buf *out, struct span text), struct span text,
                     const uint8_t *want, size_t len)
{
    struct buf bytes;
    buf_init(&bytes, 256);
    bool is_good = decode(&bytes, text) == OK && bytes.len == len &&
                   mem_equal_constant_time(bytes.at, want, len);
    buf_deinit(&bytes);
    return is_good;
}

// "prefix" and the body, in one piece; the caller deinits.
static void join(struct buf *text, struct span first, struct span second, struct span body)
{
    buf_init(text, INCOMING_MAX_HEAD + INCOMING_MAX_BODY + 16);
    (void)buf_append_span(text, first);
    (void)buf_append_span(text, second);
    (void)buf_append_span(text, body);
}

// ---- Standard Webhooks -------------------------------------------------------------------------

// The key of v1, or the public key of v1a; false: it is neither.
static bool standard_key(struct span secret, struct buf *key, bool *is_public)
{
    struct buf text;
    enum err err = OK;
    buf_init(&text, SECRET_MAX_LEN * 2);
    *is_public = true;
    if (span_starts_with(secret, SPAN("whsec_"))) {
        *is_public = false;
        err = codec_from_base64(key, span_make(secret.at + 6, secret.len - 6));
    } else if (span_starts_with(secret, SPAN("whpk_"))) {
        err = codec_from_base64(key, span_make(secret.at + 5, secret.len - 5));
    } else if (span_starts_with(secret, SPAN("whsk_"))) {
        err = secret_public(secret, &text);
        if (err == OK)
            err = codec_from_base64(key, span_make(text.at + 5, text.len - 5));
    } else {
        *is_public = false;
        err = buf_append_span(key, secret);
    }
    buf_deinit(&text);
    return err == OK && key->len > 0 && (!*is_public || key->len == PUBLIC_LEN);
}

static bool is_ed25519(struct span key, struct span signed_text, struct span signature)
{
    struct buf bytes;
    buf_init(&bytes, 256);
    bool is_good = codec_from_base64(&bytes, signature) == OK &&
                   mac_ed25519_verify((const uint8_t *)key.at, signed_text, buf_span(&bytes));
    buf_deinit(&bytes);
    return is_good;
}

// One of "v1,… v1a,…" that fits?
static bool standard_fits(struct span key, bool is_public, struct span signed_text,
                          struct span signatures)
{
    uint8_t want[SHA256_LEN];
    struct span one;
    if (!is_public)
        hmac(MAC_SHA256, key, signed_text, want);
    for (int i = 0; i < MAX_SIGNATURES && span_split(&signatures, ' ', &one); i++) {
        if (is_public && span_starts_with(one, SPAN("v1a,")) &&
            is_ed25519(key, signed_text, span_make(one.at + 4, one.len - 4)))
            return true;
        if (!is_public && span_starts_with(one, SPAN("v1,")) &&
            is_equal(codec_from_base64, span_make(one.at + 3, one.len - 3), want, sizeof want))
            return true;
    }
    return false;
}

static bool check_standard(const struct check *c)
{
    struct span id;
    struct span time_text;
    struct span signatures;
    int64_t time = 0;
    if (!need(c, "webhook-signature", &signatures) || !need(c, "webhook-id", &id) ||
        !need(c, "webhook-timestamp", &time_text) ||
        !need_time(c, "webhook-timestamp", time_text, &time))
        return false;
    struct buf key;
    struct buf head;
    struct buf text;
    bool is_public = false;
    buf_init(&key, SECRET_MAX_LEN);
    buf_init(&head, INCOMING_MAX_HEAD);
    (void)buf_append_format(&head, "%.*s.%.*s.", SPAN_ARGS(id), SPAN_ARGS(time_text));
    join(&text, buf_span(&head), SPAN(""), c->request->body);
    bool is_good = standard_key(c->secret, &key, &is_public) &&
                   standard_fits(buf_span(&key), is_public, buf_span(&text), signatures);
    if (key.at != NULL)
        mem_wipe(key.at, key.len);
    buf_deinit(&key);
    buf_deinit(&head);
    buf_deinit(&text);
    if (!is_good)
        return mismatch(c, "webhook-signature");
    return is_fresh(c, is_public ? "standard v1a" : "standard v1", time);
}

// ---- the others --------------------------------------------------------------------------------

static bool check_github(const struct check *c)
{
    struct span signature;
    uint8_t want[SHA256_LEN];
    if (!need(c, "X-Hub-Signature-256", &signature))
        return false;
    hmac(MAC_SHA256, c->secret, c->request->body, want);
    if (!span_starts_with(signature, SPAN("sha256=")) ||
        !is_equal(codec_from_hex, span_make(signature.at + 7, signature.len - 7), want,
                  sizeof want))
        return mismatch(c, "X-Hub-Signature-256");
    errmsg_set(c->detail, "github sha256");
    return true;
}

// "t=…,v1=…,v1=…": the time and whether one v1 fits the text that begins with it.
static bool check_stripe(const struct check *c)
{
    struct span header;
    struct span part;
    struct span time_text = {0};
    int64_t time = 0;
    uint8_t want[SHA256_LEN];
    struct buf text;
    bool is_good = false;
    if (!need(c, "Stripe-Signature", &header))
        return false;
    for (struct span rest = header; span_split(&rest, ',', &part);) {
        if (span_starts_with(part, SPAN("t=")))
            time_text = span_make(part.at + 2, part.len - 2);
    }
    if (!need_time(c, "t of Stripe-Signature", time_text, &time))
        return false;
    join(&text, time_text, SPAN("."), c->request->body);
    hmac(MAC_SHA256, c->secret, buf_span(&text), want);
    buf_deinit(&text);
    for (struct span rest = header; !is_good && span_split(&rest, ',', &part);)
        is_good = span_starts_with(part, SPAN("v1=")) &&
                  is_equal(codec_from_hex, span_make(part.at + 3, part.len - 3), want, sizeof want);
    return is_good ? is_fresh(c, "stripe v1", time) : mismatch(c, "Stripe-Signature");
}

static bool check_slack(const struct check *c)
{
    struct span signature;
    struct span time_text;
    int64_t time = 0;
    uint8_t want[SHA256_LEN];
    struct buf head;
    struct buf text;
    if (!need(c, "X-Slack-Signature", &signature) ||
        !need(c, "X-Slack-Request-Timestamp", &time_text) ||
        !need_time(c, "X-Slack-Request-Timestamp", time_text, &time))
        return false;
    buf_init(&head, 64);
    (void)buf_append_format(&head, "v0:%.*s:", SPAN_ARGS(time_text));
    join(&text, buf_span(&head), SPAN(""), c->request->body);
    hmac(MAC_SHA256, c->secret, buf_span(&text), want);
    buf_deinit(&head);
    buf_deinit(&text);
    if (!span_starts_with(signature, SPAN("v0=")) ||
        !is_equal(codec_from_hex, span_make(signature.at + 3, signature.len - 3), want,
                  sizeof want))
        return mismatch(c, "X-Slack-Signature");
    return is_fresh(c, "slack v0", time);
}

static bool check_shopify(const struct check *c)
{
    struct span signature;
    uint8_t want[SHA256_LEN];
    if (!need(c, "X-Shopify-Hmac-SHA256", &signature))
        return false;
    hmac(MAC_SHA256, c->secret, c->request->body, want);
    if (!is_equal(codec_from_base64, signature, want, sizeof want))
        return mismatch(c, "X-Shopify-Hmac-SHA256");
    errmsg_set(c->detail, "shopify sha256");
    return true;
}

// ---- entry -------------------------------------------------------------------------------------

bool verify_request(enum verify_scheme scheme, struct span secret, const struct incoming *request,
                    int64_t now_s, struct errmsg *detail)
{
    static bool (*const checks[VERIFY_SCHEME_COUNT])(const struct check *c) = {
        [VERIFY_STANDARD] = check_standard, [VERIFY_GITHUB] = check_github,
        [VERIFY_STRIPE] = check_stripe,     [VERIFY_SLACK] = check_slack,
        [VERIFY_SHOPIFY] = check_shopify,
    };
    const struct check c = {.secret = secret, .request = request, .now_s = now_s, .detail = detail};
    return checks[scheme](&c);
}

enum err verify_secret_check(enum verify_scheme scheme, struct span secret, struct errmsg *message)
{
    struct buf key;
    bool is_public = false;
    bool is_good = secret.len > 0 && secret.len <= SECRET_MAX_LEN;
    buf_init(&key, SECRET_MAX_LEN);
    if (is_good && scheme == VERIFY_STANDARD)
        is_good = standard_key(secret, &key, &is_public);
    if (key.at != NULL)
        mem_wipe(key.at, key.len);
    buf_deinit(&key);
    if (is_good)
        return OK;
    errmsg_set(message,
               "--secret: that is no secret of %s: whsec_ + base64, whsk_ or whpk_ + base64, or a "
               "plain text of 1 to %d bytes",
               names[scheme], SECRET_MAX_LEN);
    return ERR_SYNTAX;
}
