// SPDX-License-Identifier: MIT
// The wire between engine and script host: one list of fields per payload, read and written alike.
#include "script/frame.h"

#include "base/pack.h"

static const uint8_t said_by[FRAME_KIND_COUNT] = {
#define X(name, side, text) [FRAME_##name] = FRAME_##side,
#include "script/frame.def"
#undef X
};

// What stands in front of a payload, as it is sent; both ends are the same program.
struct header {
    uint32_t len, kind;
    uint64_t id;
    uint32_t number, result;
    uint64_t zero;
};
_Static_assert(sizeof(struct header) == FRAME_HEADER_LEN, "a header has no holes");

enum frame_step frame_take(struct span *rest, enum frame_side side, struct frame *out)
{
    struct header h;
    *out = (struct frame){.kind = FRAME_KIND_COUNT};
    if (rest->len < sizeof(h))
        return FRAME_PARTIAL;
    memcpy(&h, rest->at, sizeof(h));
    *out = (struct frame){
        .len = h.len, .kind = h.kind, .id = h.id, .number = h.number, .result = h.result};
    uint32_t max = side == FRAME_HOST ? FRAME_MAX_FROM_HOST : FRAME_MAX_TO_HOST;
    if (h.kind >= FRAME_KIND_COUNT || said_by[h.kind] != side || h.len > max || h.zero != 0)
        return FRAME_FORGED;
    if (rest->len - sizeof(h) < h.len)
        return FRAME_PARTIAL;
    out->payload = span_make(rest->at + sizeof(h), h.len);
    rest->at += sizeof(h) + h.len;
    rest->len -= sizeof(h) + h.len;
    return FRAME_WHOLE;
}

size_t frame_begin(struct buf *out, const struct frame *header)
{
    struct header h = {0, header->kind, header->id, header->number, header->result, 0};
    size_t begin = out->len;
    (void)buf_append(out, &h, sizeof(h)); // the owner asks is_full at the end
    return begin;
}

void frame_end(struct buf *out, size_t begin)
{
    if (out->is_full)
        return;
    uint32_t len = (uint32_t)(out->len - begin - sizeof(struct header));
    memcpy(out->at + begin + offsetof(struct header, len), &len, sizeof(len));
}

// Goes through a payload's fields in one direction or the other, so that they cannot differ.
struct walk {
    struct buf *out; // writing; else NULL
    struct unpack in;
    bool is_bad; // reading: a bound was not kept
};

static void f_bytes(struct walk *w, struct span *bytes)
{
    if (w->out != NULL)
        pack_bytes(w->out, *bytes);
    else
        *bytes = unpack_bytes(&w->in);
}

// Bytes of which nobody sends more than `max`.
static void f_text(struct walk *w, struct span *bytes, size_t max)
{
    f_bytes(w, bytes);
    w->is_bad |= bytes->len > max;
}

static void f_uint64(struct walk *w, uint64_t *number)
{
    if (w->out != NULL)
        pack_uint(w->out, *number);
    else
        *number = unpack_uint(&w->in);
}

static void f_int64(struct walk *w, int64_t *number)
{
    if (w->out != NULL)
        pack_int(w->out, *number);
    else
        *number = unpack_int(&w->in);
}

// At most `max`.
static void f_uint32(struct walk *w, uint32_t *number, uint32_t max)
{
    uint64_t wide = w->out != NULL ? *number : 0;
    f_uint64(w, &wide);
    if (wide > max) {
        w->is_bad = true;
        wide = 0;
    }
    *number = (uint32_t)wide;
}

static void f_bool(struct walk *w, bool *value)
{
    uint32_t number = w->out != NULL && *value ? 1 : 0;
    f_uint32(w, &number, 1);
    *value = number == 1;
}

static void f_pairs(struct walk *w, struct frame_pair *pairs, uint32_t *count, uint32_t max)
{
    f_uint32(w, count, max);
    for (uint32_t i = 0; i < *count && !w->in.is_bad; i++) {
        f_bytes(w, &pairs[i].name);
        f_bytes(w, &pairs[i].value);
        f_bool(w, &pairs[i].is_secret);
    }
}

static void walk_script(struct walk *w, struct frame_script *s)
{
    f_bytes(w, &s->name);
    f_bytes(w, &s->version);
    f_bytes(w, &s->source);
}

static void walk_webhook(struct walk *w, struct frame_webhook *h)
{
    f_bytes(w, &h->uuid);
    f_bytes(w, &h->name);
    f_bytes(w, &h->target);
    f_bytes(w, &h->tenant);
    f_bytes(w, &h->metadata);
    f_bytes(w, &h->extra_payload);
    f_bool(w, &h->is_into_data);
    f_uint32(w, &h->script_count, FRAME_MAX_SCRIPTS);
    for (uint32_t i = 0; i < h->script_count; i++) {
        f_uint32(w, &h->scripts[i].script, UINT32_MAX);
        f_bytes(w, &h->scripts[i].options);
    }
    f_uint32(w, &h->secret_count, FRAME_MAX_SECRETS);
    for (uint32_t i = 0; i < h->secret_count; i++) {
        f_bytes(w, &h->secrets[i].text);
        f_int64(w, &h->secrets[i].expires_ms);
    }
    f_pairs(w, h->env, &h->env_count, FRAME_MAX_ENV);
}

static void walk_visit(struct walk *w, struct frame_visit *v)
{
    f_uint64(w, &v->memory_bytes);
    f_bytes(w, &v->event_id);
    f_bytes(w, &v->event_name);
    f_bytes(w, &v->key);
    f_bytes(w, &v->time);
    f_uint32(w, &v->form, 3);
    f_bool(w, &v->is_in_body);
    f_uint64(w, &v->data_at);
    f_uint64(w, &v->data_len);
    f_bytes(w, &v->payload);
    f_uint32(w, &v->attempt, UINT32_MAX);
    f_bytes(w, &v->attempt_id);
    f_int64(w, &v->started_ms);
    f_bytes(w, &v->method);
    f_bytes(w, &v->url);
    f_bytes(w, &v->body);
    f_pairs(w, v->headers, &v->header_count, FRAME_MAX_HEADERS);
    f_uint32(w, &v->status, 999);
    f_bool(w, &v->is_truncated);
    f_bytes(w, &v->response);
    // Written so that neither sum nor difference can overflow.
    w->is_bad |=
        v->is_in_body && (v->data_at > v->body.len || v->data_len > v->body.len - v->data_at);
}

static void walk_answer(struct walk *w, struct frame_answer *a)
{
    f_text(w, &a->reason, FRAME_MAX_REASON);
    f_text(w, &a->logs, FRAME_MAX_LOGS);
    f_uint32(w, &a->script, FRAME_MAX_SCRIPTS);
    f_uint32(w, &a->used_count, FRAME_MAX_SCRIPTS);
    for (uint32_t i = 0; i < a->used_count; i++) {
        f_bool(w, &a->used[i].has_run);
        f_uint32(w, &a->used[i].cpu_us, UINT32_MAX);
        f_uint32(w, &a->used[i].memory_bytes, UINT32_MAX);
    }
    f_bool(w, &a->is_body_same);
    f_bytes(w, &a->method);
    f_bytes(w, &a->url);
    f_text(w, &a->body, FRAME_MAX_OUTPUT);
    f_pairs(w, a->headers, &a->header_count, FRAME_MAX_HEADERS);
    f_uint32(w, &a->verdict, FRAME_DISABLE);
    f_int64(w, &a->after_ms);
    w->is_bad |= a->is_body_same && a->body.len > 0;
}

static void walk_checked(struct walk *w, struct frame_checked *c)
{
    f_text(w, &c->reason, FRAME_MAX_LOGS);
    f_bytes(w, &c->description);
    f_bytes(w, &c->results);
    f_uint32(w, &c->functions, (1u << FRAME_FUNCTIONS) - 1);
    f_uint32(w, &c->tests, UINT32_MAX);
}

static void walk_problems(struct walk *w, struct frame_problems *p)
{
    f_pairs(w, p->list, &p->count, FRAME_MAX_PROBLEMS);
}

static void walk_ready(struct walk *w, struct frame_ready *r)
{
    f_text(w, &r->missing, FRAME_MAX_REASON);
}

// When writing, a walk changes nothing; only its type cannot say so.
#define PAYLOAD(name)                                                    \
    void frame_put_##name(struct buf *out, const struct frame_##name *p) \
    {                                                                    \
        union {                                                          \
            const struct frame_##name *given;                            \
            struct frame_##name *walked;                                 \
        } u = {p};                                                       \
        walk_##name(&(struct walk){.out = out}, u.walked);               \
    }                                                                    \
    bool frame_get_##name(struct span payload, struct frame_##name *out) \
    {                                                                    \
        struct walk w = {.out = NULL};                                   \
        unpack_init(&w.in, payload);                                     \
        walk_##name(&w, out);                                            \
        return !w.is_bad && !w.in.is_bad && w.in.rest.len == 0;          \
    }

// clang-format off
PAYLOAD(script)
PAYLOAD(webhook)
PAYLOAD(visit)
PAYLOAD(answer)
PAYLOAD(checked)
PAYLOAD(problems)
PAYLOAD(ready)
// clang-format on
