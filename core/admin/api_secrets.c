// SPDX-License-Identifier: MIT
// /api/v1/webhooks/{id}/secrets: list, add (which rotates), reveal, revoke; main only.
//
// Adding, in firing order: read_request → api_save_webhook → answer_made or answer_imported.
// Revealing: the audit's row first → on_noted → the answer.
#include "admin/api.h"
#include "base/clock.h"
#include "base/mem.h"
#include "crypto/secret.h"
#include "model/webhook_secret.h"

// ---- list --------------------------------------------------------------------------------------

void api_secrets_list(struct api_call *call)
{
    struct webhook *webhook = api_webhook(call);
    if (webhook == NULL)
        return;
    json_write_object(&call->json);
    json_write_name(&call->json, "data");
    webhook_print_secrets(webhook, false, &call->json);
    json_write_end_object(&call->json);
    api_send(call, 200);
}

// ---- add ---------------------------------------------------------------------------------------

// What the body asks for. The text is wiped by the reader's caller.
struct request {
    char text[SECRET_MAX_LEN + 1];
    size_t len; // of it; 0: one is made
    enum secret_kind kind;
    bool has_kind;
    bool has_end;      // the others end …
    int64_t overlap_s; // … so much later
    struct problems problems;
};

static void read_secret(struct request *request, const struct json_doc *doc, uint32_t value)
{
    struct errmsg why;
    enum secret_kind kind;
    if (json_type(doc, value) != JSON_STRING || json_inside(doc, value).len > 6 * SECRET_MAX_LEN) {
        problem_add(&request->problems, "secret", "must be a string of 1 to %d bytes",
                    SECRET_MAX_LEN);
        return;
    }
    char decoded[6 * SECRET_MAX_LEN + 1];
    size_t len = json_decode_string(doc, value, decoded);
    struct span text = span_make(decoded, len);
    if (memchr(decoded, 0, len) != NULL || span_is(text, WEBHOOK_MASK))
        problem_add(&request->problems, "secret", "holds a NUL, or is the mask of one");
    else if (secret_check(text, &kind, &why) != OK)
        problem_add(&request->problems, "secret", "%s", why.text);
    else
        memcpy(request->text, decoded, request->len = len);
    mem_wipe(decoded, sizeof decoded);
}

static void read_type(struct request *request, const struct json_doc *doc, uint32_t value)
{
    char name[64] = "";
    size_t len = 0;
    if (json_type(doc, value) == JSON_STRING && json_inside(doc, value).len < sizeof name)
        len = json_decode_string(doc, value, name);
    request->has_kind = secret_kind_parse(span_make(name, len), &request->kind);
    if (!request->has_kind)
        problem_add(&request->problems, "type", "must be symmetric, ed25519 or plain");
}

static void read_overlap(struct request *request, const struct json_doc *doc, uint32_t value)
{
    request->has_end = json_type(doc, value) != JSON_NULL;
    if (!request->has_end)
        return;
    if (json_type(doc, value) != JSON_NUMBER || !json_to_int64(doc, value, &request->overlap_s) ||
        request->overlap_s < 0 || request->overlap_s > WEBHOOK_SECRET_MAX_S)
        problem_add(&request->problems, "overlap_s",
                    "must be whole seconds from 0 to %d, or null: the others stay",
                    WEBHOOK_SECRET_MAX_S);
}

static void read_members(struct request *request, const struct json_doc *doc)
{
    uint32_t at = 1;
    uint32_t name;
    uint32_t value;
    while (json_next_member(doc, 0, &at, &name, &value)) {
        if (json_string_is(doc, name, SPAN("secret")))
            read_secret(request, doc, value);
        else if (json_string_is(doc, name, SPAN("type")))
            read_type(request, doc, value);
        else if (json_string_is(doc, name, SPAN("overlap_s")))
            read_overlap(request, doc, value);
        else
            problem_add(&request->problems, "", "has only secret, type and overlap_s");
    }
    if (request->len > 0 && request->has_kind)
        problem_add(&request->problems, "type", "goes with a secret that is made, not with yours");
}

// False: the call has been refused.
static bool read_request(struct api_call *call, struct request *request)
{
    struct json_doc doc;
    struct json_error error;
    if (call->request->body.len == 0)
        return true;
    json_init(&doc);
    bool is_json = json_parse(&doc, buf_span(&call->request->body), JSON_MAX_DEPTH, &error) == OK;
    if (is_json && json_type(&doc, 0) == JSON_OBJECT && json_duplicate(&doc, 0) == JSON_NONE)
        read_members(request, &doc);
    else if (is_json)
        problem_add(&request->problems, "", "must be a JSON object without a name twice");
    json_deinit(&doc);
    if (!is_json)
        api_refuse(call, PROBLEM_BAD_JSON, "%s at byte %zu", error.message, error.offset);
    else if (request->problems.count > 0)
        api_refuse_fields(call, &request->problems);
    return is_json && request->problems.count == 0;
}

// As the newest one, so that the scripts that sign go on with the kind they know.
static void make_secret(const struct webhook *have, struct request *request)
{
    if (!request->has_kind && (have->secret_count == 0 ||
                               secret_check(have->secrets[0].text, &request->kind, NULL) != OK))
        request->kind = SECRET_SYMMETRIC;
    secret_generate(request->kind, request->text);
    request->len = strlen(request->text);
}

static void answer(struct api_call *call, struct webhook *webhook, bool is_shown)
{
    webhook_secret_print(&webhook->secrets[0], is_shown, &call->json);
    api_send(call, 201);
}

static void answer_made(struct api_call *call, struct webhook *webhook)
{
    answer(call, webhook, true);
}

static void answer_imported(struct api_call *call, struct webhook *webhook)
{
    answer(call, webhook, false);
}

static void add(struct api_call *call, const struct webhook *have, struct request *request)
{
    int64_t now = clock_wall_ms();
    bool is_made = request->len == 0;
    uint32_t expected = 0;
    if (!api_if_match(call, have, &expected))
        return;
    if (is_made)
        make_secret(have, request);
    struct webhook *fresh = webhook_copy(have);
    enum err err = webhook_secret_add(fresh, span_make(request->text, request->len), now,
                                      request->has_end ? now + request->overlap_s * 1000 : 0);
    if (err == OK) {
        api_save_webhook(call, fresh, expected, request->has_end ? "rotate_secret" : "add_secret",
                         is_made ? answer_made : answer_imported);
        return;
    }
    webhook_unref(fresh);
    if (err == ERR_EXISTS)
        api_refuse(call, PROBLEM_CONFLICT, "the webhook has this secret already");
    else
        api_refuse(call, PROBLEM_CONFLICT,
                   "the webhook has %d secrets, which is as many as it may have: revoke one first",
                   WEBHOOK_MAX_SECRETS);
}

void api_secrets_add(struct api_call *call)
{
    struct request request = {.has_end = true, .overlap_s = WEBHOOK_SECRET_OVERLAP_S};
    const struct webhook *have = api_webhook(call);
    if (have == NULL)
        return;
    problems_init(&request.problems);
    if (read_request(call, &request))
        add(call, have, &request);
    problems_deinit(&request.problems);
    mem_wipe(request.text, sizeof request.text);
}

// ---- revoke ------------------------------------------------------------------------------------

static void answer_revoked(struct api_call *call, struct webhook *webhook)
{
    (void)webhook;
    api_send_empty(call, 204);
}

static void refuse_unknown(struct api_call *call)
{
    api_refuse(call, PROBLEM_NOT_FOUND, "the webhook has no secret %.*s", SPAN_ARGS(call->sid));
}

void api_secrets_revoke(struct api_call *call)
{
    const struct webhook *have = api_webhook(call);
    uint32_t expected = 0;
    if (have == NULL || !api_if_match(call, have, &expected))
        return;
    struct webhook *fresh = webhook_copy(have);
    if (webhook_secret_remove(fresh, call->sid, clock_wall_ms()) == OK) {
        // Unchecked: a secret that leaked must go, also the last one that a script can sign with.
        api_put_webhook(call, fresh, expected, "revoke_secret", answer_revoked);
        return;
    }
    webhook_unref(fresh);
    refuse_unknown(call);
}

// ---- reveal ------------------------------------------------------------------------------------

#define REVEALING_MAGIC 0x52455645u
struct revealing {
    struct store_object op;
    uint32_t magic;
    struct api_call *call;
    struct webhook *webhook; // one reference
    char key[UID_TEXT_LEN + 1];
};

static void on_noted(struct store_op *op)
{
    struct revealing *r = NULL;
    CAST(r, op->context, REVEALING_MAGIC);
    struct api_call *call = r->call;
    const struct webhook_secret *secret =
        webhook_secret_find(r->webhook, call->sid, clock_wall_ms());
    if (op->err != OK) {
        api_refuse_err(call, op->err); // nobody sees what nobody has noted
    } else if (secret == NULL) {
        refuse_unknown(call);
    } else {
        webhook_secret_print(secret, true, &call->json);
        api_send(call, 200);
    }
    webhook_unref(r->webhook);
    xfree(r);
}

void api_secrets_reveal(struct api_call *call)
{
    struct webhook *webhook = api_webhook(call);
    if (webhook == NULL)
        return;
    if (webhook_secret_find(webhook, call->sid, clock_wall_ms()) == NULL) {
        refuse_unknown(call);
        return;
    }
    struct revealing *r = xcalloc(1, sizeof *r);
    store_op_init(&r->op.op, STORE_NOTE, on_noted, r);
    r->magic = REVEALING_MAGIC;
    r->call = call;
    r->webhook = webhook_ref(webhook);
    uid_print(&webhook->uuid, r->key);
    r->op.object = (struct object){.kind = OBJECT_WEBHOOK,
                                   .number = webhook->number,
                                   .revision = webhook->revision,
                                   .key = span_of(r->key),
                                   .by = span_of(call->by),
                                   .action = SPAN("reveal_secret"),
                                   .at_ms = clock_wall_ms()};
    store_submit(call->admin->env.store, &r->op.op);
}
