// SPDX-License-Identifier: MIT
// An attempt's memory, and its record in the store; any thread.
#include "model/attempt.h"

#include "base/mem.h"
#include "base/pack.h"

#define ATTEMPT_VERSION 1

struct attempt *attempt_new(uint64_t delivery, size_t max)
{
    struct attempt *attempt = xcalloc(1, sizeof *attempt);
    attempt->magic = ATTEMPT_MAGIC;
    attempt->delivery = delivery;
    attempt->retry_after_ms = -1;
    arena_init(&attempt->arena, max);
    return attempt;
}

void attempt_free(struct attempt *attempt)
{
    if (attempt == NULL)
        return;
    CHECK(attempt->magic == ATTEMPT_MAGIC);
    attempt->magic = 0;
    arena_deinit(&attempt->arena);
    xfree(attempt);
}

enum { IS_REUSED = 1, IS_RESENT = 2, IS_INCOMPLETE = 4, HAS_RETRY_AFTER = 8 };

// Names whose values say nothing secret (delivery.md, Outcomes); others are kept as "***".
static bool may_keep(struct span name)
{
    static const char *const plain[] = {"content-type", "content-length",    "user-agent",
                                        "webhook-id",   "webhook-timestamp", "traceparent"};
    for (size_t i = 0; i < COUNT_OF(plain); i++) {
        if (span_eq_nocase(name, span_of(plain[i])))
            return true;
    }
    return false;
}

struct span attempt_shown_header(const struct attempt *attempt, uint32_t index)
{
    if (attempt->set_by_sign != NULL && attempt->set_by_sign[index])
        return SPAN(ATTEMPT_SET_BY_SIGN);
    return attempt->headers[index].value;
}

static void pack_request_headers(struct buf *out, const struct attempt *a)
{
    pack_uint(out, a->header_count);
    for (uint32_t i = 0; i < a->header_count; i++) {
        bool is_set_by_sign = a->set_by_sign != NULL && a->set_by_sign[i];
        pack_bytes(out, a->headers[i].name);
        pack_bytes(out, is_set_by_sign || may_keep(a->headers[i].name) ? attempt_shown_header(a, i)
                                                                       : SPAN("***"));
    }
}

static void pack_headers(struct buf *out, const struct header *headers, uint32_t count)
{
    pack_uint(out, count);
    for (uint32_t i = 0; i < count; i++) {
        pack_bytes(out, headers[i].name);
        pack_bytes(out, headers[i].value);
    }
}

static struct header *unpack_headers(struct unpack *u, struct arena *arena, uint32_t *count)
{
    uint64_t n = unpack_uint(u);
    *count = 0;
    if (n > u->rest.len) {
        u->is_bad = true;
        return NULL;
    }
    struct header *headers = arena_zalloc(arena, (n + 1) * sizeof *headers);
    for (uint64_t i = 0; i < n; i++) {
        headers[i].name = unpack_bytes(u);
        headers[i].value = unpack_bytes(u);
    }
    *count = (uint32_t)n;
    return headers;
}

void attempt_pack(const struct attempt *a, struct buf *out)
{
    uint64_t flags = (a->is_reused ? IS_REUSED : 0) | (a->is_resent ? IS_RESENT : 0) |
                     (a->is_incomplete ? IS_INCOMPLETE : 0) |
                     (a->retry_after_ms >= 0 ? HAS_RETRY_AFTER : 0);
    struct span excerpt = a->response;
    if (excerpt.len > ATTEMPT_MAX_EXCERPT)
        excerpt.len = ATTEMPT_MAX_EXCERPT;
    pack_uint(out, ATTEMPT_VERSION);
    pack_uint(out, flags);
    pack_uint(out, a->number);
    pack_int(out, a->started_ms);
    pack_uint(out, a->revision);
    pack_uint(out, a->outcome);
    pack_bytes(out, a->reason);
    pack_uint(out, a->times.dns_us);
    pack_uint(out, a->times.connect_us);
    pack_uint(out, a->times.tls_us);
    pack_uint(out, a->times.first_byte_us);
    pack_uint(out, a->times.total_us);
    pack_bytes(out, a->remote);
    pack_bytes(out, a->tls);
    pack_uint(out, (uint64_t)a->status);
    pack_raw(out, a->body_sha256, sizeof a->body_sha256);
    pack_uint(out, a->body_len);
    pack_request_headers(out, a);
    pack_headers(out, a->response_headers, a->response_header_count);
    pack_uint(out, a->response_len);
    pack_bytes(out, excerpt);
    if (flags & HAS_RETRY_AFTER)
        pack_int(out, a->retry_after_ms);
    pack_bytes(out, a->scripts);
    pack_bytes(out, a->logs);
    pack_uint(out, a->script_cpu_us);
    pack_uint(out, a->script_memory_bytes);
    pack_bytes(out, a->response_error);
    pack_uint(out, a->verdict);
    pack_int(out, a->verdict_after_ms);
    pack_bytes(out, a->wait_reason);
    pack_uint(out, a->waited_ms);
}

enum err attempt_unpack(struct span record, struct arena *arena, struct attempt *out)
{
    struct unpack u;
    struct attempt a = {.magic = ATTEMPT_MAGIC, .retry_after_ms = -1};

    unpack_init(&u, record);
    if (unpack_uint(&u) != ATTEMPT_VERSION)
        return u.is_bad ? ERR_CORRUPT : ERR_VERSION;
    uint64_t flags = unpack_uint(&u);
    a.is_reused = flags & IS_REUSED;
    a.is_resent = flags & IS_RESENT;
    a.is_incomplete = flags & IS_INCOMPLETE;
    a.number = (uint32_t)unpack_uint(&u);
    a.started_ms = unpack_int(&u);
    a.revision = (uint32_t)unpack_uint(&u);
    uint64_t outcome = unpack_uint(&u);
    a.reason = unpack_bytes(&u);
    a.times.dns_us = (uint32_t)unpack_uint(&u);
    a.times.connect_us = (uint32_t)unpack_uint(&u);
    a.times.tls_us = (uint32_t)unpack_uint(&u);
    a.times.first_byte_us = (uint32_t)unpack_uint(&u);
    a.times.total_us = (uint32_t)unpack_uint(&u);
    a.remote = unpack_bytes(&u);
    a.tls = unpack_bytes(&u);
    a.status = (int)unpack_uint(&u);
    unpack_raw(&u, a.body_sha256, sizeof a.body_sha256);
    a.body_len = (uint32_t)unpack_uint(&u);
    a.headers = unpack_headers(&u, arena, &a.header_count);
    a.response_headers = unpack_headers(&u, arena, &a.response_header_count);
    a.response_len = (uint32_t)unpack_uint(&u);
    a.response = unpack_bytes(&u);
    if (flags & HAS_RETRY_AFTER)
        a.retry_after_ms = unpack_int(&u);
    a.scripts = unpack_bytes(&u);
    a.logs = unpack_bytes(&u);
    a.script_cpu_us = (uint32_t)unpack_uint(&u);
    a.script_memory_bytes = (uint32_t)unpack_uint(&u);
    a.response_error = unpack_bytes(&u);
    uint64_t verdict = unpack_uint(&u);
    a.verdict_after_ms = unpack_int(&u);
    a.wait_reason = unpack_bytes(&u);
    a.waited_ms = (uint32_t)unpack_uint(&u);
    if (u.is_bad || outcome >= OUTCOME_COUNT || verdict > VERDICT_DISABLE)
        return ERR_CORRUPT;
    a.outcome = (enum outcome)outcome;
    a.verdict = (enum attempt_verdict)verdict;
    *out = a;
    return OK;
}
