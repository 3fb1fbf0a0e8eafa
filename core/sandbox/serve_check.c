// SPDX-License-Identifier: MIT
// Checks scripts and webhooks before they are used; script host only.
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "crypto/secret.h"
#include "json/json_write.h"
#include "sandbox/golden.h"
#include "sandbox/serve_inside.h"

#define CHECK_CEILING ((size_t)64 * 1024 * 1024) // bytes, of a state that is only checked

#define MAX_RESULTS   ((size_t)2 * 1024 * 1024) // bytes of what is said of all golden tests

struct checked_state { // what golden.c and check_script make and drop
    struct limits limits;
};

static lua_State *make_state(void *context)
{
    (void)context;
    struct checked_state *state = xcalloc(1, sizeof(*state));
    lua_State *L = limits_open(&state->limits, CHECK_CEILING, NULL);
    if (L == NULL)
        xfree(state);
    return L;
}

static void drop_state(void *context, lua_State *L)
{
    (void)context;
    struct checked_state *state = CONTAINER_OF(limits_of(L), struct checked_state, limits);
    limits_close(L);
    xfree(state);
}

// Loads the script by itself and says what it is. `reason` stays empty when all is well.
static void describe(struct serve *serve, const struct pipeline_load *load,
                     struct frame_checked *checked, struct errmsg *reason)
{
    lua_State *L = make_state(NULL);
    struct pipeline_script *script = NULL;
    if (L == NULL) {
        errmsg_set(reason, "not enough memory");
        return;
    }
    enum visit_result result = pipeline_load(serve->pipeline, L, load, &script, reason);
    if (result == VISIT_DONE) {
        checked->functions = pipeline_functions(script);
        if (!pipeline_describe(script, &serve->text))
            errmsg_set(reason, "%s: its options are too large to be listed", load->name);
        pipeline_unload(script);
    } else if (result == VISIT_TIMEOUT) {
        errmsg_set(reason, "%s.lua:%d: loading it does not end", load->name, limits_stopped_line());
    } else if (reason->text[0] == '\0') {
        errmsg_set(reason, "%s: cannot be loaded", load->name);
    }
    drop_state(NULL, L);
}

static void put_checked(const struct frame *frame, const struct frame_checked *checked,
                        struct buf *to)
{
    struct frame header = {.kind = FRAME_CHECKED,
                           .id = frame->id,
                           .result = checked->reason.len > 0 ? SCRIPT_ERROR : SCRIPT_DONE};
    size_t begin = frame_begin(to, &header);
    frame_put_checked(to, checked);
    frame_end(to, begin);
}

// ---- golden tests ----

struct testing {
    struct serve *serve;
    struct buf text; // the results, as JSON
    struct json_writer json;
};

// For the one who may have to kill us: the test that runs stands where else the script does.
static void on_test_begin(void *context, size_t number)
{
    struct testing *testing = context;
    testing->serve->test = (uint32_t)number;
}

static void on_test_end(void *context, const struct golden_outcome *outcome)
{
    struct testing *testing = context;
    struct json_writer *w = &testing->json;
    json_write_object(w);
    json_write_member_int(w, "number", (int64_t)outcome->number);
    json_write_name(w, "name");
    json_write_quoted_value(w, outcome->name);
    json_write_member_int(w, "line", outcome->line);
    json_write_member_bool(w, "is_ok", outcome->report.len == 0);
    json_write_name(w, "report");
    json_write_quoted_value(w, outcome->report);
    json_write_end_object(w);
    testing->serve->test = 0;
}

// All tests, each in a fresh and in a used state.
static void run_tests(struct testing *testing, struct pipeline_load *load,
                      struct frame_checked *checked, struct buf *report)
{
    struct golden_states states = {.make = make_state,
                                   .drop = drop_state,
                                   .on_begin = on_test_begin,
                                   .on_end = on_test_end,
                                   .context = testing};
    struct golden_result golden = {0, 0};
    load->keep_tests = true;
    json_write_init(&testing->json, &testing->text);
    json_write_array(&testing->json);
    enum err err = golden_run(testing->serve->pipeline, &states, load, &golden, report);
    json_write_end_array(&testing->json);
    if (err != OK || golden.failures > 0)
        checked->reason = report->len > 0 ? buf_span(report) : SPAN("its tests do not run");
    checked->tests = (uint32_t)golden.tests;
    if (!testing->text.is_full)
        checked->results = buf_span(&testing->text);
    testing->serve->test = 0;
}

// ---- scripts ----

bool serve_check_script(struct serve *serve, const struct frame *frame, struct buf *to)
{
    struct frame_script script;
    struct frame_checked checked = {.reason = {NULL, 0}};
    struct errmsg reason = {""};
    struct testing testing = {.serve = serve};
    struct buf report;
    if (!frame_get_script(frame->payload, &script) || script.name.len > FRAME_MAX_REASON)
        return false;
    char *name = xmemdup0(script.name.at, script.name.len);
    struct pipeline_load load = {.name = name, .source = script.source};
    buf_init(&report, FRAME_MAX_LOGS);
    buf_init(&testing.text, MAX_RESULTS);
    buf_clear(&serve->text);
    (void)serve_say(serve, frame->id);
    limits_watch(frame->id);
    describe(serve, &load, &checked, &reason);
    checked.reason = span_of(reason.text);
    if (checked.reason.len == 0) {
        checked.description = buf_span(&serve->text);
        run_tests(&testing, &load, &checked, &report);
    }
    limits_watch(0);
    (void)serve_say(serve, 0);
    put_checked(frame, &checked, to);
    buf_deinit(&report);
    buf_deinit(&testing.text);
    xfree(name);
    return true;
}

struct complaints {
    struct serve *serve;
    struct arena arena; // the texts
    uint32_t script;    // index, of the script that is being checked
};

static void add_problem(struct complaints *c, const char *field, const char *message)
{
    struct frame_problems *problems = &c->serve->problems;
    if (problems->count == FRAME_MAX_PROBLEMS)
        return;
    problems->list[problems->count++] = (struct frame_pair){
        .name = span_of(field),
        .value = arena_copy(&c->arena, serve_cut(span_of(message), FRAME_MAX_REASON))};
}

static void on_problem(void *context, struct span option, const char *message)
{
    struct complaints *c = context;
    option = serve_cut(option, FRAME_MAX_REASON);
    const char *field = arena_format(&c->arena, "scripts.%u.options%s%.*s", c->script,
                                     option.len > 0 ? "." : "", SPAN_ARGS(option));
    add_problem(c, field, message);
}

// A script that says what secret it needs would fail at each delivery without one; one that ends
// does not help for long.
static void check_secrets(struct complaints *c, const struct pipeline_script *script,
                          const char *name)
{
    const struct frame_webhook *webhook = &c->serve->webhook;
    struct errmsg message = {""};
    unsigned kinds = 0;
    const char *needed = pipeline_secret(script, &kinds);
    bool is_there = needed == NULL;
    for (uint32_t i = 0; i < webhook->secret_count && !is_there; i++) {
        enum secret_kind kind = SECRET_PLAIN;
        struct errmsg unused = {""};
        is_there = webhook->secrets[i].expires_ms == 0 &&
                   secret_check(webhook->secrets[i].text, &kind, &unused) == OK &&
                   (kinds & 1u << kind) != 0;
    }
    if (is_there)
        return;
    const char *type = strcmp(needed, "shared") == 0 ? "symmetric" : needed;
    errmsg_set(&message,
               "%s signs with a secret of type %s, and this webhook has none: \"grapnel secrets "
               "add WEBHOOK --type %s\" makes one for it, \"grapnel secrets generate --type %s\" "
               "one for a webhook to be",
               name, strcmp(needed, "shared") == 0 ? "symmetric or plain" : needed, type, type);
    add_problem(c, arena_format(&c->arena, "scripts.%u", c->script), message.text);
}

static void check_options(struct complaints *c, const struct frame_use *use)
{
    struct serve *serve = c->serve;
    struct errmsg message = {""};
    struct state *state = NULL;
    const struct version *version = map_get(&serve->versions, use->script);
    enum visit_result result = VISIT_ERROR;
    if (version == NULL)
        errmsg_set(&message, "the script is not known to the host");
    else
        result = states_hold(serve->states, SPAN(""), version, CHECK_CEILING, &state, &message);
    uint32_t known = serve->problems.count;
    if (result == VISIT_DONE)
        result = pipeline_check(serve->pipeline, state->script, use->options, on_problem, c);
    if (result == VISIT_DONE)
        check_secrets(c, state->script, version->name);
    if (result != VISIT_DONE && version != NULL && message.text[0] == '\0')
        errmsg_set(&message, "checking %s did not end within its limits", version->name);
    if (result != VISIT_DONE && serve->problems.count == known)
        on_problem(c, SPAN(""), message.text);
    if (state != NULL && result != VISIT_DONE)
        states_drop(serve->states, state);
    states_release(serve->states);
}

bool serve_check_webhook(struct serve *serve, const struct frame *frame, struct buf *to)
{
    struct complaints c = {.serve = serve};
    serve->at_hand = 0;
    if (!frame_get_webhook(frame->payload, &serve->webhook))
        return false;
    arena_init(&c.arena, (size_t)FRAME_MAX_PROBLEMS * 4 * FRAME_MAX_REASON);
    serve->problems.count = 0;
    (void)serve_say(serve, frame->id);
    limits_watch(frame->id);
    for (c.script = 0; c.script < serve->webhook.script_count; c.script++)
        if (serve->webhook.scripts[c.script].script != 0) // of the others the engine has complained
            check_options(&c, &serve->webhook.scripts[c.script]);
    limits_watch(0);
    (void)serve_say(serve, 0);
    struct frame header = {.kind = FRAME_PROBLEMS, .id = frame->id};
    size_t begin = frame_begin(to, &header);
    frame_put_problems(to, &serve->problems);
    frame_end(to, begin);
    arena_deinit(&c.arena);
    return true;
}
