// SPDX-License-Identifier: MIT
// One visit to a script host, on plain structs: filters, transforms, merge, encoding, signs; or the
// judging of a response. Script host only. (lua.md, The functions)
//
// A script version lives in a lua_State of its own, which the caller makes (allocator, ceiling) and
// closes. The pipeline never touches Lua outside of `call`, which is the one place that resumes
// Lua: functions that follow each other in one state run in one call, so a webhook with one script
// costs one. What is passed in is borrowed until the function returns. What comes out is valid
// until the pipeline is next used. Nothing here aborts for what a script or an event does.
#pragma once

#include <lua.h>

#include "base/buf.h"
#include "base/err.h"

enum visit_result {
    VISIT_DONE,
    VISIT_FILTERED, // reason: the script's
    VISIT_ERROR,    // reason: "github: line 7: …", also too much output and deep recursion
    VISIT_TIMEOUT,  // as `call` said
    VISIT_MEMORY,   // as `call` said
};

// The one resume. On top of L: a function and `arguments` values. Runs them in a fresh coroutine
// under the visit's limits and leaves, on L, `results` values (VISIT_DONE) or one error value (else:
// a message, if it is a string); the function and arguments are gone either way. Called with L
// unprotected: it makes its coroutine in a protected call. Never answers VISIT_FILTERED.
typedef enum visit_result pipeline_call_fn(void *context, lua_State *L, int arguments, int results);

struct pipeline;
// `call` NULL: a plain one without limits (unit tests). `max_output`: bytes of a body.
struct pipeline *pipeline_new(pipeline_call_fn *call, void *context, size_t max_output);
void pipeline_free(struct pipeline *pipeline);

struct pipeline_script; // one loaded script version; belongs to its state
// Opens the sandbox in a bare state (luaL_newstate, or lua_newstate with an allocator) and runs the
// script's file there, through `call`. On failure `message` says what is wrong with the script, and
// the state can only be closed. `keep_tests`: golden.c reads them; else they are dropped.
struct pipeline_load {
    const char *name;   // "github"; copied
    struct span source; // text, never bytecode
    bool keep_tests;
};
enum visit_result pipeline_load(struct pipeline *pipeline, lua_State *L,
                                const struct pipeline_load *load, struct pipeline_script **out,
                                struct errmsg *message);
// Frees what lies outside of Lua; nothing may run in L afterwards, close it next. NULL is fine.
// Bytes that a loaded script holds outside of its state's allocator, between visits.
size_t pipeline_kept(const struct pipeline_script *script);
void pipeline_unload(struct pipeline_script *script);
lua_State *pipeline_state(const struct pipeline_script *script);
// Which functions it has: a set of 1u << VISIT_SIGN …
enum visit_function { VISIT_FILTER, VISIT_TRANSFORM, VISIT_SIGN, VISIT_RESPONSE, VISIT_FUNCTIONS };
unsigned pipeline_functions(const struct pipeline_script *script);
// The kind of secret that it says its `sign` needs ("ed25519"; static), and the set of 1u << enum
// secret_kind that will do. NULL, 0: it says nothing.
const char *pipeline_secret(const struct pipeline_script *script, unsigned *kinds);
// {"help":…,"secret":…,"functions":["filter",…],"options":[…]}, for the API. False: out is full.
bool pipeline_describe(const struct pipeline_script *script, struct buf *out);

// Checks a webhook's options (a JSON object; empty: none) against the script's specs, `check`
// functions included. Each complaint is reported with the option's name ("" for the whole).
// VISIT_DONE also when there were complaints.
typedef void pipeline_problem_fn(void *context, struct span option, const char *message);
enum visit_result pipeline_check(struct pipeline *pipeline, struct pipeline_script *script,
                                 struct span options, pipeline_problem_fn *on_problem,
                                 void *context);

struct visit_header {
    struct span name, value;
    bool is_set_by_sign; // out only: its value is recorded as "[set by sign]"
};

struct visit_script { // one script of a webhook, in the webhook's order
    struct pipeline_script *script;
    struct span options; // JSON object as stored; empty: none
};

enum visit_form { VISIT_FORM_NONE, VISIT_FORM_DATA, VISIT_FORM_FIELDS, VISIT_FORM_OVERRIDE };

struct visit_in {
    bool is_response; // judge the answer; else render
    const struct visit_script *scripts;
    size_t script_count;

    // The event.
    struct span event_id, event_name, event_key; // decoded text; key empty: none
    struct span event_time;                      // RFC 3339
    enum visit_form form;
    struct span data; // JSON as published; may point into `body`, which saves a parse

    // The webhook and its tenant.
    struct span tenant;
    struct span webhook_uuid, webhook_name, target;
    struct span metadata, extra_payload; // JSON objects; empty: none
    bool extra_payload_into_data;
    const struct visit_header *env; // hook_env of the tenant
    size_t env_count;
    const struct span *secrets; // valid now, newest first
    size_t secret_count;

    // The attempt.
    struct span attempt_id;
    uint32_t attempt_number;
    int64_t attempt_at; // unix seconds

    // The request as the engine built it, without extra_payload. Of a response visit: unused.
    struct span method, url, body;
    const struct visit_header *headers;
    size_t header_count;

    // The answer (is_response).
    int status;
    const struct visit_header *response_headers;
    size_t response_header_count;
    struct span response_body;
    bool is_truncated;
};

enum visit_verdict { VISIT_NONE, VISIT_OK, VISIT_RETRY, VISIT_FAIL, VISIT_DISABLE };

struct visit_out {
    enum visit_result result;
    int script;                   // index of the script that ended the visit; -1: none did
    enum visit_function function; // and in which of its functions
    struct span reason;           // why filtered or failed; verdict's reason

    struct span method, url, body;      // VISIT_DONE of a rendering
    const struct visit_header *headers; // sorted by lower-case name, as last spelled
    size_t header_count;

    enum visit_verdict verdict;
    int64_t verdict_seconds; // VISIT_RETRY: at least so much later; 0: none given

    struct span logs; // lines "info github: text\n", bounded, secrets masked
};

void pipeline_visit(struct pipeline *pipeline, const struct visit_in *in, struct visit_out *out);
