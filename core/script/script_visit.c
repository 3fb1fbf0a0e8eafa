// SPDX-License-Identifier: MIT
// One visit: what is sent to a host, and what may be believed of its answer; main only.
#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "base/http_header.h"
#include "base/mem.h"
#include "script/script_inside.h"

#define NS_PER_MS        1000000LL
#define MS_PER_MIB       40  // CPU time that a visit has for each MiB of event
#define MEMORY_TIMES     24  // and memory for each byte
#define MAX_HEADERS      128 // of a request that a host gives back
#define MAX_HEADER_BYTES (256 * 1024)
#define MAX_AFTER_MS     (400LL * 24 * 3600 * 1000) // a year and a bit: later is a mistake

#define VISIT_MAGIC      0x56495354u
struct visit {
    uint32_t magic;
    struct pool_visit visit;
    struct script *script;      // borrowed
    struct script_visit *asked; // the submitter's, ours until its on_done
    struct facts *facts;        // one reference; NULL when `failure` is set
    struct errmsg failure;      // why it does not begin
    struct list_node node;      // in script->failed
};

static struct visit *visit_of(struct pool_visit *visit)
{
    struct visit *v = CONTAINER_OF(visit, struct visit, visit);
    CHECK(v->magic == VISIT_MAGIC);
    return v;
}

// ---- bounds ----

// More than a visit can have used is not believed.
static uint32_t most_cpu_us(const struct visit *v)
{
    int64_t most_us = (v->visit.cpu_max + v->visit.wall_max + WATCHDOG_STALL_NS) / 1000;
    return most_us < UINT32_MAX ? (uint32_t)most_us : UINT32_MAX;
}

static uint64_t most_memory(const struct visit *v)
{
    const struct script_visit *asked = v->asked;
    return (uint64_t)v->script->config.memory_bytes +
           MEMORY_TIMES * (asked->event->payload.len + asked->attempt->response.len);
}

// ---- asking ----

// Written at every attempt alike: no clock, and no number that tells how much is sent.
static const char *attempt_id(const struct script_visit *asked, char out[UID_TEXT_LEN + 32])
{
    char uuid[UID_TEXT_LEN + 1];
    uid_print(&asked->event->id, uuid);
    (void)snprintf(out, UID_TEXT_LEN + 32, "%s.%u.%u", uuid,
                   (unsigned)(asked->attempt->delivery & 0xffff), asked->attempt->number);
    return out;
}

static uint32_t put_headers(struct frame_pair *to, const struct header *from, uint32_t count)
{
    uint32_t i = 0;
    for (; i < count && i < FRAME_MAX_HEADERS; i++)
        to[i] = (struct frame_pair){.name = from[i].name, .value = from[i].value};
    return i;
}

static void fill_event(struct frame_visit *out, const struct script_visit *asked)
{
    const struct event *event = asked->event;
    const struct attempt *attempt = asked->attempt;
    out->event_name = event->name;
    out->key = event->order_key;
    out->form = event->payload.len == 0 ? 0 : 1 + (uint32_t)event->form;
    out->attempt = attempt->number;
    out->started_ms = attempt->started_ms;
    // Inside the body it need not be sent twice; `fields` do not stand there as a whole.
    out->is_in_body = !asked->is_response && event->payload.len > 0 &&
                      asked->data_at <= attempt->body.len &&
                      event->payload.len <= attempt->body.len - asked->data_at;
    if (out->is_in_body) {
        out->data_at = asked->data_at;
        out->data_len = event->payload.len;
    } else {
        out->payload = event->payload;
    }
}

static void put(struct pool_visit *visit, struct host *host)
{
    struct visit *v = visit_of(visit);
    const struct script_visit *asked = v->asked;
    const struct attempt *attempt = asked->attempt;
    char id[UID_TEXT_LEN + 1];
    char attempt_text[UID_TEXT_LEN + 32];
    char time[DATE_TEXT_LEN];
    struct frame_visit out = {.headers = v->script->headers};
    facts_tell(v->facts, host, asked->env);
    uid_print(&asked->event->id, id);
    date_print_ms(asked->event->time_ms, time);
    fill_event(&out, asked);
    out.memory_bytes = most_memory(v);
    out.event_id = span_of(id);
    out.time = asked->event->time.len > 0 ? asked->event->time : span_of(time);
    out.attempt_id = span_of(attempt_id(asked, attempt_text));
    if (asked->is_response) {
        out.status = attempt->status > 0 && attempt->status <= 999 ? (uint32_t)attempt->status : 0;
        out.header_count =
            put_headers(out.headers, attempt->response_headers, attempt->response_header_count);
        out.response = attempt->response;
        out.is_truncated = attempt->is_incomplete || attempt->response_len > attempt->response.len;
    } else {
        out.method = attempt->method;
        out.url = attempt->url;
        out.body = attempt->body;
        out.header_count = put_headers(out.headers, attempt->headers, attempt->header_count);
    }
    struct frame header = {.kind = asked->is_response ? FRAME_RESPONSE : FRAME_RENDER,
                           .id = visit->id,
                           .number = v->facts->number};
    size_t begin = frame_begin(host_out(host), &header);
    frame_put_visit(host_out(host), &out);
    frame_end(host_out(host), begin);
}

// ---- what may be believed ----

static struct span keep(struct attempt *attempt, struct span s)
{
    attempt->arena.max += s.len + 64; // an answer is bounded by its frame
    return arena_copy(&attempt->arena, s);
}

// As it was sent to the host: what the engine owns comes back unchanged.
static bool is_as_before(const struct attempt *attempt, const struct frame_pair *pair)
{
    for (uint32_t i = 0; i < attempt->header_count; i++)
        if (span_eq_nocase(attempt->headers[i].name, pair->name) &&
            span_eq(attempt->headers[i].value, pair->value))
            return true;
    return false;
}

static bool are_headers_good(const struct attempt *attempt, const struct frame_answer *answer)
{
    size_t bytes = 0;
    if (answer->header_count > MAX_HEADERS)
        return false;
    for (uint32_t i = 0; i < answer->header_count; i++) {
        const struct frame_pair *pair = &answer->headers[i];
        bytes += pair->name.len + pair->value.len;
        if (bytes > MAX_HEADER_BYTES ||
            (http_header_check(pair->name, pair->value) != HTTP_HEADER_OK &&
             !is_as_before(attempt, pair)))
            return false;
    }
    return true;
}

// RFC 3986, 3.1: the case of a scheme means nothing.
static bool has_scheme(struct span url, struct span scheme)
{
    return url.len > scheme.len && span_eq_nocase(span_make(url.at, scheme.len), scheme);
}

static bool is_url_good(struct span url)
{
    for (size_t i = 0; i < url.len; i++)
        if ((unsigned char)url.at[i] <= ' ' || url.at[i] == 0x7f)
            return false;
    return url.len <= WEBHOOK_MAX_TARGET &&
           (has_scheme(url, SPAN("https://")) || has_scheme(url, SPAN("http://")));
}

static const char *known_method(struct span method)
{
    static const char *const methods[] = {"POST", "PUT", "PATCH"};
    for (size_t i = 0; i < COUNT_OF(methods); i++)
        if (span_is(method, methods[i]))
            return methods[i];
    return NULL;
}

// The pipeline in a host refuses all of this by itself, with a text for the script's author: what
// comes here all the same was not made by it.
static bool take_request(struct attempt *attempt, const struct frame_answer *answer)
{
    const char *method = known_method(answer->method);
    if (method == NULL || !is_url_good(answer->url) || !are_headers_good(attempt, answer))
        return false;
    size_t size = answer->header_count * (sizeof(struct header) + sizeof(bool));
    attempt->arena.max += size + 128;
    struct header *headers = arena_zalloc(&attempt->arena, size + 1);
    attempt->set_by_sign = (bool *)(headers + answer->header_count);
    for (uint32_t i = 0; i < answer->header_count; i++) {
        headers[i] = (struct header){.name = keep(attempt, answer->headers[i].name),
                                     .value = keep(attempt, answer->headers[i].value)};
        attempt->set_by_sign[i] = answer->headers[i].is_secret;
    }
    attempt->headers = headers;
    attempt->header_count = answer->header_count;
    attempt->method = span_of(method);
    if (!span_eq(attempt->url, answer->url))
        attempt->url = keep(attempt, answer->url);
    if (!answer->is_body_same)
        attempt->body = keep(attempt, answer->body);
    return true;
}

static bool take_verdict(struct attempt *attempt, const struct frame_answer *answer)
{
    static const enum attempt_verdict verdicts[] = {
        [FRAME_NONE] = VERDICT_NONE,       [FRAME_OK] = VERDICT_OK,
        [FRAME_RETRY] = VERDICT_RETRY,     [FRAME_FAIL] = VERDICT_FAIL,
        [FRAME_DISABLE] = VERDICT_DISABLE,
    };
    if (answer->after_ms < 0)
        return false;
    attempt->verdict = verdicts[answer->verdict];
    attempt->verdict_after_ms = answer->after_ms < MAX_AFTER_MS ? answer->after_ms : MAX_AFTER_MS;
    return true;
}

// ---- accounts ----

// All scripts together used no more than one visit can, and no state more than its ceiling.
static void clamp_accounts(const struct visit *v, struct frame_answer *answer)
{
    uint32_t cpu_us = most_cpu_us(v);
    uint64_t memory = most_memory(v);
    if (answer->used_count > v->facts->webhook->script_count)
        answer->used_count = v->facts->webhook->script_count;
    for (uint32_t i = 0; i < answer->used_count; i++) {
        struct frame_used *used = &answer->used[i];
        if (used->cpu_us > cpu_us)
            used->cpu_us = cpu_us;
        if (used->memory_bytes > memory)
            used->memory_bytes = (uint32_t)memory;
        cpu_us -= used->cpu_us;
    }
}

static uint32_t cpu_us_of(const struct frame_answer *answer)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < answer->used_count; i++)
        sum += answer->used[i].cpu_us;
    return sum;
}

static void note(struct visit *v, struct library_version *version,
                 const struct account_visit *visit)
{
    if (v->asked->is_trial)
        return;
    // Names that come from files are bounded by them; others have no bound.
    bool is_stored = version->origin == SCRIPT_STORED;
    account_add(&version->account, visit);
    account_note(&v->script->accounts, v->facts->webhook->number, version->number,
                 is_stored ? SPAN(ACCOUNT_STORED) : span_of(version->name), visit);
}

static void account(struct visit *v, const struct frame_answer *answer, enum script_result result)
{
    const struct webhook *webhook = v->facts->webhook;
    const struct library_version *blamed =
        answer->script == 0 || answer->script > webhook->script_count
            ? NULL
            : v->facts->versions[answer->script - 1];
    for (uint32_t i = 0; i < answer->used_count; i++) {
        struct library_version *version = v->facts->versions[i];
        if (version == NULL || !answer->used[i].has_run)
            continue;
        struct account_visit visit = {.cpu_us = answer->used[i].cpu_us,
                                      .memory_bytes = answer->used[i].memory_bytes,
                                      .result = version == blamed ? result : SCRIPT_DONE};
        note(v, version, &visit);
    }
}

// Later visits of the webhook are expected to take what the latest took.
static void learn_cost(struct visit *v, int64_t cpu_ns)
{
    int64_t *cost_ns = &v->facts->queue.cost_ns;
    *cost_ns = (3 * *cost_ns + cpu_ns) / 4;
}

static void take_accounts(struct visit *v, struct frame_answer *answer, enum script_result result)
{
    struct attempt *attempt = v->asked->attempt;
    uint32_t cpu_us = cpu_us_of(answer);
    account(v, answer, result);
    learn_cost(v, (int64_t)cpu_us * 1000);
    attempt->script_cpu_us += cpu_us;
    for (uint32_t i = 0; i < answer->used_count; i++)
        if (answer->used[i].memory_bytes > attempt->script_memory_bytes)
            attempt->script_memory_bytes = answer->used[i].memory_bytes;
    if (answer->logs.len > 0 && attempt->logs.len > 0) {
        attempt->arena.max += attempt->logs.len + answer->logs.len + 64;
        attempt->logs = span_of(arena_format(&attempt->arena, "%.*s%.*s", SPAN_ARGS(attempt->logs),
                                             SPAN_ARGS(answer->logs)));
    } else if (answer->logs.len > 0) {
        attempt->logs = keep(attempt, answer->logs);
    }
}

// ---- ends ----

static void finish(struct visit *v, enum script_result result, struct span reason)
{
    struct script_visit *asked = v->asked;
    struct attempt *attempt = asked->attempt;
    asked->result = result;
    if (asked->is_response && result != SCRIPT_DONE)
        attempt->response_error = keep(attempt, reason);
    else if (reason.len > 0)
        attempt->reason = keep(attempt, reason);
    if (v->facts != NULL && attempt->scripts.len == 0)
        attempt->scripts = keep(attempt, span_of(v->facts->scripts));
    facts_unref(v->facts);
    v->magic = 0;
    xfree(v);
    asked->on_done(asked);
}

static enum pool_answer on_answer(struct pool_visit *visit, const struct frame *frame)
{
    struct visit *v = visit_of(visit);
    struct frame_answer answer = {.headers = v->script->headers};
    bool is_response = v->asked->is_response;
    if (frame->kind != FRAME_ANSWER || frame->result >= SCRIPT_KILLED ||
        !frame_get_answer(frame->payload, &answer) ||
        (is_response && frame->result == SCRIPT_FILTERED) ||
        (!is_response && answer.verdict != FRAME_NONE))
        return POOL_FORGED;
    enum script_result result = (enum script_result)frame->result;
    clamp_accounts(v, &answer);
    if (result == SCRIPT_TIMEOUT && visit->stalls + 1 < POOL_MAX_STALLS &&
        !watchdog_is_blamed((int64_t)cpu_us_of(&answer) * 1000, visit->cpu_max))
        return POOL_AGAIN;
    if (result == SCRIPT_DONE && !(is_response ? take_verdict(v->asked->attempt, &answer)
                                               : take_request(v->asked->attempt, &answer)))
        return POOL_FORGED;
    take_accounts(v, &answer, result);
    finish(v, result, answer.reason);
    return POOL_TAKEN;
}

static void on_end(struct pool_visit *visit, const struct pool_end *end)
{
    struct visit *v = visit_of(visit);
    const struct webhook *webhook = v->facts->webhook;
    char where[128] = "";
    char time[64] = "";
    uint32_t script = 0;
    for (uint32_t i = 0; i < webhook->script_count; i++)
        if (v->facts->versions[i] != NULL && v->facts->versions[i]->number == end->script)
            script = i + 1;
    if (script > 0)
        (void)snprintf(where, sizeof(where), ", in %s@%.*s", v->facts->versions[script - 1]->name,
                       LIBRARY_SHORT, v->facts->versions[script - 1]->hash);
    if (end->cpu_ns >= 0)
        (void)snprintf(time, sizeof(time), " after %lld ms of CPU",
                       (long long)(end->cpu_ns / NS_PER_MS));
    struct errmsg reason;
    errmsg_set(&reason, "the script host %s%s%s", end->cause, time, where);
    int64_t cpu_us = end->cpu_ns > 0 ? end->cpu_ns / 1000 : 0;
    struct account_visit killed = {.cpu_us =
                                       cpu_us < most_cpu_us(v) ? (uint32_t)cpu_us : most_cpu_us(v),
                                   .result = end->result};
    if (script > 0)
        note(v, v->facts->versions[script - 1], &killed);
    v->asked->attempt->script_cpu_us += killed.cpu_us;
    if (end->cpu_ns > 0)
        learn_cost(v, end->cpu_ns);
    finish(v, end->result, span_of(reason.text));
}

static const struct pool_visit_type visit_type = {
    .put = put, .on_answer = on_answer, .on_end = on_end};

// ---- beginning ----

static struct facts *trial_facts(struct script *script, const struct script_visit *asked)
{
    struct facts *facts = facts_new(++script->next_facts, script->library, NULL, script->pool,
                                    asked->webhook, asked->env);
    facts_make_trial(facts, script_draft_version(asked->draft));
    return facts;
}

static struct facts *current_facts(struct script *script, const struct script_visit *asked)
{
    struct webhook *webhook = asked->webhook;
    if (asked->is_trial)
        return trial_facts(script, asked);
    struct facts *facts = webhook->number == 0 ? NULL : map_get(&script->facts, webhook->number);
    if (facts != NULL && facts_are_current(facts, script->library, webhook, asked->env))
        return facts_ref(facts);
    facts =
        facts_new(++script->next_facts, script->library, NULL, script->pool, webhook, asked->env);
    if (webhook->number == 0)
        return facts;
    facts_unref(map_set(&script->facts, webhook->number, facts_ref(facts)));
    uint32_t versions[WEBHOOK_MAX_SCRIPTS];
    for (uint32_t i = 0; i < webhook->script_count; i++)
        versions[i] = facts->versions[i] != NULL ? facts->versions[i]->number : 0;
    account_use(&script->accounts, webhook->number, versions, webhook->script_count);
    return facts;
}

void script_end_failed(struct script *script)
{
    struct list now;
    struct list_node *node;
    list_init(&now);
    list_splice(&now, &script->failed);
    while ((node = list_pop(&now)) != NULL) {
        struct visit *v = CONTAINER_OF(node, struct visit, node);
        finish(v, SCRIPT_ERROR, span_of(v->failure.text));
    }
}

static void on_later(uv_timer_t *timer)
{
    struct script *script;
    CAST(script, timer->data, SCRIPT_MAGIC);
    script_end_failed(script);
}

void script_visit(struct script *script, struct script_visit *asked)
{
    CHECK(asked->magic == SCRIPT_VISIT_MAGIC);
    const struct attempt *attempt = asked->attempt;
    size_t size = asked->event->payload.len + (asked->is_response ? attempt->response.len : 0);
    struct visit *v = xcalloc(1, sizeof(*v));
    v->magic = VISIT_MAGIC;
    v->script = script;
    v->asked = asked;
    v->facts = current_facts(script, asked);
    v->failure = v->facts->missing;
    if (size + attempt->body.len > FRAME_MAX_TO_HOST / 2)
        errmsg_set(&v->failure, "the event is too large for a script");
    if (v->failure.text[0] != '\0') {
        list_append(&script->failed, &v->node);
        CHECK(uv_timer_start(&script->later, on_later, 0, 0) == 0);
        return;
    }
    int64_t cpu_ns =
        script->config.cpu_ms * NS_PER_MS + (int64_t)(size * (MS_PER_MIB * NS_PER_MS >> 10) >> 10);
    int64_t wall_ns = script->config.wall_ms * NS_PER_MS;
    v->visit = (struct pool_visit){.magic = POOL_VISIT_MAGIC,
                                   .type = &visit_type,
                                   .queue = &v->facts->queue,
                                   .cpu_max = cpu_ns,
                                   .wall_max = wall_ns > 2 * cpu_ns ? wall_ns : 2 * cpu_ns};
    pool_submit(script->pool, &v->visit);
}
