// SPDX-License-Identifier: MIT
// Runs a trial: options checked, then per event what would be sent now, and what was; main only.
#include "admin/trial.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "json/json_edit.h"

#define ARENA_BYTES  ((size_t)512 * 1024 * 1024) // the reader's limits end it long before
#define OUTPUT_BYTES ((size_t)8 * 1024 * 1024)   // of one attempt, besides its request

// Forward, in firing order.
static void on_fetched(void *context);
static void on_checked(void *context, struct problems *problems);
static void next_event(struct trial *trial);
static void on_tried(struct script_visit *visit);
static void on_judged(struct script_visit *visit);
static void on_fetched_again(void *context);
static void on_sent_again(struct script_visit *visit);

static const struct hook_env no_env;

// ---- life --------------------------------------------------------------------------------------

struct trial *trial_new(struct script *script)
{
    struct trial *trial = xcalloc(1, sizeof *trial);
    trial->magic = TRIAL_MAGIC;
    trial->script = script;
    arena_init(&trial->arena, ARENA_BYTES);
    problems_init(&trial->problems);
    return trial;
}

static void drop_attempts(struct trial *trial)
{
    attempt_free(trial->now);
    attempt_free(trial->was);
    webhook_unref(trial->was_webhook);
    trial->now = trial->was = NULL;
    trial->was_webhook = NULL;
    trial->was_note = (struct span){0};
}

void trial_free(struct trial *trial)
{
    if (trial == NULL)
        return;
    CHECK(trial->magic == TRIAL_MAGIC);
    drop_attempts(trial);
    for (size_t i = 0; i < trial->event_count; i++) {
        event_unref(trial->events[i].event);
        webhook_unref(trial->events[i].sent_by);
    }
    script_draft_free(trial->draft);
    webhook_unref(trial->webhook);
    problems_deinit(&trial->problems);
    arena_deinit(&trial->arena);
    trial->magic = 0;
    xfree(trial);
}

// ---- the webhook that is tried -----------------------------------------------------------------

struct webhook *trial_default_webhook(struct span tenant, struct span script, struct span options,
                                      struct problems *problems)
{
    struct buf json;
    struct json_writer w;
    struct webhook *webhook = NULL;
    struct webhook_rules rules = {0};
    buf_init(&json, WEBHOOK_MAX_JSON);
    json_write_init(&w, &json);
    json_write_object(&w);
    json_write_member_text(&w, "uuid", "00000000-0000-4000-8000-000000000000");
    json_write_member_text(&w, "target", "https://example.com/");
    if (tenant.len > 0)
        json_write_member_string(&w, "tenant", tenant);
    json_write_name(&w, "events");
    json_write_array(&w);
    json_write_text(&w, "*");
    json_write_end_array(&w);
    json_write_name(&w, "secrets");
    json_write_array(&w);
    json_write_text(&w, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    json_write_end_array(&w);
    json_write_name(&w, "scripts");
    json_write_array(&w);
    json_write_object(&w);
    json_write_member_string(&w, "name", script);
    if (options.len > 0)
        json_write_member_raw(&w, "options", options);
    json_write_end_object(&w);
    json_write_end_array(&w);
    json_write_end_object(&w);
    if (json.is_full)
        problem_add(problems, "options", "are too large");
    else if (webhook_parse(&webhook, buf_span(&json), &rules, problems) != OK)
        webhook = NULL;
    buf_deinit(&json);
    return webhook;
}

// The webhook's own options with those that were given in their place.
static struct span merge_options(struct arena *arena, struct span own, struct span given)
{
    struct json_doc doc;
    struct json_doc patch;
    struct json_error error;
    struct buf merged;
    if (own.len == 0 || given.len == 0)
        return arena_copy(arena, given.len == 0 ? own : given);
    json_init(&doc);
    json_init(&patch);
    buf_init(&merged, 2 * (own.len + given.len) + 64);
    struct span out = given;
    if (json_parse(&doc, own, JSON_MAX_DEPTH, &error) == OK &&
        json_parse(&patch, given, JSON_MAX_DEPTH, &error) == OK &&
        json_edit_merge(&merged, &doc, 0, &patch, 0) == OK)
        out = buf_span(&merged);
    out = arena_copy(arena, out);
    buf_deinit(&merged);
    json_deinit(&doc);
    json_deinit(&patch);
    return out;
}

struct webhook *trial_webhook(const struct webhook *webhook, struct span script, struct span pin,
                              struct span options, bool is_alone)
{
    struct webhook *copy = webhook_copy(webhook);
    bool is_there = false;
    copy->number = 0; // its traffic is not counted
    copy->arena.max += (size_t)WEBHOOK_MAX_SCRIPTS * 2 * WEBHOOK_MAX_JSON + 4 * options.len;
    for (uint32_t i = 0; i < copy->script_count; i++) {
        struct webhook_script *one = &copy->scripts[i];
        if (!span_eq(one->name, script))
            continue;
        is_there = true;
        one->version = arena_copy(&copy->arena, pin);
        one->options = merge_options(&copy->arena, one->options, options);
        if (is_alone) {
            copy->scripts[0] = *one;
            copy->script_count = 1;
        }
    }
    if (is_there)
        return copy;
    if (is_alone)
        copy->script_count = 0;
    if (copy->script_count == WEBHOOK_MAX_SCRIPTS) {
        webhook_unref(copy);
        return NULL;
    }
    copy->scripts[copy->script_count++] =
        (struct webhook_script){.name = arena_copy(&copy->arena, script),
                                .version = arena_copy(&copy->arena, pin),
                                .options = arena_copy(&copy->arena, options)};
    return copy;
}

// ---- the answer to be judged -------------------------------------------------------------------

static struct span text_of(struct trial *trial, const struct json_doc *doc, uint32_t node)
{
    if (json_type(doc, node) != JSON_STRING)
        return arena_copy(&trial->arena, json_raw(doc, node));
    char *text = arena_alloc(&trial->arena, json_inside(doc, node).len + 1);
    return span_make(text, json_decode_string(doc, node, text));
}

static void read_headers(struct trial *trial, const struct json_doc *doc, uint32_t object,
                         struct problems *problems)
{
    struct trial_answer *answer = &trial->answer;
    uint32_t at = object + 1;
    uint32_t name = JSON_NONE;
    uint32_t value = JSON_NONE;
    if (json_type(doc, object) != JSON_OBJECT || doc->nodes[object].count > FRAME_MAX_HEADERS) {
        problem_add(problems, "response.headers", "must be an object of at most %d strings",
                    FRAME_MAX_HEADERS);
        return;
    }
    answer->headers =
        arena_zalloc(&trial->arena, (doc->nodes[object].count + 1) * sizeof(struct header));
    while (json_next_member(doc, object, &at, &name, &value)) {
        if (json_type(doc, value) != JSON_STRING)
            problem_add(problems, "response.headers", "must hold strings");
        answer->headers[answer->header_count++] =
            (struct header){.name = text_of(trial, doc, name), .value = text_of(trial, doc, value)};
    }
}

bool trial_read_answer(struct trial *trial, const struct json_doc *doc, uint32_t object,
                       struct problems *problems)
{
    size_t before = problems->count;
    uint32_t at = object + 1;
    uint32_t name = JSON_NONE;
    uint32_t value = JSON_NONE;
    int64_t status = 200;
    if (json_type(doc, object) != JSON_OBJECT) {
        problem_add(problems, "response", "must be an object: {\"status\":200,\"body\":\"...\"}");
        return false;
    }
    while (json_next_member(doc, object, &at, &name, &value)) {
        if (json_string_is(doc, name, SPAN("status"))) {
            if (json_type(doc, value) != JSON_NUMBER || !json_to_int64(doc, value, &status) ||
                status < 100 || status > 599)
                problem_add(problems, "response.status", "must be an HTTP status");
        } else if (json_string_is(doc, name, SPAN("headers"))) {
            read_headers(trial, doc, value, problems);
        } else if (json_string_is(doc, name, SPAN("body"))) {
            trial->answer.body = text_of(trial, doc, value);
        } else {
            problem_add(problems, "response", "has status, headers and body, not \"%.*s\"",
                        (int)(json_inside(doc, name).len < 40 ? json_inside(doc, name).len : 40),
                        json_inside(doc, name).at);
        }
    }
    trial->answer.status = (int)status;
    trial->answer.is_given = true;
    return problems->count == before;
}

// ---- running -----------------------------------------------------------------------------------

void trial_run(struct trial *trial)
{
    trial->began_ms = clock_mono_ms();
    if (trial->env == NULL)
        trial->env = &no_env;
    script_pins_fetch(trial->script, trial->webhook, on_fetched, trial);
}

static void on_fetched(void *context)
{
    struct trial *trial;
    CAST(trial, context, TRIAL_MAGIC);
    script_draft_check_webhook(trial->script, trial->draft, trial->webhook, &trial->problems,
                               on_checked, trial);
    script_flush(trial->script);
}

static void on_checked(void *context, struct problems *problems)
{
    struct trial *trial;
    CAST(trial, context, TRIAL_MAGIC);
    if (problems->count > 0)
        trial->on_done(trial);
    else
        next_event(trial);
}

// The request as the engine builds it at the attempt on record, else at a first one now.
static struct attempt *build(struct trial *trial, const struct webhook *webhook, bool for_scripts,
                             size_t *data_at)
{
    const struct trial_event *te = &trial->events[trial->at];
    struct attempt *attempt =
        attempt_new(te->delivery, request_bound(te->event, webhook) + OUTPUT_BYTES);
    attempt->number = te->has_record ? te->record.number : 1;
    attempt->started_ms = te->has_record ? te->record.started_ms : clock_system_ms();
    if (request_build(attempt, te->event, webhook, trial->env, for_scripts, data_at) == OK)
        return attempt;
    attempt_free(attempt);
    return NULL;
}

static void begin_visit(struct trial *trial, struct webhook *webhook, struct attempt *attempt,
                        void (*on_done)(struct script_visit *visit), size_t data_at)
{
    trial->visit = (struct script_visit){.magic = SCRIPT_VISIT_MAGIC,
                                         .is_trial = true,
                                         .attempt = attempt,
                                         .event = trial->events[trial->at].event,
                                         .webhook = webhook,
                                         .env = trial->env,
                                         .data_at = data_at,
                                         .on_done = on_done,
                                         .context = trial};
}

static void next_event(struct trial *trial)
{
    bool is_late = clock_mono_ms() - trial->began_ms > TRIAL_MAX_MS;
    drop_attempts(trial);
    if (trial->at == trial->event_count || is_late ||
        (trial->must_stop != NULL && trial->must_stop(trial))) {
        trial->sums.left_out = trial->event_count - trial->at;
        trial->on_done(trial);
        return;
    }
    size_t data_at = 0;
    trial->now = build(trial, trial->webhook, true, &data_at);
    if (trial->now == NULL) {
        problem_add(&trial->problems, "webhook",
                    "its extra headers are longer than 64 KiB with their hook_env values");
        trial->on_done(trial);
        return;
    }
    begin_visit(trial, trial->webhook, trial->now, on_tried, data_at);
    trial->visit.draft = trial->draft;
    script_visit(trial->script, &trial->visit);
    script_flush(trial->script);
}

static void finish_event(struct trial *trial)
{
    trial_write_row(trial);
    trial->at++;
    next_event(trial);
}

// ---- what was sent -----------------------------------------------------------------------------

// Pins each script to the version that the record names: "github@1a2b3c4d slack@…". False: the
// record names others.
static bool pin(struct webhook *webhook, struct span versions)
{
    struct span token;
    uint32_t i = 0;
    for (; versions.len > 0 && span_split(&versions, ' ', &token); i++) {
        const char *at = memchr(token.at, '@', token.len);
        size_t name_len = at != NULL ? (size_t)(at - token.at) : token.len;
        if (at == NULL || i == webhook->script_count ||
            !span_eq(webhook->scripts[i].name, span_make(token.at, name_len)))
            return false;
        webhook->scripts[i].version =
            arena_copy(&webhook->arena, span_make(at + 1, token.len - name_len - 1));
    }
    return i == webhook->script_count;
}

// Renders once more what was sent; false: that cannot be done, was_note says why.
static bool begin_again(struct trial *trial)
{
    const struct trial_event *te = &trial->events[trial->at];
    if (te->sent_by == NULL) {
        trial->was_note = SPAN("the webhook's revision of then is not kept");
        return false;
    }
    size_t data_at = 0;
    trial->was_webhook = webhook_copy(te->sent_by);
    trial->was_webhook->number = 0;
    trial->was_webhook->arena.max += te->record.scripts.len + 1024;
    bool has_scripts = te->record.scripts.len > 0;
    if (has_scripts && !pin(trial->was_webhook, te->record.scripts)) {
        trial->was_note = SPAN("the record names other scripts than the webhook's revision");
        return false;
    }
    trial->was = build(trial, trial->was_webhook, has_scripts, &data_at);
    if (trial->was == NULL) {
        trial->was_note = SPAN("its headers were longer than 64 KiB");
        return false;
    }
    trial->was_result = SCRIPT_DONE;
    if (!has_scripts)
        return false; // it is there already
    begin_visit(trial, trial->was_webhook, trial->was, on_sent_again, data_at);
    script_pins_fetch(trial->script, trial->was_webhook, on_fetched_again, trial);
    return true;
}

bool trial_had_request(const struct attempt *record)
{
    static const enum outcome ended[] = {OUTCOME_FILTERED, OUTCOME_SCRIPT_ERROR,
                                         OUTCOME_SCRIPT_TIMEOUT, OUTCOME_SCRIPT_MEMORY,
                                         OUTCOME_SCRIPT_KILLED};
    for (size_t i = 0; i < COUNT_OF(ended); i++) {
        if (record->outcome == ended[i])
            return false;
    }
    return true;
}

static void compare(struct trial *trial)
{
    const struct trial_event *te = &trial->events[trial->at];
    if (!te->has_record || !trial_had_request(&te->record) || !begin_again(trial))
        finish_event(trial);
}

// ---- visits that are done ----------------------------------------------------------------------

static bool may_judge(const struct trial *trial)
{
    if (trial->draft != NULL && (script_draft_functions(trial->draft) & 1u << FRAME_JUDGE) != 0)
        return true;
    return script_has_response(trial->script, trial->webhook);
}

// The answer that is given, else the one on record (the beginning of its body); false: there is none.
static bool take_answer(struct trial *trial)
{
    const struct trial_event *te = &trial->events[trial->at];
    const struct trial_answer *given = &trial->answer;
    struct attempt *now = trial->now;
    if (given->is_given) {
        now->status = given->status;
        now->response = given->body;
        now->response_len = (uint32_t)given->body.len;
        now->response_headers = given->headers;
        now->response_header_count = given->header_count;
    } else if (te->has_record && te->record.status != 0 && may_judge(trial)) {
        now->status = te->record.status;
        now->response = te->record.response;
        now->response_len = te->record.response_len;
        now->response_headers = te->record.response_headers;
        now->response_header_count = te->record.response_header_count;
    } else {
        return false;
    }
    if (now->response.len > ATTEMPT_MAX_RESPONSE)
        now->response.len = ATTEMPT_MAX_RESPONSE;
    return true;
}

static void on_tried(struct script_visit *visit)
{
    struct trial *trial;
    CAST(trial, visit->context, TRIAL_MAGIC);
    trial->now_result = visit->result;
    trial->is_judged = visit->result == SCRIPT_DONE && take_answer(trial);
    if (!trial->is_judged) {
        compare(trial);
        return;
    }
    begin_visit(trial, trial->webhook, trial->now, on_judged, 0);
    trial->visit.is_response = true;
    trial->visit.draft = trial->draft;
    script_visit(trial->script, &trial->visit);
    script_flush(trial->script);
}

static void on_judged(struct script_visit *visit)
{
    struct trial *trial;
    CAST(trial, visit->context, TRIAL_MAGIC);
    if (visit->result != SCRIPT_DONE && trial->now->response_error.len == 0)
        trial->now->response_error = SPAN("the response function failed");
    compare(trial);
}

static void on_fetched_again(void *context)
{
    struct trial *trial;
    CAST(trial, context, TRIAL_MAGIC);
    script_visit(trial->script, &trial->visit);
    script_flush(trial->script);
}

static void on_sent_again(struct script_visit *visit)
{
    struct trial *trial;
    CAST(trial, visit->context, TRIAL_MAGIC);
    trial->was_result = visit->result;
    if (visit->result != SCRIPT_DONE)
        trial->was_note = arena_copy(&trial->arena, trial->was->reason);
    finish_event(trial);
}
