// SPDX-License-Identifier: MIT
// A webhook's secrets: added, ended, taken away, printed; main only.
#include "model/webhook_secret.h"

#include "base/rand.h"
#include "crypto/secret.h"

const struct webhook_secret *webhook_secret_find(const struct webhook *webhook, struct span id,
                                                 int64_t now_ms)
{
    for (uint32_t i = 0; i < webhook->secret_count; i++) {
        const struct webhook_secret *secret = &webhook->secrets[i];
        if (span_eq(secret->id, id) && webhook_secret_is_valid(secret, now_ms))
            return secret;
    }
    return NULL;
}

// Moves what stays to the front, in order.
static void drop(struct webhook *fresh, struct span id, int64_t now_ms)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < fresh->secret_count; i++) {
        const struct webhook_secret *secret = &fresh->secrets[i];
        if (webhook_secret_is_valid(secret, now_ms) && !span_eq(secret->id, id))
            fresh->secrets[kept++] = *secret;
    }
    fresh->secret_count = kept;
}

struct span webhook_secret_new_id(struct arena *arena)
{
    return span_of(
        arena_format(arena, "%010llx", (unsigned long long)(rand_uint64() & 0xffffffffffULL)));
}

enum err webhook_secret_add(struct webhook *fresh, struct span text, int64_t now_ms, int64_t end_ms)
{
    drop(fresh, SPAN(""), now_ms);
    for (uint32_t i = 0; i < fresh->secret_count; i++) {
        if (span_eq(fresh->secrets[i].text, text))
            return ERR_EXISTS;
    }
    if (fresh->secret_count == WEBHOOK_MAX_SECRETS)
        return ERR_FULL;
    for (uint32_t i = fresh->secret_count; i > 0; i--) {
        struct webhook_secret *secret = &fresh->secrets[i];
        *secret = fresh->secrets[i - 1];
        if (end_ms != 0 && (secret->expires_ms == 0 || secret->expires_ms > end_ms))
            secret->expires_ms = end_ms;
    }
    fresh->secret_count++;
    fresh->secrets[0] = (struct webhook_secret){.id = webhook_secret_new_id(&fresh->arena),
                                                .text = arena_copy(&fresh->arena, text),
                                                .created_ms = now_ms};
    return OK;
}

enum err webhook_secret_remove(struct webhook *fresh, struct span id, int64_t now_ms)
{
    if (webhook_secret_find(fresh, id, now_ms) == NULL)
        return ERR_NOT_FOUND;
    drop(fresh, id, now_ms);
    return OK;
}

void webhook_secret_print(const struct webhook_secret *secret, bool is_shown, struct json_writer *w)
{
    enum secret_kind kind = SECRET_PLAIN;
    json_write_object(w);
    json_write_member_string(w, "id", secret->id);
    if (secret_check(secret->text, &kind, NULL) == OK)
        json_write_member_text(w, "type", secret_kind_name(kind));
    json_write_name(w, "created_at");
    json_write_date_ms(w, secret->created_ms);
    json_write_name(w, "expires_at");
    json_write_date_ms(w, secret->expires_ms);
    if (kind == SECRET_ED25519) {
        struct buf public_key;
        buf_init(&public_key, SECRET_MAX_LEN);
        if (secret_public(secret->text, &public_key) == OK)
            json_write_member_string(w, "public_key", buf_span(&public_key));
        buf_deinit(&public_key);
    }
    if (is_shown)
        json_write_member_string(w, "secret", secret->text);
    json_write_end_object(w);
}
