// SPDX-License-Identifier: MIT
// What the handlers of the HTTP API share: one call, its answer, its refusals; main only.
#pragma once

#include "admin/admin.h"
#include "admin/http.h"
#include "json/json.h"
#include "json/json_write.h"

enum api_role { ROLE_PUBLIC, ROLE_PRODUCER, ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMIN };

enum api_problem {
#define X(name, text, status, title, meaning) PROBLEM_##name,
#include "admin/problem_types.def"
#undef X
};

struct admin {
    struct admin_env env;
    struct http *http;
    uint32_t calls; // under way
    void (*on_stopped)(void *context);
    void *stopped_context;
};

// One request that has found its handler. Owned by the handler until one of the answers below.
#define API_CALL_MAGIC 0x4150434cu
struct api_call {
    uint32_t magic;
    struct admin *admin;
    struct http_request *request;
    struct span id;  // what stood for {id}; empty: none
    struct span sid; // and for {sid}
    enum api_role role;
    char by[32];             // for the audit: "uid:0"
    struct json_writer json; // the answer: write into it, then api_send
    struct arena arena;      // for the handler, freed with the call
    void *context;           // the handler's
};

typedef void api_handler_fn(struct api_call *call);
#define X(method, pattern, role, handler, summary) api_handler_fn api_##handler;
#include "admin/api.def"
#undef X

// For http_start.
void api_on_request(void *context, struct http_request *request);

// Each ends the call.
void api_send(struct api_call *call, int status); // JSON that was written into call->json
void api_send_text(struct api_call *call, int status, const char *content_type); // request->answer
void api_send_empty(struct api_call *call, int status);
void api_refuse(struct api_call *call, enum api_problem problem, const char *format, ...)
    PRINTF_LIKE(3, 4);
void api_refuse_fields(struct api_call *call, const struct problems *problems);
void api_refuse_wire(struct api_call *call, const struct wire_reply *reply);
// From an error of ours: NOT_FOUND, CONFLICT, TIMEOUT …
void api_refuse_err(struct api_call *call, enum err err);

// Query arguments. False: the call has been refused.
struct api_page {
    uint32_t limit; // 50, at most 250
    struct uid at;  // the row to go on from
    bool has_cursor;
    bool is_back; // towards newer rows
};
bool api_page(struct api_call *call, struct api_page *out);
// Names that the query may hold besides limit and cursor; another one is refused (422).
bool api_only(struct api_call *call, const char *const *names, size_t count);
// Writes "next" and "prev" after "data": uid of the last and first row, NULL: there are none.
void api_write_cursors(struct api_call *call, const struct uid *next, const struct uid *prev);

// The object behind {id}; NULL: the call has been refused.
struct webhook *api_webhook(struct api_call *call);

// ---- api_webhooks.c ----
// If-Match: the revision it names, 0 for none; false: the call has been refused.
bool api_if_match(struct api_call *call, const struct webhook *have, uint32_t *expected);
// Checks a revision, has it stored, and calls `answer`, which ends the call. Takes `fresh`; the call's
// context is its own meanwhile. `expected`: revision that it replaces; 0: any.
typedef void api_saved_fn(struct api_call *call, struct webhook *webhook);
void api_save_webhook(struct api_call *call, struct webhook *fresh, uint32_t expected,
                      const char *action, api_saved_fn *answer);
// The same, unchecked: what must work however badly the webhook's scripts and options fit.
void api_put_webhook(struct api_call *call, struct webhook *fresh, uint32_t expected,
                     const char *action, api_saved_fn *answer);

// ---- views: api_views.c ----
void api_write_webhook(struct api_call *call, struct webhook *webhook, bool with_secret);
// ---- api_options.c ----
// A webhook_options_fn, context: the call. Options of type secret are masked.
void api_write_options(void *context, const struct webhook *webhook,
                       const struct webhook_script *script, struct json_writer *w);
// Where `fresh` holds the mask, what `have` holds for that option.
void api_keep_options(struct webhook *fresh, const struct webhook *have);
// `specs`: the array of a script's options.
bool api_option_is_secret(const struct json_doc *specs, struct span name);
void api_write_event(struct api_call *call, const struct event *event, bool with_payload);
// With overlay. `attempt_request` false: as in lists.
void api_write_delivery(struct api_call *call, const struct query_delivery *row);
// Members calls, cpu_us, memory_peak_bytes, errors (all failures), kills and failures (by kind).
void api_write_account(struct json_writer *w, const struct account *account);
void api_write_attempt(struct api_call *call, const struct attempt *attempt);
