// SPDX-License-Identifier: MIT
// What the files of the pipeline, and the golden tests, share. Script host only.
#pragma once

#include "base/arena.h"
#include "sandbox/bind.h"
#include "sandbox/options.h"
#include "sandbox/pipeline.h"

#define PIPELINE_NAME   64                   // bytes of a script's name
#define PIPELINE_REASON 1024                 // bytes of a reason
#define PIPELINE_LOGS   8192                 // bytes of logs of a visit
#define PIPELINE_STEPS  64                   // scripts times functions, and the encoding
#define PIPELINE_TEXT   ((size_t)512 * 1024) // bytes of headers and addresses that scripts set
// Lazy tables may hold so much outside of Lua's allocator: a base, and this times the event.
#define PIPELINE_LAZY_BYTES  ((size_t)16 * 1024 * 1024)
#define PIPELINE_LAZY_FACTOR 24

#define PIPELINE_NO_DOCUMENT UINT32_MAX

struct pipeline_headers {
    struct visit_header *list; // owned; names and values are the visit's
    size_t count, capacity;
};

enum pipeline_body {
    PIPELINE_JSON,      // bytes: the engine's, or encoded by another state
    PIPELINE_TEXT_BODY, // bytes that a script gave as a string
    PIPELINE_VALUE,     // a Lua value in the state of `owner`
};

struct pipeline_step {
    struct pipeline_script *script; // NULL: merge and encode the body
    size_t index;                   // of the script in the webhook's list
    enum visit_function function;
};

#define PIPELINE_MAGIC 0x50495045u
struct pipeline {
    uint32_t magic;
    pipeline_call_fn *call;
    void *context;
    size_t max_output;

    // Of the visit.
    uint64_t visit;            // 1, 2, …
    const struct visit_in *in; // NULL: there is none
    struct visit_out *out;
    struct pipeline_step steps[PIPELINE_STEPS];
    size_t step_count, cursor;
    struct arena arena; // text that scripts set, reasons
    size_t text_used;   // bytes of PIPELINE_TEXT
    struct pipeline_headers headers;
    struct span method, url;
    enum pipeline_body kind;
    struct span body;              // PIPELINE_JSON, PIPELINE_TEXT_BODY
    bool is_exported;              // body is in `encoded`
    struct pipeline_script *owner; // PIPELINE_VALUE
    bool is_transformed;           // a transform has run
    struct buf encoded, merged, form, logs;
};

#define PIPELINE_SCRIPT_MAGIC 0x50534352u
struct pipeline_script {
    uint32_t magic;
    struct pipeline *pipeline; // borrowed
    lua_State *L;              // borrowed
    struct lazy *lazy;         // owned
    struct bind *bind;         // owned
    struct options *options;   // owned
    char name[PIPELINE_NAME + 1];
    char *help;                     // owned; NULL: none
    const char *secret;             // static: what it says of the secret it needs; NULL: nothing
    unsigned secret_kinds;          // those that do: a set of 1u << enum secret_kind
    int functions[VISIT_FUNCTIONS]; // registry references, LUA_NOREF: none
    int tests;                      // registry reference, LUA_NOREF: none, or dropped
    int body;                       // registry slot of request.body
    int request, headers, answer;   // registry: what scripts see of them
    int event_metatable, data_metatable, rest_metatable, context_metatable, options_metatable;
    int complete_metatable, response_metatable, webhook_metatable, attempt_metatable;
    int converted; // registry: options by their JSON
    // Of the visit that it was last used in.
    uint64_t visit;
    uint32_t body_document, data_document; // of lazy
    size_t index;                          // of the use that runs
    enum visit_function function;          // that runs
};

// ---- pipeline_load.c ----
// The message of a failed call is on top of L [-1]: as a reason, with the script's name in front.
struct span pipeline_take_message(struct pipeline *pipeline, const struct pipeline_script *script,
                                  lua_State *L);

// Puts the line on which that function of the script begins in front of the message on top. [1 → 1]
void pipeline_name_function(struct pipeline_script *script, lua_State *L,
                            enum visit_function function);

// ---- pipeline_objects.c ----
// Makes request, headers and all metatables in a state. May throw.
void pipeline_open_objects(struct pipeline_script *script, lua_State *L);
// Push what the running function gets. [+1] May throw.
void pipeline_push_context(struct pipeline_script *script, lua_State *L);
void pipeline_push_answer(struct pipeline_script *script, lua_State *L);
void pipeline_push_request(struct pipeline_script *script, lua_State *L);
// Pushes the converted options of the running use, and the list of secrets in them. [+2]
void pipeline_push_options(struct pipeline_script *script, lua_State *L);
// Keeps a copy for the visit; throws when scripts have set too much.
struct span pipeline_keep(struct pipeline *pipeline, lua_State *L, struct span text);

// The script that is upvalue 1; throws when its visit is over.
struct pipeline_script *pipeline_check_script(lua_State *L);
void pipeline_push_span(lua_State *L, struct span text); // [+1]

// ---- pipeline_event.c ----
void pipeline_open_event(struct pipeline_script *script, lua_State *L); // its metatables; may throw
void pipeline_push_event(struct pipeline_script *script, lua_State *L); // [+1] May throw.

// ---- pipeline_headers.c ----
struct visit_header *pipeline_find_header(const struct pipeline_headers *headers, struct span name);
void pipeline_add_header(struct pipeline_headers *headers, const struct visit_header *header);
void pipeline_sort_headers(struct pipeline_headers *headers);
// Methods of the headers table, upvalue 1 is the script: (t, name[, value]).
int pipeline_headers_get(lua_State *L);
int pipeline_headers_set(lua_State *L);
int pipeline_headers_pairs(lua_State *L);
int pipeline_answer_get(lua_State *L);
int pipeline_answer_pairs(lua_State *L);

// ---- pipeline.c ----
// Behind a visit: gives back what C code held for the script, so that many scripts, each below its
// ceiling, do not fill the host.
void pipeline_trim(struct pipeline_script *script);

// ---- pipeline_steps.c ----
// Runs the steps of one state from the cursor on: (light userdata of the script).
int pipeline_run_steps(lua_State *L);

// ---- pipeline_body.c ----
// Brings a body that is a Lua value into `encoded`. Throws what is wrong with it.
void pipeline_export_body(struct pipeline *pipeline, lua_State *L);
// Merges extra_payload, encodes forms; ERR_SYNTAX or ERR_FULL with a reason.
MUST_CHECK enum err pipeline_finish_body(struct pipeline *pipeline, struct errmsg *message);

// ---- pipeline_log.c ----
void pipeline_log(void *context, const char *level,
                  struct span line); // a bind_log_fn; context: the script
// A text that people will see: the visit's secrets replaced, control characters taken out, cut to
// PIPELINE_REASON; in the arena.
struct span pipeline_mask(struct pipeline *pipeline, struct span text);
