// SPDX-License-Identifier: MIT
// Easy handles, their options and callbacks; runs on a sender thread.
//
// Callbacks in firing order: on_lookup, on_open_socket, on_tls, on_request, on_line, on_body.
#include "send/transfer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/tls.h"

#define BUFFER_BYTES             1024 // of a read; the smallest: answers are short, and malloc has it at hand
#define EXPECT_BYTES             1000000 // from about here on libcurl would wait for 100 Continue
#define SET(easy, option, value) CHECK(curl_easy_setopt(easy, option, value) == CURLE_OK)

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

// ---- callbacks -------------------------------------------------------------------

// libcurl has no address of the name. Only a scout's lookup is counted and waited for.
static int on_lookup(void *resolver, void *reserved, void *context)
{
    struct transfer *t = NULL;
    CAST(t, context, TRANSFER_MAGIC);
    (void)resolver;
    (void)reserved;
    if (t->is_scout || t->target->needs_no_lookup)
        return 0;
    t->has_no_address = t->needs_lookup = true;
    return 1;
}

static curl_socket_t on_open_socket(void *context, curlsocktype purpose,
                                    struct curl_sockaddr *address)
{
    struct transfer *t = NULL;
    CAST(t, context, TRANSFER_MAGIC);
    (void)purpose;
    if (t->is_scout && t->opened + t->refused == 0)
        t->env->on_resolved(t->env->context, t->target);
    if (address->addrlen <= sizeof t->address)
        memcpy(&t->address, &address->addr, address->addrlen);
    if (!t->is_scout && target_is_stale(t->target, clock_mono_ms())) {
        t->needs_lookup = true;
        return CURL_SOCKET_BAD;
    }
    // A proxy's address is the operator's business.
    if (t->env->proxy == NULL &&
        !guard_allows(t->env->guard, &address->addr, span_of(t->target->at.host), &t->blocked)) {
        t->refused++;
        return CURL_SOCKET_BAD;
    }
    curl_socket_t fd = curl_loop_open_socket(t->env->curl, address);
    if (fd == CURL_SOCKET_BAD) {
        t->socket_error = errno;
        return fd;
    }
    t->opened++;
    t->is_new_connection = true;
    count(&t->env->stats->connections_opened);
    return fd;
}

// A new TLS connection: whom it trusts. Loading reads the disk, once per thread, when https is
// first used; libcurl by itself would do so far more often.
static CURLcode on_tls(CURL *easy, void *ssl_ctx, void *context)
{
    struct transfer *t = NULL;
    struct errmsg message;
    CAST(t, context, TRANSFER_MAGIC);
    (void)easy;
    if (t->env->trusted == NULL) {
        if (tls_store_new(&t->env->trusted, t->env->ca_file, &message) != OK) {
            log_line(LOG_ERROR, LOG_SEND_AREA, "%s", message.text);
            return CURLE_SSL_CACERT_BADFILE;
        }
        if (tls_store_count(t->env->trusted) == 0)
            log_line(LOG_ERROR, LOG_SEND_AREA,
                     "no trusted certificates: https fails until ca-certificates is installed");
    }
    tls_store_lend(t->env->trusted, ssl_ctx);
    return CURLE_OK;
}

static const char *read_tls_version(CURL *easy)
{
    struct curl_tlssessioninfo *session = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &session) != CURLE_OK || session == NULL ||
        session->backend != CURLSSLBACKEND_OPENSSL || session->internals == NULL)
        return NULL;
    return tls_version(session->internals);
}

// A connection is there, the request leaves next. When a kept connection turns out to be dead
// before a byte of the answer has come, libcurl comes here again: once, and on a new connection.
//
// A kept connection was judged when it was opened; it is judged again when allow_targets may have
// changed since.
// NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type
static int on_request(void *context, char *remote, char *local, int remote_port, int local_port)
{
    struct transfer *t = NULL;
    CAST(t, context, TRANSFER_MAGIC);
    (void)local;
    (void)local_port;
    if (!t->is_new_connection && t->env->proxy == NULL && guard_was_reloaded(t->env->guard) &&
        !guard_allows_text(t->env->guard, remote, (uint16_t)remote_port,
                           span_of(t->target->at.host), &t->blocked)) {
        t->refused++;
        return CURL_PREREQFUNC_ABORT;
    }
    if (t->sent == 1) {
        t->attempt->is_resent = true;
        count(&t->env->stats->resent);
    } else if (t->sent > 1) {
        t->fault = "the connection was closed before an answer, twice";
        return CURL_PREREQFUNC_ABORT;
    }
    t->sent++;
    count(&t->env->stats->requests);
    if (t->target->at.is_tls)
        t->tls = read_tls_version(t->easy);
    t->is_reused = !t->is_new_connection;
    if (t->is_reused && !t->is_fresh) {
        t->is_fresh = true;
        SET(t->easy, CURLOPT_FRESH_CONNECT, 1L);
    }
    t->is_new_connection = false;
    return CURL_PREREQFUNC_OK;
}

// NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type
static size_t on_line(char *bytes, size_t size, size_t len, void *context)
{
    struct transfer *t = NULL;
    CAST(t, context, TRANSFER_MAGIC);
    (void)size; // always 1
    if (t->answer.head_bytes == 0 && failpoint_hit(FAILPOINT_SEND_AFTER_POST)) {
        t->is_lost = true;
        return 0;
    }
    t->fault = answer_add_line(&t->answer, (struct span){bytes, len});
    return t->fault == NULL ? len : 0;
}

// NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type
static size_t on_body(char *bytes, size_t size, size_t len, void *context)
{
    struct transfer *t = NULL;
    CAST(t, context, TRANSFER_MAGIC);
    (void)size; // always 1
    return answer_add_body(&t->answer, (struct span){bytes, len}) ? len : 0;
}

// ---- the handle ------------------------------------------------------------------

// libcurl would look a source without a prefix up as interface, address and name in turn.
static void set_source(struct transfer *t)
{
    char text[256];
    uint8_t address[16];
    const char *source = t->env->source_address;
    if (source == NULL)
        return;
    bool is_address =
        inet_pton(AF_INET, source, address) == 1 || inet_pton(AF_INET6, source, address) == 1;
    snprintf(text, sizeof text, "%s!%s", is_address ? "host" : "if", source);
    SET(t->easy, CURLOPT_INTERFACE, text);
}

// What never changes. Off by default, and so not named: redirects, cookies, netrc, HSTS, alt-svc,
// HTTP/0.9. Decoders of content are off also where they hide behind Transfer-Encoding: chunks are
// put together, and nothing else.
static void set_fixed(struct transfer *t)
{
    const struct transfer_env *env = t->env;
    CURL *easy = t->easy;
    SET(easy, CURLOPT_PRIVATE, t);
    SET(easy, CURLOPT_ERRORBUFFER, t->error);
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(easy, CURLOPT_PATH_AS_IS, 1L);
    SET(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    SET(easy, CURLOPT_PROXY, env->proxy != NULL ? env->proxy : "");
    SET(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(easy, CURLOPT_BUFFERSIZE, (long)BUFFER_BYTES);
    SET(easy, CURLOPT_DNS_CACHE_TIMEOUT, -1L);
    SET(easy, CURLOPT_QUICK_EXIT, 1L);
    SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(easy, CURLOPT_CAINFO, NULL); // on_tls lends what is trusted
    SET(easy, CURLOPT_CAPATH, NULL);
    SET(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls);
    SET(easy, CURLOPT_SSL_CTX_DATA, t);
    set_source(t);
    SET(easy, CURLOPT_POST, 1L);
    SET(easy, CURLOPT_RESOLVER_START_FUNCTION, on_lookup);
    SET(easy, CURLOPT_RESOLVER_START_DATA, t);
    SET(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    SET(easy, CURLOPT_OPENSOCKETDATA, t);
    SET(easy, CURLOPT_PREREQFUNCTION, on_request);
    SET(easy, CURLOPT_PREREQDATA, t);
    SET(easy, CURLOPT_HEADERFUNCTION, on_line);
    SET(easy, CURLOPT_HEADERDATA, t);
    SET(easy, CURLOPT_WRITEFUNCTION, on_body);
    SET(easy, CURLOPT_WRITEDATA, t);
    curl_loop_prepare(env->curl, easy);
}

struct transfer *transfer_new(struct transfer_env *env)
{
    struct transfer *t = xcalloc(1, sizeof *t);
    t->magic = TRANSFER_MAGIC;
    t->env = env;
    t->easy = curl_easy_init();
    CHECK(t->easy != NULL);
    t->body_len = SIZE_MAX;
    answer_init(&t->answer);
    buf_init(&t->url, GUARD_MAX_URL + 1);
    set_fixed(t);
    return t;
}

void transfer_free(struct transfer *t)
{
    CHECK(t->attempt == NULL);
    curl_easy_cleanup(t->easy);
    answer_deinit(&t->answer);
    buf_deinit(&t->url);
    t->magic = 0;
    xfree(t);
}

// ---- an attempt --------------------------------------------------------------------

static char *put(char *to, struct span s)
{
    if (s.len > 0)
        memcpy(to, s.at, s.len);
    return to + s.len;
}

// "Name: value", or "Name;" for an empty value, which libcurl would leave out otherwise.
static char *put_header(char *to, const struct header *header)
{
    to = put(to, header->name);
    to = header->value.len > 0 ? put(put(to, SPAN(": ")), header->value) : put(to, SPAN(";"));
    *to = '\0';
    return to + 1;
}

// All lines and the nodes that link them in one piece of the attempt's arena, on top of its
// maximum: the request is bounded by whoever built it.
static struct curl_slist *link_headers(struct attempt *attempt)
{
    static char no_expect[] = "Expect:";
    static char no_type[] = "Content-Type:";
    static char no_accept[] = "Accept:"; // libcurl's own; nobody asked for it
    uint32_t given = attempt->header_count;
    bool has_type = false;
    bool has_accept = false;
    size_t bytes = (given + 3) * sizeof(struct curl_slist);
    for (uint32_t i = 0; i < given; i++) {
        has_type = has_type || span_eq_nocase(attempt->headers[i].name, SPAN("Content-Type"));
        has_accept = has_accept || span_eq_nocase(attempt->headers[i].name, SPAN("Accept"));
        bytes += attempt->headers[i].name.len + attempt->headers[i].value.len + sizeof ": ";
    }
    attempt->arena.max += bytes + 64;
    struct curl_slist *nodes = arena_alloc(&attempt->arena, bytes);
    char *text = (char *)(nodes + given + 3);
    uint32_t n = 0;
    for (; n < given; n++) {
        nodes[n].data = text;
        text = put_header(text, &attempt->headers[n]);
    }
    if (!has_type)
        nodes[n++].data = no_type;
    if (!has_accept)
        nodes[n++].data = no_accept;
    if (attempt->body.len > EXPECT_BYTES)
        nodes[n++].data = no_expect;
    for (uint32_t i = 0; i < n; i++)
        nodes[i].next = i + 1 < n ? &nodes[i + 1] : NULL;
    return n > 0 ? nodes : NULL;
}

static void set_url(struct transfer *t)
{
    struct span url = t->attempt->url;
    if (span_eq(url, buf_span(&t->url)))
        return;
    buf_clear(&t->url);
    CHECK(buf_append_span(&t->url, url) == OK);
    SET(t->easy, CURLOPT_URL, buf_text(&t->url));
}

static void set_method(struct transfer *t)
{
    struct span method = t->attempt->method;
    if (method.len == 0)
        method = SPAN("POST");
    if (span_is(method, t->method))
        return;
    CHECK(method.len < sizeof t->method);
    *put(t->method, method) = '\0';
    SET(t->easy, CURLOPT_CUSTOMREQUEST, span_is(method, "POST") ? NULL : t->method);
}

static void set_body(struct transfer *t)
{
    struct span body = t->attempt->body;
    SET(t->easy, CURLOPT_POSTFIELDS, body.len > 0 ? body.at : "");
    if (body.len == t->body_len)
        return;
    t->body_len = body.len;
    SET(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
}

static void set_times(struct transfer *t, int64_t left_ms)
{
    uint32_t timeout_ms = (uint32_t)left_ms;
    uint32_t connect_ms = timeout_ms < TRANSFER_CONNECT_MS ? timeout_ms : TRANSFER_CONNECT_MS;
    if (timeout_ms != t->timeout_ms)
        SET(t->easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    if (connect_ms != t->connect_ms)
        SET(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    t->timeout_ms = timeout_ms;
    t->connect_ms = connect_ms;
}

void transfer_forget(struct curl_slist **list, const struct target *target)
{
    char text[GUARD_MAX_HOST + 16];
    snprintf(text, sizeof text, "-%s%s:%u", target->at.host, target->at.has_final_dot ? "." : "",
             target->at.port);
    struct curl_slist *longer = curl_slist_append(*list, text);
    CHECK(longer != NULL);
    *list = longer;
}

// A scout looks up anew and connects anew; what was sent once leaves on a new connection.
static void set_connection(struct transfer *t)
{
    bool is_fresh = t->is_scout || t->attempt->is_resent;
    if (is_fresh != t->is_fresh)
        SET(t->easy, CURLOPT_FRESH_CONNECT, is_fresh ? 1L : 0L);
    t->is_fresh = is_fresh;
    if (t->is_scout)
        transfer_forget(&t->resolve, t->target);
    if (t->resolve != NULL)
        SET(t->easy, CURLOPT_RESOLVE, t->resolve);
}

enum err transfer_begin(struct transfer *t, struct attempt **attempt, int64_t deadline_ms,
                        int64_t now_ms)
{
    CHECK(t->attempt == NULL && t->target != NULL && deadline_ms > now_ms);
    t->attempt = *attempt;
    t->deadline_ms = deadline_ms;
    set_url(t);
    set_method(t);
    set_body(t);
    set_times(t, deadline_ms - now_ms);
    set_connection(t);
    SET(t->easy, CURLOPT_HTTPHEADER, link_headers(t->attempt));
    if (curl_loop_add(t->env->curl, t->target->multi, t->easy) != OK) {
        t->attempt = NULL;
        return ERR_UNSUPPORTED;
    }
    *attempt = NULL;
    return OK;
}

struct attempt *transfer_end(struct transfer *t)
{
    struct attempt *attempt = t->attempt;
    t->attempt = NULL;
    t->target = NULL;
    t->is_scout = false;
    if (t->resolve != NULL) {
        SET(t->easy, CURLOPT_RESOLVE, NULL);
        curl_slist_free_all(t->resolve);
        t->resolve = NULL;
    }
    answer_clear(&t->answer);
    t->fault = t->blocked = t->tls = NULL;
    t->address.ss_family = AF_UNSPEC;
    t->opened = t->refused = t->sent = 0;
    t->socket_error = 0;
    t->is_new_connection = t->is_reused = t->is_lost = false;
    t->needs_lookup = t->has_no_address = false;
    return attempt;
}
