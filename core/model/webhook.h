// SPDX-License-Identifier: MIT
// A webhook: where to send, for which events, with which scripts and limits. One immutable
// revision, reference-counted; made and held by main.
#pragma once

#include "json/json_write.h"
#include "model/attempt.h"
#include "model/problem.h"

#define WEBHOOK_MAX_EVENTS  64
#define WEBHOOK_MAX_SCRIPTS 16
#define WEBHOOK_MAX_SECRETS 8
#define WEBHOOK_MAX_RETRIES 32
#define WEBHOOK_MAX_TARGET  2048
#define WEBHOOK_MAX_JSON    (256 * 1024) // a whole webhook as JSON
#define WEBHOOK_MASK        "***"        // stands for a value that is not shown
#define WEBHOOK_MIN_RATE    0.001        // requests per second
#define WEBHOOK_MAX_RATE    100000.0
#define WEBHOOK_MAX_BURST   100000

enum webhook_disabled {
    WEBHOOK_ENABLED,
    WEBHOOK_HTTP_410,
    WEBHOOK_FAILING,
    WEBHOOK_OPERATOR,
    WEBHOOK_VERDICT
};

struct webhook_script {
    struct span name;
    struct span version; // pinned; empty: the active one
    struct span options; // JSON object as written; empty: none
};

struct webhook_secret {
    struct span id;   // short, random; names it in the API
    struct span text; // whsec_…, whsk_… or plain
    int64_t created_ms;
    int64_t expires_ms; // 0: never
};

#define WEBHOOK_MAGIC 0x5745424bu
struct webhook {
    uint32_t magic;
    uint32_t refs;
    uint32_t number;    // the store's; unique, small; 0: not stored yet
    uint32_t revision;  // 1, 2, …; 0: not stored yet
    struct arena arena; // all spans
    struct uid uuid;
    struct span target, tenant, name;
    struct span events[WEBHOOK_MAX_EVENTS]; // names, "*", or "prefix.*"
    uint32_t event_count;
    bool is_active, is_paused;
    enum webhook_disabled disabled;
    int64_t disabled_ms;
    struct span extra_payload; // JSON object as written; empty: none
    bool extra_payload_into_data;
    struct header *extra_headers; // values with {{NAME}} as written
    uint32_t extra_header_count;
    struct span metadata; // JSON object as written; empty: none
    struct webhook_script scripts[WEBHOOK_MAX_SCRIPTS];
    uint32_t script_count;
    struct webhook_secret secrets[WEBHOOK_MAX_SECRETS]; // newest first
    uint32_t secret_count;
    bool has_new_secret; // made by webhook_parse, because none was given: to be shown once
    uint32_t timeout_ms;
    uint32_t retry_s[WEBHOOK_MAX_RETRIES]; // seconds
    uint32_t retry_count;
    bool has_retry; // false: the default schedule
    uint32_t max_in_flight;
    double rate_per_second; // requests; 0: no limit
    uint32_t rate_burst;    // requests at once after a pause; 0: a second's worth, at least one
    int64_t created_ms, updated_ms;
};

// Parses and checks what a person sent (or, with `is_stored`, what webhook_print wrote for the
// store). Unknown and refused fields, duplicate names, bad types and ranges, forbidden headers,
// literal refused targets (`refuses_target` may be NULL) each become a problem; ERR_SYNTAX if any.
// Without a uuid one is made; without secrets one is made. One reference.
struct webhook_rules {
    bool is_stored;
    bool (*refuses_target)(void *context, struct span target, struct errmsg *why); // the guard
    void *context;
    const struct span *known_events; // configured catalogue of names; NULL: any
    size_t known_event_count;
    const struct webhook *have; // the revision that is changed: masks keep what it has; NULL: none
};
MUST_CHECK enum err webhook_parse(struct webhook **out, struct span json,
                                  const struct webhook_rules *rules, struct problems *problems);
// A copy that may be changed before it is saved as the next revision; number and revision stay.
struct webhook *webhook_copy(const struct webhook *webhook);
struct webhook *webhook_ref(struct webhook *webhook);
void webhook_unref(struct webhook *webhook); // NULL is fine; wipes the secrets

enum webhook_print {
    WEBHOOK_FOR_STORE,  // everything
    WEBHOOK_FOR_EDIT,   // the fields that people set, but for the secrets
    WEBHOOK_FOR_ADMIN,  // secrets as {id, type, created_at, expires_at, public_key}
    WEBHOOK_FOR_VIEWER, // and header values and the target's tail masked
};
// Writes the value of a script's member "options"; types of options are known above this room.
typedef void webhook_options_fn(void *context, const struct webhook *webhook,
                                const struct webhook_script *script, struct json_writer *w);
void webhook_print(const struct webhook *webhook, enum webhook_print how, struct json_writer *w);
// Without the braces, so that members can follow. `write_options` NULL: as they are.
void webhook_print_members(const struct webhook *webhook, enum webhook_print how,
                           webhook_options_fn *write_options, void *context, struct json_writer *w);
// Replaces the secrets of `fresh` by copies of another revision's.
void webhook_keep_secrets(struct webhook *fresh, const struct webhook *from);

// The array of secrets that are in use; `is_shown`: of all, with their texts (for the store).
void webhook_print_secrets(const struct webhook *webhook, bool is_shown, struct json_writer *w);

// Does one of its patterns fit the event's name?
bool webhook_matches(const struct webhook *webhook, struct span event_name);
// A pattern: a name, "*", or a prefix and ".*" for one or more further segments.
bool webhook_pattern_is_valid(struct span pattern);
bool webhook_pattern_matches(struct span pattern, struct span event_name);
// "http_410" …; NULL when enabled.
const char *webhook_disabled_name(enum webhook_disabled disabled);
// Host and "/…": what may stand in a log.
void webhook_safe_target(struct span target, struct buf *out);
// Without query and last segment of the path, which may be secret: what viewers see.
void webhook_shown_target(struct span target, struct buf *out);
