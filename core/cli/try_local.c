// SPDX-License-Identifier: MIT
// Loads and tries a script's file in a host of the command line's own; the main thread.
#include "cli/try_local.h"

#include "admin/trial.h"
#include "base/clock.h"
#include "ingest/wire.h"

#define MAX_TESTS ((size_t)4 * 1024 * 1024) // bytes of what is said of the golden tests

// ---- loading -----------------------------------------------------------------------------------

static void on_draft(void *context, const struct script_draft_outcome *outcome)
{
    struct try_local *local = context;
    local->draft = outcome->draft;
    local->is_done = true;
    (void)buf_append_span(&local->tests, outcome->results);
    if (outcome->draft == NULL)
        (void)buf_append_span(local->why, outcome->reason);
}

bool try_local_open(struct try_local *local, struct span name, struct span source, struct buf *why)
{
    struct errmsg message;
    *local = (struct try_local){.why = why};
    buf_init(&local->tests, MAX_TESTS);
    if (local_host_start(&local->host, &message) != OK) {
        (void)buf_append_text(why, message.text);
        return false;
    }
    local->is_started = true;
    script_draft_check(local->host.script, name, source, on_draft, local);
    local_host_wait(&local->host, &local->is_done);
    return local->draft != NULL;
}

void try_local_close(struct try_local *local)
{
    script_draft_free(local->draft);
    local->draft = NULL;
    buf_deinit(&local->tests);
    if (local->is_started)
        local_host_stop(&local->host);
}

// ---- running -----------------------------------------------------------------------------------

static void say_problems(const struct problems *problems, struct buf *why)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->list[i];
        (void)buf_append_format(why, "%s%.*s%s%.*s", i > 0 ? "\n" : "", SPAN_ARGS(problem->field),
                                problem->field.len > 0 ? ": " : "", SPAN_ARGS(problem->message));
    }
}

// One event of the wire, with the id and the tenant that golden tests have.
static bool take_event(struct trial *trial, struct span json, struct buf *why)
{
    struct wire_producer producer = {UINT32_MAX, UINT32_MAX};
    struct wire_rules rules = {0};
    struct wire_reply reply;
    struct event *event = NULL;
    struct wire *wire = wire_new(&rules);
    bool is_good = wire_decode(wire, json, &producer, &event, &reply) == OK;
    wire_free(wire);
    if (!is_good) {
        (void)buf_append_format(why, "the event: %s: %s", wire_code_name(reply.code),
                                reply.message);
        return false;
    }
    (void)uid_parse(SPAN("00000000-0000-7000-8000-000000000000"), &event->id);
    event->accepted_ms = clock_wall_ms();
    if (event->time_ms == 0)
        event->time_ms = event->accepted_ms;
    trial->events = arena_zalloc(&trial->arena, sizeof *trial->events);
    trial->events[0].event = event;
    trial->event_count = 1;
    return true;
}

static bool take_response(struct trial *trial, struct span json, struct buf *why)
{
    struct json_doc doc;
    struct json_error error;
    if (json.len == 0)
        return true;
    json_init(&doc);
    bool is_good = json_parse(&doc, json, JSON_MAX_DEPTH, &error) == OK;
    if (is_good)
        is_good = trial_read_answer(trial, &doc, 0, &trial->problems);
    else
        problem_add(&trial->problems, "response", "%s at byte %zu", error.message, error.offset);
    json_deinit(&doc);
    if (!is_good)
        say_problems(&trial->problems, why);
    return is_good;
}

static void on_done(struct trial *trial)
{
    *(bool *)trial->context = true;
}

static bool run(struct try_local *local, struct trial *trial, struct buf *out, struct buf *why)
{
    struct json_writer w;
    bool is_done = false;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_name(&w, "data");
    json_write_array(&w);
    trial->draft = local->draft;
    local->draft = NULL;
    trial->json = &w;
    trial->context = &is_done;
    trial->on_done = on_done;
    trial_run(trial);
    local_host_wait(&local->host, &is_done);
    trial->json = NULL;
    trial->context = NULL;
    if (trial->problems.count > 0) {
        say_problems(&trial->problems, why);
        return false;
    }
    json_write_end_array(&w);
    json_write_name(&w, "summary");
    trial_write_sums(trial, &w);
    json_write_member_raw(&w, "tests", buf_span(&local->tests));
    json_write_end_object(&w);
    return !out->is_full;
}

bool try_local_run(struct try_local *local, const struct try_question *question, struct buf *out,
                   struct buf *why)
{
    struct trial *trial = trial_new(local->host.script);
    bool is_good =
        take_event(trial, question->event, why) && take_response(trial, question->response, why);
    struct span tenant = is_good ? trial->events[0].event->tenant : SPAN("");
    struct span name = script_draft_name(local->draft);
    if (is_good)
        trial->webhook = trial_default_webhook(tenant, name, question->options, &trial->problems);
    if (is_good && trial->webhook == NULL)
        say_problems(&trial->problems, why);
    is_good = is_good && trial->webhook != NULL && run(local, trial, out, why);
    trial_free(trial);
    return is_good;
}
