// SPDX-License-Identifier: MIT
// Serves one visit: unpacks it, has the pipeline run it, packs the answer; script host only.
#include <stdio.h>

#include "base/clock.h"
#include "sandbox/serve_inside.h"

// ---- accounts ----

static void begin_accounts(struct serve *serve, int64_t now_ns)
{
    memset(serve->used, 0, sizeof(serve->used));
    serve->running = -1;
    serve->since_ns = now_ns;
}

static void add_cpu(struct serve *serve, int script, int64_t now_ns)
{
    serve->used[script].cpu_us += (uint32_t)((now_ns - serve->since_ns) / 1000);
    serve->since_ns = now_ns;
}

void serve_enter(struct serve *serve, const struct state *state)
{
    int script = 0;
    int count = (int)serve->webhook.script_count;
    while (script < count && serve->held[script] != state)
        script++;
    if (state == NULL || script == count)
        return; // a check, not a visit
    serve->used[script].has_run = true;
    if (script == serve->running)
        return;
    if (serve->running >= 0) // what came before the first is the first one's
        add_cpu(serve, serve->running, clock_thread_cpu_ns());
    serve->running = script;
}

// The rest of the time, and each state's peak.
static void end_accounts(struct serve *serve, const struct visit_out *out, int64_t now_ns)
{
    int last = serve->running >= 0 ? serve->running : out->script; // one may have failed to load
    if (last >= 0 && (uint32_t)last < serve->webhook.script_count) {
        serve->used[last].has_run = true;
        add_cpu(serve, last, now_ns);
    }
    for (uint32_t i = 0; i < serve->webhook.script_count; i++) {
        if (serve->held[i] == NULL || !serve->used[i].has_run)
            continue;
        size_t peak = serve->held[i]->limits.peak;
        serve->used[i].memory_bytes = peak < UINT32_MAX ? (uint32_t)peak : UINT32_MAX;
    }
}

// ---- a visit ----

static struct visit_header *to_visit_headers(struct visit_header *to, const struct frame_pair *from,
                                             uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        to[i] = (struct visit_header){.name = from[i].name, .value = from[i].value};
    return to;
}

// Loads what the webhook names. `out` says what went wrong.
static bool hold_scripts(struct serve *serve, struct visit_out *out)
{
    const struct frame_webhook *webhook = &serve->webhook;
    struct errmsg message = {""};
    for (uint32_t i = 0; i < webhook->script_count; i++) {
        const struct version *version = map_get(&serve->versions, webhook->scripts[i].script);
        serve->held[i] = NULL;
        *out = (struct visit_out){
            .result = VISIT_ERROR, .script = (int)i, .function = VISIT_FUNCTIONS};
        if (version == NULL)
            errmsg_set(&message, "the script is not known to the host");
        else
            out->result = states_hold(serve->states, webhook->tenant, version,
                                      (size_t)serve->visit.memory_bytes, &serve->held[i], &message);
        if (out->result != VISIT_DONE) {
            (void)snprintf(serve->reason, sizeof(serve->reason), "%s", message.text);
            out->reason = span_of(serve->reason);
            return false;
        }
        serve->scripts[i] = (struct visit_script){.script = serve->held[i]->script,
                                                  .options = webhook->scripts[i].options};
    }
    return true;
}

static void fill_in(struct serve *serve, bool is_response, struct visit_in *in)
{
    const struct frame_webhook *webhook = &serve->webhook;
    const struct frame_visit *visit = &serve->visit;
    size_t secrets = 0;
    for (uint32_t i = 0; i < webhook->secret_count; i++)
        if (webhook->secrets[i].expires_ms == 0 ||
            webhook->secrets[i].expires_ms > visit->started_ms)
            serve->secrets[secrets++] = webhook->secrets[i].text;
    const struct visit_header *headers =
        to_visit_headers(serve->in_headers, visit->headers, visit->header_count);
    *in = (struct visit_in){
        .is_response = is_response,
        .scripts = serve->scripts,
        .script_count = webhook->script_count,
        .event_id = visit->event_id,
        .event_name = visit->event_name,
        .event_key = visit->key,
        .event_time = visit->time,
        .form = (enum visit_form)visit->form,
        .data = visit->payload,
        .tenant = webhook->tenant,
        .webhook_uuid = webhook->uuid,
        .webhook_name = webhook->name,
        .target = webhook->target,
        .metadata = webhook->metadata,
        .extra_payload = webhook->extra_payload,
        .extra_payload_into_data = webhook->is_into_data,
        .env = to_visit_headers(serve->in_env, webhook->env, webhook->env_count),
        .env_count = webhook->env_count,
        .secrets = serve->secrets,
        .secret_count = secrets,
        .attempt_id = visit->attempt_id,
        .attempt_number = visit->attempt,
        .attempt_at = visit->started_ms / 1000,
    };
    if (visit->is_in_body)
        in->data = span_make(visit->body.at + visit->data_at, visit->data_len);
    if (is_response) {
        in->status = (int)visit->status;
        in->response_headers = headers;
        in->response_header_count = visit->header_count;
        in->response_body = visit->response;
        in->is_truncated = visit->is_truncated;
    } else {
        in->method = visit->method;
        in->url = visit->url;
        in->body = visit->body;
        in->headers = headers;
        in->header_count = visit->header_count;
    }
}

static const char *function_name(enum visit_function function)
{
    switch (function) {
    case VISIT_FILTER: return "filter";
    case VISIT_TRANSFORM: return "transform";
    case VISIT_SIGN: return "sign";
    case VISIT_RESPONSE: return "response";
    case VISIT_FUNCTIONS: break;
    }
    return "the loading";
}

// For failures that are the host's to explain: what was stopped, and where.
static struct span explain(struct serve *serve, const struct visit_out *out, uint64_t cpu_us)
{
    char where[256] = "";
    if (out->script >= 0 && (uint32_t)out->script < serve->webhook.script_count) {
        const struct version *version =
            map_get(&serve->versions, serve->webhook.scripts[out->script].script);
        if (version != NULL)
            (void)snprintf(where, sizeof(where), " in %s of %s@%.8s", function_name(out->function),
                           version->name, version->hash);
    }
    int line = limits_stopped_line();
    if (out->result == VISIT_MEMORY)
        (void)snprintf(serve->reason, sizeof(serve->reason), "needed more than %llu MiB%s",
                       (unsigned long long)(serve->visit.memory_bytes >> 20), where);
    else if (line > 0)
        (void)snprintf(serve->reason, sizeof(serve->reason),
                       "stopped after %llu ms of CPU%s, line %d",
                       (unsigned long long)(cpu_us / 1000), where, line);
    else
        (void)snprintf(serve->reason, sizeof(serve->reason), "stopped after %llu ms of CPU%s",
                       (unsigned long long)(cpu_us / 1000), where);
    return span_of(serve->reason);
}

static enum script_result to_result(enum visit_result result)
{
    switch (result) {
    case VISIT_DONE: return SCRIPT_DONE;
    case VISIT_FILTERED: return SCRIPT_FILTERED;
    case VISIT_ERROR: return SCRIPT_ERROR;
    case VISIT_TIMEOUT: return SCRIPT_TIMEOUT;
    case VISIT_MEMORY: return SCRIPT_MEMORY;
    }
    return SCRIPT_ERROR;
}

static void fill_request(struct serve *serve, struct visit_out *out, struct frame_answer *answer)
{
    if (out->header_count > FRAME_MAX_HEADERS || out->body.len > FRAME_MAX_OUTPUT) {
        out->result = VISIT_ERROR;
        answer->reason = SPAN("the request is too large");
        return;
    }
    for (size_t i = 0; i < out->header_count; i++)
        serve->out_headers[i] = (struct frame_pair){.name = out->headers[i].name,
                                                    .value = out->headers[i].value,
                                                    .is_secret = out->headers[i].is_set_by_sign};
    answer->headers = serve->out_headers;
    answer->header_count = (uint32_t)out->header_count;
    answer->method = out->method;
    answer->url = out->url;
    answer->is_body_same = span_eq(out->body, serve->visit.body);
    if (!answer->is_body_same)
        answer->body = out->body;
}

static void put_answer(struct serve *serve, const struct frame *frame, struct visit_out *out,
                       int64_t began_ns, int64_t ended_ns, struct buf *to)
{
    uint64_t cpu_us = (uint64_t)(ended_ns - began_ns) / 1000;
    struct frame_answer answer = {.reason = serve_cut(out->reason, FRAME_MAX_REASON),
                                  .logs = serve_cut(out->logs, FRAME_MAX_LOGS),
                                  .script = (uint32_t)(out->script + 1),
                                  .used_count = serve->webhook.script_count,
                                  .verdict = (uint32_t)out->verdict,
                                  .after_ms = out->verdict_seconds * 1000};
    end_accounts(serve, out, ended_ns);
    memcpy(answer.used, serve->used, sizeof(answer.used));
    if (out->result == VISIT_DONE && frame->kind == FRAME_RENDER)
        fill_request(serve, out, &answer);
    if (out->result == VISIT_TIMEOUT || out->result == VISIT_MEMORY)
        answer.reason = explain(serve, out, cpu_us);
    struct frame header = {.kind = FRAME_ANSWER,
                           .id = frame->id,
                           .number = frame->number,
                           .result = to_result(out->result)};
    size_t begin = frame_begin(to, &header);
    frame_put_answer(to, &answer);
    frame_end(to, begin);
}

// States that a stop or a lack of memory left in the middle of something are not used again.
static void release(struct serve *serve, enum visit_result result)
{
    bool is_suspect = result == VISIT_TIMEOUT || result == VISIT_MEMORY;
    for (uint32_t i = 0; is_suspect && i < serve->webhook.script_count; i++) {
        struct state *state = serve->held[i];
        for (uint32_t j = i; state != NULL && j < serve->webhook.script_count; j++)
            if (serve->held[j] == state)
                serve->held[j] = NULL;
        if (state != NULL)
            states_drop(serve->states, state);
    }
    states_release(serve->states);
}

bool serve_visit(struct serve *serve, const struct frame *frame, struct buf *to)
{
    int64_t began_ns = serve_say(serve, frame->id);
    serve->visit.headers = serve->headers;
    if (!serve_recall(serve, frame->number) || !frame_get_visit(frame->payload, &serve->visit))
        return false;
    limits_watch(frame->id);
    memset(serve->held, 0, sizeof(serve->held));
    begin_accounts(serve, began_ns);
    struct visit_in in;
    struct visit_out out = {.script = -1};
    if (hold_scripts(serve, &out)) {
        fill_in(serve, frame->kind == FRAME_RESPONSE, &in);
        pipeline_visit(serve->pipeline, &in, &out);
    }
    limits_watch(0);
    put_answer(serve, frame, &out, began_ns, serve_say(serve, 0), to);
    release(serve, out.result);
    return true;
}
