// SPDX-License-Identifier: MIT
// Drives one visit through the states of its scripts, outside of Lua. Script host only.
#include "sandbox/pipeline.h"

#include <lauxlib.h>

#include "base/mem.h"
#include "sandbox/pipeline_inside.h"
#include "sandbox/place.h"

#define ARENA_MAX (PIPELINE_TEXT * 8) // texts that scripts set, and masked copies of log lines

// ---- the plain resume ----

static enum visit_result call_plainly(void *context, lua_State *L, int arguments, int results)
{
    (void)context;
    int function = lua_gettop(L) - arguments;
    lua_pushcfunction(L, place_handler); // … handler
    lua_insert(L, function);             // handler function …
    int status = lua_pcall(L, arguments, results, function);
    lua_remove(L, function); // …
    if (status == LUA_OK)
        return VISIT_DONE;
    return status == LUA_ERRMEM ? VISIT_MEMORY : VISIT_ERROR;
}

// ---- life ----

struct pipeline *pipeline_new(pipeline_call_fn *call, void *context, size_t max_output)
{
    struct pipeline *pipeline = xcalloc(1, sizeof(*pipeline));
    pipeline->magic = PIPELINE_MAGIC;
    pipeline->call = call ? call : call_plainly;
    pipeline->context = context;
    pipeline->max_output = max_output;
    arena_init(&pipeline->arena, ARENA_MAX);
    buf_init(&pipeline->encoded, max_output);
    buf_init(&pipeline->merged, max_output);
    buf_init(&pipeline->form, max_output);
    buf_init(&pipeline->logs, PIPELINE_LOGS);
    return pipeline;
}

void pipeline_free(struct pipeline *pipeline)
{
    if (!pipeline)
        return;
    CHECK(pipeline->magic == PIPELINE_MAGIC);
    xfree(pipeline->headers.list);
    arena_deinit(&pipeline->arena);
    buf_deinit(&pipeline->encoded);
    buf_deinit(&pipeline->merged);
    buf_deinit(&pipeline->form);
    buf_deinit(&pipeline->logs);
    pipeline->magic = 0;
    xfree(pipeline);
}

// ---- steps ----

static void add_steps(struct pipeline *pipeline, enum visit_function function)
{
    const struct visit_in *in = pipeline->in;
    for (size_t i = 0; i < in->script_count; i++) {
        struct pipeline_script *script = in->scripts[i].script;
        if (script->functions[function] == LUA_NOREF)
            continue;
        CHECK(pipeline->step_count < PIPELINE_STEPS);
        pipeline->steps[pipeline->step_count++] =
            (struct pipeline_step){.script = script, .index = i, .function = function};
    }
}

static void plan(struct pipeline *pipeline)
{
    pipeline->cursor = 0;
    pipeline->step_count = 0;
    if (pipeline->in->is_response) {
        add_steps(pipeline, VISIT_RESPONSE);
        return;
    }
    add_steps(pipeline, VISIT_FILTER);
    add_steps(pipeline, VISIT_TRANSFORM);
    pipeline->steps[pipeline->step_count++] = (struct pipeline_step){.script = NULL};
    add_steps(pipeline, VISIT_SIGN);
}

static void begin(struct pipeline *pipeline, const struct visit_in *in, struct visit_out *out)
{
    CHECK(in->script_count * 3 < PIPELINE_STEPS);
    *out = (struct visit_out){.result = VISIT_DONE, .script = -1};
    pipeline->visit++;
    pipeline->in = in;
    pipeline->out = out;
    arena_clear(&pipeline->arena);
    pipeline->text_used = 0;
    pipeline->headers.count = 0;
    for (size_t i = 0; i < in->header_count && !in->is_response; i++)
        pipeline_add_header(&pipeline->headers, &in->headers[i]);
    pipeline->method = in->method;
    pipeline->url = in->url;
    pipeline->kind = PIPELINE_JSON;
    pipeline->body = in->body;
    pipeline->is_exported = false;
    pipeline->is_transformed = false;
    pipeline->owner = NULL;
    buf_clear(&pipeline->logs);
    plan(pipeline);
}

// Index of the script that is to blame when the body cannot be encoded: the last that transformed.
static int last_transform(const struct pipeline *pipeline)
{
    int index = -1;
    for (size_t i = 0; i < pipeline->cursor; i++) {
        if (pipeline->steps[i].script && pipeline->steps[i].function == VISIT_TRANSFORM)
            index = (int)pipeline->steps[i].index;
    }
    return index;
}

static void fail(struct pipeline *pipeline, enum visit_result result,
                 const struct pipeline_step *at, struct span reason)
{
    struct visit_out *out = pipeline->out;
    bool is_in_script = at && at->script;
    out->result = result;
    out->reason = reason;
    out->script = is_in_script ? (int)at->index : last_transform(pipeline);
    out->function = is_in_script ? at->function : VISIT_TRANSFORM;
}

// Runs steps of one state. False: the visit is over.
static bool run_script(struct pipeline *pipeline, struct pipeline_script *script)
{
    lua_State *L = script->L;
    lua_pushcfunction(L, pipeline_run_steps); // run
    lua_pushlightuserdata(L, script);         // run script
    enum visit_result result = pipeline->call(pipeline->context, L, 1, 0);
    if (result == VISIT_DONE)
        return true;
    // Whatever it had begun to say does not count.
    pipeline->out->verdict = VISIT_NONE;
    // Behind its last transform a state encodes the body: that is the transform's fault.
    const struct pipeline_step *at =
        pipeline->cursor < pipeline->step_count ? &pipeline->steps[pipeline->cursor] : NULL;
    bool is_export = at && at->script != script;
    if (is_export && result == VISIT_ERROR)
        pipeline_name_function(script, L, VISIT_TRANSFORM);
    struct span reason = pipeline_take_message(pipeline, script, L);
    fail(pipeline, result, is_export ? NULL : at, reason);
    return false;
}

static bool finish_body(struct pipeline *pipeline)
{
    struct errmsg message;
    if (pipeline_finish_body(pipeline, &message) == OK) {
        pipeline->cursor++;
        return true;
    }
    int index = last_transform(pipeline);
    const char *name = index < 0 ? "request" : pipeline->in->scripts[index].script->name;
    fail(pipeline, VISIT_ERROR, NULL,
         span_of(arena_format(&pipeline->arena, "%s: %s", name, message.text)));
    return false;
}

void pipeline_trim(struct pipeline_script *script)
{
    lazy_end(script->lazy);
    bind_trim(script->bind, script->L);
}

void pipeline_visit(struct pipeline *pipeline, const struct visit_in *in, struct visit_out *out)
{
    CHECK(pipeline->magic == PIPELINE_MAGIC);
    begin(pipeline, in, out);
    bool goes_on = true;
    while (goes_on && pipeline->cursor < pipeline->step_count) {
        const struct pipeline_step *step = &pipeline->steps[pipeline->cursor];
        size_t before = pipeline->step_count;
        struct pipeline_step now = *step;
        goes_on = now.script ? run_script(pipeline, now.script) : finish_body(pipeline);
        if (goes_on && out->result == VISIT_FILTERED) {
            out->script = (int)pipeline->steps[pipeline->step_count].index;
            out->function = pipeline->steps[pipeline->step_count].function;
        }
        CHECK(pipeline->step_count <= before);
    }
    if (out->result == VISIT_DONE && !in->is_response) {
        pipeline_sort_headers(&pipeline->headers);
        out->method = pipeline->method;
        out->url = pipeline->url;
        out->body = pipeline->body;
        out->headers = pipeline->headers.list;
        out->header_count = pipeline->headers.count;
    }
    out->logs = buf_span(&pipeline->logs);
    for (size_t i = 0; i < in->script_count; i++)
        pipeline_trim(in->scripts[i].script);
    pipeline->in = NULL;
    pipeline->out = NULL;
}
