// SPDX-License-Identifier: MIT
// What one event of a trial came to, as JSON, and how it differs from what was sent; main only.
#include <stdio.h>
#include <string.h>

#include "admin/trial.h"
#include "crypto/codec.h"
#include "crypto/mac.h"
#include "json/json_diff.h"
#include "send/guard.h"

#define MAX_CHANGES  50                    // shown of one event
#define MAX_VALUE    1000                  // bytes of a value in a change
#define WINDOW       60                    // bytes on each side of a difference in a text
#define MAX_COMPARED ((size_t)1024 * 1024) // bytes of a body whose values are compared

// ---- texts -------------------------------------------------------------------------------------

static void write_text(struct trial *trial, const char *name, struct span text)
{
    json_write_name(trial->json, name);
    json_write_quoted_value(trial->json, trial_mask(trial, text));
}

static void write_optional(struct trial *trial, const char *name, struct span text)
{
    if (text.len > 0) {
        write_text(trial, name, text);
    } else {
        json_write_name(trial->json, name);
        json_write_null(trial->json);
    }
}

// A value of a change: cut, and not in the middle of a character.
static void write_value(struct trial *trial, const char *name, struct span text)
{
    text = trial_mask(trial, text);
    size_t len = text.len < MAX_VALUE ? text.len : MAX_VALUE;
    while (len < text.len && len > 0 && ((unsigned char)text.at[len] & 0xc0) == 0x80)
        len--;
    const char *shown = arena_format(&trial->arena, "%.*s%s", (int)len, text.at,
                                     len < text.len ? "\xe2\x80\xa6" : "");
    json_write_name(trial->json, name);
    json_write_quoted_value(trial->json, span_of(shown));
}

static void digest_of(struct span body, uint8_t out[32])
{
    uint8_t digest[MAC_MAX_LEN];
    mac_digest(MAC_SHA256, body, digest);
    memcpy(out, digest, 32);
}

static void write_hash(struct json_writer *w, const uint8_t hash[32])
{
    struct buf text;
    buf_init(&text, 64);
    (void)codec_to_hex(&text, span_make((const char *)hash, 32));
    json_write_member_string(w, "body_sha256", buf_span(&text));
    buf_deinit(&text);
}

// As text; what is no UTF-8 as base64 too, so that the bytes can be had.
static void write_body(struct trial *trial, struct span body)
{
    struct json_writer *w = trial->json;
    uint8_t hash[32];
    digest_of(body, hash);
    json_write_member_int(w, "body_bytes", (int64_t)body.len);
    write_hash(w, hash);
    write_text(trial, "body", body.at != NULL ? body : SPAN(""));
    if (json_utf8_prefix(body) == body.len)
        return;
    struct buf text;
    buf_init(&text, body.len * 2 + 16);
    (void)codec_to_base64(&text, trial_mask(trial, body));
    json_write_member_string(w, "body_base64", buf_span(&text));
    buf_deinit(&text);
}

// ---- the request -------------------------------------------------------------------------------

static const char *name_of(enum script_result result)
{
    switch (result) {
    case SCRIPT_DONE: return "request";
    case SCRIPT_FILTERED: return "filtered";
    case SCRIPT_ERROR: return "script_error";
    case SCRIPT_TIMEOUT: return "script_timeout";
    case SCRIPT_MEMORY: return "script_memory";
    case SCRIPT_KILLED: return "script_killed";
    }
    return "script_error";
}

static void write_headers(struct trial *trial, const struct attempt *attempt)
{
    struct json_writer *w = trial->json;
    json_write_name(w, "headers");
    json_write_object(w);
    for (uint32_t i = 0; i < attempt->header_count; i++) {
        json_write_quoted_name(w, attempt->headers[i].name);
        json_write_quoted_value(w, trial_mask(trial, attempt_shown_header(attempt, i)));
    }
    json_write_end_object(w);
}

// Why the address would be refused; what a name leads to is only known when it is sent to.
static void write_refusal(struct trial *trial, struct span url)
{
    struct errmsg message;
    if (trial->guard != NULL && !guard_allows_url(trial->guard, url, &message))
        write_text(trial, "blocked", span_of(message.text));
}

static void write_request(struct trial *trial, const struct attempt *attempt)
{
    struct json_writer *w = trial->json;
    json_write_object(w);
    write_text(trial, "method", attempt->method);
    write_text(trial, "url", attempt->url);
    write_refusal(trial, attempt->url);
    write_headers(trial, attempt);
    write_body(trial, attempt->body);
    json_write_end_object(w);
}

static const char *verdict_name(enum attempt_verdict verdict)
{
    static const char *const names[] = {"none", "ok", "retry", "fail", "disable"};
    return names[verdict];
}

static void write_verdict(struct trial *trial)
{
    const struct attempt *now = trial->now;
    struct json_writer *w = trial->json;
    json_write_name(w, "verdict");
    if (!trial->is_judged) {
        json_write_null(w);
        return;
    }
    json_write_object(w);
    json_write_member_text(w, "answer", trial->answer.is_given ? "given" : "recorded");
    json_write_member_int(w, "status", now->status);
    json_write_member_text(w, "verdict", verdict_name(now->verdict));
    json_write_member_int(w, "after_ms", now->verdict_after_ms);
    write_optional(trial, "reason", now->reason);
    write_optional(trial, "error", now->response_error);
    json_write_end_object(w);
}

static void write_event(struct trial *trial, const struct trial_event *te)
{
    struct json_writer *w = trial->json;
    json_write_name(w, "event");
    json_write_object(w);
    json_write_name(w, "id");
    json_write_uid(w, &te->event->id);
    json_write_member_string(w, "event", te->event->name);
    json_write_member_string(w, "tenant", te->event->tenant);
    json_write_name(w, "accepted_at");
    json_write_date_ms(w, te->event->accepted_ms);
    json_write_end_object(w);
}

// ---- what was sent -----------------------------------------------------------------------------

static const char *kind_on_record(const struct attempt *record)
{
    return trial_had_request(record) ? "request" : outcome_name(record->outcome);
}

// Are the bytes that were rendered again those on record?
static bool is_proved(const struct trial *trial)
{
    const struct attempt *record = &trial->events[trial->at].record;
    uint8_t hash[32];
    if (trial->was == NULL || trial->was_result != SCRIPT_DONE)
        return false;
    digest_of(trial->was->body, hash);
    return trial->was->body.len == record->body_len &&
           memcmp(hash, record->body_sha256, sizeof hash) == 0;
}

static void write_sent(struct trial *trial, const struct trial_event *te)
{
    struct json_writer *w = trial->json;
    const struct attempt *record = &te->record;
    struct span note = trial->was_note;
    bool is_request = trial_had_request(record);
    bool is_exact = is_request && is_proved(trial);
    if (is_request && !is_exact && note.len == 0)
        note = SPAN("rendered again it is not what is on record: hook_env has changed since");
    json_write_name(w, "sent");
    json_write_object(w);
    json_write_name(w, "delivery");
    json_write_uid(w, &te->delivery_uid);
    json_write_member_int(w, "attempt", record->number);
    json_write_name(w, "started_at");
    json_write_date_ms(w, record->started_ms);
    json_write_member_text(w, "outcome", outcome_name(record->outcome));
    write_optional(trial, "reason", record->reason);
    write_optional(trial, "scripts", record->scripts);
    json_write_member_int(w, "webhook_revision", record->revision);
    json_write_member_int(w, "body_bytes", record->body_len);
    write_hash(w, record->body_sha256);
    write_optional(trial, "note", is_request ? note : SPAN(""));
    json_write_name(w, "request");
    if (is_exact)
        write_request(trial, trial->was);
    else
        json_write_null(w);
    json_write_end_object(w);
}

// ---- changes -----------------------------------------------------------------------------------

struct changes {
    struct trial *trial;
    const struct json_doc *was, *now;
    int left;
    bool is_cut;
};

static bool begin_change(struct changes *c, const char *what, struct span name)
{
    if (c->left == 0) {
        c->is_cut = true;
        return false;
    }
    c->left--;
    json_write_object(c->trial->json);
    json_write_member_text(c->trial->json, "what", what);
    json_write_name(c->trial->json, "name");
    json_write_quoted_value(c->trial->json, name);
    return true;
}

static void write_side(struct changes *c, const char *name, const struct json_doc *doc,
                       uint32_t node)
{
    if (node != JSON_NONE) {
        write_value(c->trial, name, json_raw(doc, node));
    } else {
        json_write_name(c->trial->json, name);
        json_write_null(c->trial->json);
    }
}

static bool on_difference(void *context, const struct json_difference *d)
{
    struct changes *c = context;
    if (!begin_change(c, "body", span_of(d->path)))
        return false;
    write_side(c, "was", c->was, d->a);
    write_side(c, "now", c->now, d->b);
    json_write_end_object(c->trial->json);
    return true;
}

// Around the first byte that differs.
static struct span window(struct span text, size_t at)
{
    size_t from = at > WINDOW ? at - WINDOW : 0;
    size_t to = text.len - from > (size_t)2 * WINDOW ? from + (size_t)2 * WINDOW : text.len;
    while (from > 0 && ((unsigned char)text.at[from] & 0xc0) == 0x80)
        from--;
    while (to < text.len && ((unsigned char)text.at[to] & 0xc0) == 0x80)
        to++;
    return span_make(text.at + from, to - from);
}

static void write_bytes(struct changes *c, struct span was, struct span now)
{
    size_t at = 0;
    char where[48];
    while (at < was.len && at < now.len && was.at[at] == now.at[at])
        at++;
    (void)snprintf(where, sizeof where, "byte %zu", at + 1);
    if (!begin_change(c, "bytes", span_of(where)))
        return;
    write_value(c->trial, "was", window(was, at));
    write_value(c->trial, "now", window(now, at));
    json_write_end_object(c->trial->json);
}

// Values by their paths; where only bytes tell them apart, the first one.
static void write_body_changes(struct changes *c, struct span was, struct span now)
{
    struct json_doc a;
    struct json_doc b;
    struct json_error error;
    int before = c->left;
    json_init(&a);
    json_init(&b);
    if (was.len <= MAX_COMPARED && now.len <= MAX_COMPARED &&
        json_parse(&a, was, JSON_MAX_DEPTH * 2, &error) == OK &&
        json_parse(&b, now, JSON_MAX_DEPTH * 2, &error) == OK) {
        c->was = &a;
        c->now = &b;
        if (!json_diff(&a, &b, JSON_DIFF_SPELLING, on_difference, c))
            c->is_cut = true;
        c->was = c->now = NULL;
    }
    if (c->left == before && !c->is_cut)
        write_bytes(c, was, now);
    json_deinit(&a);
    json_deinit(&b);
}

static void write_text_change(struct changes *c, const char *what, struct span was, struct span now)
{
    if (span_eq(was, now) || !begin_change(c, what, SPAN("")))
        return;
    write_value(c->trial, "was", was);
    write_value(c->trial, "now", now);
    json_write_end_object(c->trial->json);
}

static uint32_t find_header(const struct attempt *attempt, struct span name)
{
    for (uint32_t i = 0; i < attempt->header_count; i++) {
        if (span_eq_nocase(attempt->headers[i].name, name))
            return i;
    }
    return attempt->header_count;
}

static void write_header_side(struct changes *c, const char *name, const struct attempt *attempt,
                              uint32_t header)
{
    if (header < attempt->header_count) {
        write_value(c->trial, name, attempt_shown_header(attempt, header));
    } else {
        json_write_name(c->trial->json, name);
        json_write_null(c->trial->json);
    }
}

static void write_header_change(struct changes *c, const struct attempt *was,
                                const struct attempt *now, struct span name)
{
    uint32_t before = find_header(was, name);
    uint32_t after = find_header(now, name);
    if (before < was->header_count && after < now->header_count &&
        span_eq(was->headers[before].value, now->headers[after].value))
        return;
    if (!begin_change(c, "header", name))
        return;
    write_header_side(c, "was", was, before);
    write_header_side(c, "now", now, after);
    json_write_end_object(c->trial->json);
}

static void write_header_changes(struct changes *c, const struct attempt *was,
                                 const struct attempt *now)
{
    for (uint32_t i = 0; i < was->header_count; i++)
        write_header_change(c, was, now, was->headers[i].name);
    for (uint32_t i = 0; i < now->header_count; i++) {
        if (find_header(was, now->headers[i].name) == was->header_count)
            write_header_change(c, was, now, now->headers[i].name);
    }
}

// Headers by name alone, body by its hash: what a record tells by itself.
static const char *compare_with_record(struct changes *c, const struct attempt *record)
{
    const struct attempt *now = c->trial->now;
    uint8_t hash[32];
    digest_of(now->body, hash);
    if (now->body.len != record->body_len || memcmp(hash, record->body_sha256, sizeof hash) != 0)
        return "changed";
    for (uint32_t i = 0; i < record->header_count; i++) {
        if (find_header(now, record->headers[i].name) == now->header_count)
            return "changed";
    }
    return now->header_count == record->header_count ? "same" : "changed";
}

// Of the same answer.
static void write_verdict_change(struct changes *c, const struct attempt *record)
{
    const struct attempt *now = c->trial->now;
    if (!c->trial->is_judged || c->trial->answer.is_given ||
        (record->verdict == now->verdict && record->verdict_after_ms == now->verdict_after_ms) ||
        !begin_change(c, "verdict", SPAN("")))
        return;
    write_value(c->trial, "was", span_of(verdict_name(record->verdict)));
    write_value(c->trial, "now", span_of(verdict_name(now->verdict)));
    json_write_end_object(c->trial->json);
}

static const char *compare_requests(struct changes *c, const struct attempt *record)
{
    const struct attempt *now = c->trial->now;
    const struct attempt *was = c->trial->was;
    write_verdict_change(c, record);
    if (!is_proved(c->trial))
        return c->left < MAX_CHANGES ? "changed" : compare_with_record(c, record);
    write_text_change(c, "method", was->method, now->method);
    write_text_change(c, "url", was->url, now->url);
    write_header_changes(c, was, now);
    if (!span_eq(was->body, now->body))
        write_body_changes(c, was->body, now->body);
    return c->left < MAX_CHANGES || c->is_cut ? "changed" : "same";
}

// "same", "changed"; NULL: it was never sent.
static const char *write_changes(struct trial *trial, const struct trial_event *te)
{
    struct json_writer *w = trial->json;
    struct changes c = {.trial = trial, .left = MAX_CHANGES};
    const char *difference = NULL;
    json_write_name(w, "changes");
    json_write_array(w);
    if (te->has_record) {
        const char *was = kind_on_record(&te->record);
        if (strcmp(was, name_of(trial->now_result)) != 0)
            difference = "changed";
        else if (trial->now_result == SCRIPT_DONE)
            difference = compare_requests(&c, &te->record);
        else
            difference = span_eq(te->record.reason, trial->now->reason) ? "same" : "changed";
    }
    json_write_end_array(w);
    json_write_member_bool(w, "has_more_changes", c.is_cut);
    json_write_member_text(w, "difference", difference);
    return difference;
}

static void count(struct trial *trial, const char *difference)
{
    struct trial_sums *sums = &trial->sums;
    sums->events++;
    if (trial->now_result == SCRIPT_FILTERED)
        sums->filtered++;
    else if (trial->now_result != SCRIPT_DONE)
        sums->errors++;
    else if (difference == NULL)
        sums->unknown++;
    else if (strcmp(difference, "same") == 0)
        sums->same++;
    else
        sums->changed++;
}

void trial_write_row(struct trial *trial)
{
    const struct trial_event *te = &trial->events[trial->at];
    const struct attempt *now = trial->now;
    struct json_writer *w = trial->json;
    bool is_request = trial->now_result == SCRIPT_DONE;
    json_write_object(w);
    write_event(trial, te);
    json_write_member_text(w, "outcome", name_of(trial->now_result));
    write_optional(trial, "reason", is_request ? SPAN("") : now->reason);
    write_optional(trial, "scripts", now->scripts);
    json_write_name(w, "request");
    if (is_request)
        write_request(trial, now);
    else
        json_write_null(w);
    write_verdict(trial);
    write_optional(trial, "logs", now->logs);
    json_write_member_int(w, "cpu_us", now->script_cpu_us);
    json_write_member_int(w, "memory_bytes", now->script_memory_bytes);
    if (te->has_record) {
        write_sent(trial, te);
    } else {
        json_write_name(w, "sent");
        json_write_null(w);
    }
    count(trial, write_changes(trial, te));
    json_write_end_object(w);
}

void trial_write_sums(const struct trial *trial, struct json_writer *w)
{
    const struct trial_sums *sums = &trial->sums;
    json_write_object(w);
    json_write_member_int(w, "events", (int64_t)sums->events);
    json_write_member_int(w, "changed", (int64_t)sums->changed);
    json_write_member_int(w, "same", (int64_t)sums->same);
    json_write_member_int(w, "not_sent_before", (int64_t)sums->unknown);
    json_write_member_int(w, "filtered", (int64_t)sums->filtered);
    json_write_member_int(w, "errors", (int64_t)sums->errors);
    json_write_member_int(w, "left_out", (int64_t)sums->left_out);
    json_write_end_object(w);
}
