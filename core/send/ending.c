// SPDX-License-Identifier: MIT
// From libcurl's result and what the callbacks saw to an outcome; runs on a sender thread.
#include "send/ending.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/failpoint.h"

#define REASON_BYTES  512 // longest reason
#define ADDRESS_BYTES (INET6_ADDRSTRLEN + sizeof "[]:65535")

// Failures without a complete header that need no further look.
static const struct {
    CURLcode code;
    enum outcome outcome;
} failures[] = {
    {CURLE_COULDNT_RESOLVE_HOST, OUTCOME_DNS_ERROR},
    {CURLE_COULDNT_RESOLVE_PROXY, OUTCOME_DNS_ERROR},
    {CURLE_COULDNT_CONNECT, OUTCOME_CONNECT_REFUSED},
    {CURLE_INTERFACE_FAILED, OUTCOME_CONNECT_REFUSED},
    {CURLE_PROXY, OUTCOME_CONNECT_REFUSED},
    {CURLE_SSL_CONNECT_ERROR, OUTCOME_TLS_ERROR},
    {CURLE_SSL_ENGINE_NOTFOUND, OUTCOME_TLS_ERROR},
    {CURLE_SSL_ENGINE_SETFAILED, OUTCOME_TLS_ERROR},
    {CURLE_SSL_CERTPROBLEM, OUTCOME_TLS_ERROR},
    {CURLE_SSL_CIPHER, OUTCOME_TLS_ERROR},
    {CURLE_PEER_FAILED_VERIFICATION, OUTCOME_TLS_ERROR},
    {CURLE_USE_SSL_FAILED, OUTCOME_TLS_ERROR},
    {CURLE_SSL_CACERT_BADFILE, OUTCOME_TLS_ERROR},
    {CURLE_SSL_CRL_BADFILE, OUTCOME_TLS_ERROR},
    {CURLE_SSL_ISSUER_ERROR, OUTCOME_TLS_ERROR},
    {CURLE_SSL_PINNEDPUBKEYNOTMATCH, OUTCOME_TLS_ERROR},
    {CURLE_SSL_INVALIDCERTSTATUS, OUTCOME_TLS_ERROR},
    {CURLE_SSL_CLIENTCERT, OUTCOME_TLS_ERROR},
    {CURLE_SEND_ERROR, OUTCOME_RESET},
    {CURLE_RECV_ERROR, OUTCOME_RESET},
    {CURLE_GOT_NOTHING, OUTCOME_RESET},
    {CURLE_ABORTED_BY_CALLBACK, OUTCOME_RESET},
};

// ---- the record ------------------------------------------------------------------

static void set_reason(struct attempt *attempt, const char *reason)
{
    struct span s = span_of(reason);
    if (s.len > REASON_BYTES)
        s.len = REASON_BYTES;
    attempt->arena.max += s.len + 32;
    attempt->reason = arena_copy(&attempt->arena, s);
}

static void print_host(char out[ADDRESS_BYTES], const struct sockaddr_storage *address)
{
    out[0] = '\0';
    if (address->ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        inet_ntop(AF_INET, &in.sin_addr, out, ADDRESS_BYTES);
    } else if (address->ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        inet_ntop(AF_INET6, &in6.sin6_addr, out, ADDRESS_BYTES);
    }
}

static void print_address(char *out, const char *host, unsigned port)
{
    // By hand: each attempt has one, and snprintf is the dearest call of an ending.
    char digits[5];
    size_t count = 0;
    size_t len = strlen(host);
    bool is_v6 = memchr(host, ':', len) != NULL;
    CHECK(len + sizeof "[]:65535" <= ADDRESS_BYTES && port <= UINT16_MAX);
    do {
        digits[count++] = (char)('0' + port % 10);
        port /= 10;
    } while (port > 0);
    if (is_v6)
        *out++ = '[';
    memcpy(out, host, len);
    out += len;
    if (is_v6)
        *out++ = ']';
    *out++ = ':';
    while (count > 0)
        *out++ = digits[--count];
    *out = '\0';
}

static void set_remote(struct transfer *t)
{
    char text[ADDRESS_BYTES];
    char host[ADDRESS_BYTES];
    char *ip = NULL;
    long port = 0;
    if (t->sent > 0 && curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_IP, &ip) == CURLE_OK &&
        curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_PORT, &port) == CURLE_OK && ip != NULL &&
        ip[0] != '\0') {
        print_address(text, ip, (unsigned)port);
    } else if (t->opened + t->refused > 0) {
        print_host(host, &t->address);
        print_address(text, host, t->target->at.port);
    } else {
        return;
    }
    t->attempt->arena.max += sizeof text + 32;
    t->attempt->remote = arena_copy(&t->attempt->arena, span_of(text));
}

static uint32_t phase_us(CURL *easy, CURLINFO phase)
{
    curl_off_t us = 0;
    if (curl_easy_getinfo(easy, phase, &us) != CURLE_OK || us < 0)
        return 0;
    return us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static void set_times(struct transfer *t)
{
    struct attempt_times *times = &t->attempt->times;
    if (!t->is_reused) {
        times->dns_us = phase_us(t->easy, CURLINFO_NAMELOOKUP_TIME_T);
        times->connect_us = phase_us(t->easy, CURLINFO_CONNECT_TIME_T);
        times->tls_us = phase_us(t->easy, CURLINFO_APPCONNECT_TIME_T);
    }
    if (t->answer.head_bytes > 0)
        times->first_byte_us = phase_us(t->easy, CURLINFO_STARTTRANSFER_TIME_T);
    times->total_us = phase_us(t->easy, CURLINFO_TOTAL_TIME_T);
}

// ---- answered --------------------------------------------------------------------

static void fill_answered(struct transfer *t, CURLcode result)
{
    struct attempt *attempt = t->attempt;
    answer_fill(&t->answer, attempt, clock_system_ms()); // Retry-After may be a date
    attempt->outcome = outcome_of_status(attempt->status);
    if (result == CURLE_OK)
        return;
    attempt->is_incomplete = true;
    if (t->answer.is_cut)
        set_reason(attempt, "the answer's body is longer than 64 KiB; the rest was not read");
    else if (result == CURLE_OPERATION_TIMEDOUT)
        set_reason(attempt, "the answer's body did not end within the time limit");
    else
        set_reason(attempt, "the answer's body ended early");
}

// ---- not answered ----------------------------------------------------------------

static enum outcome fail(struct transfer *t, enum outcome outcome, const char *reason)
{
    set_reason(t->attempt, reason);
    return outcome;
}

static enum outcome fail_blocked(struct transfer *t)
{
    char host[ADDRESS_BYTES];
    char line[ADDRESS_BYTES];
    char reason[REASON_BYTES];
    char *ip = NULL;
    print_host(host, &t->address);
    // A kept connection that new rules refuse has not been opened by this transfer.
    if (host[0] == '\0' && curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_IP, &ip) == CURLE_OK)
        snprintf(host, sizeof host, "%s", ip);
    if (strcmp(t->blocked, "port") == 0) {
        print_address(line, host, t->target->at.port);
        snprintf(reason, sizeof reason,
                 "port %u is refused; to allow it, add \"%s\" to allow_targets", t->target->at.port,
                 line);
    } else {
        snprintf(reason, sizeof reason,
                 "the address %s of %s is refused: %s; to allow it, add \"%s\" to allow_targets",
                 host, t->target->at.host, t->blocked, host);
    }
    return fail(t, OUTCOME_BLOCKED_ADDRESS, reason);
}

bool ending_is_hanging_lookup(const struct transfer *t, CURLcode result)
{
    return t->is_scout && t->opened + t->refused == 0 && result == CURLE_OPERATION_TIMEDOUT;
}

static enum outcome fail_timeout(struct transfer *t)
{
    char reason[REASON_BYTES];
    char host[ADDRESS_BYTES];
    if (t->opened + t->refused == 0 && t->sent == 0) {
        snprintf(reason, sizeof reason, "looking up %s took more than %u ms", t->target->at.host,
                 t->connect_ms);
        return fail(t, OUTCOME_DNS_ERROR, reason);
    }
    if (t->sent == 0) {
        print_host(host, &t->address);
        snprintf(reason, sizeof reason, "connecting to %s port %u took more than %u ms", host,
                 t->target->at.port, t->connect_ms);
        return fail(t, OUTCOME_CONNECT_TIMEOUT, reason);
    }
    snprintf(reason, sizeof reason, "no complete answer within %u ms", t->attempt->timeout_ms);
    return fail(t, OUTCOME_TIMEOUT, reason);
}

static enum outcome fail_connect(struct transfer *t)
{
    char reason[REASON_BYTES];
    char host[ADDRESS_BYTES];
    long error = 0;
    if (t->socket_error != 0)
        error = t->socket_error;
    else
        curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &error);
    print_host(host, &t->address);
    const char *text = error != 0 ? strerrordesc_np((int)error) : NULL;
    if (error == ECONNREFUSED)
        snprintf(reason, sizeof reason, "%s port %u refused the connection", host,
                 t->target->at.port);
    else
        snprintf(reason, sizeof reason, "no connection to %s port %u: %s", host, t->target->at.port,
                 text != NULL ? text : t->error);
    return fail(t, OUTCOME_CONNECT_REFUSED, reason);
}

// With TLS 1.3 a target that wants a client certificate says so only after the handshake; libcurl
// calls that a failure to receive.
static bool is_tls_alert(const struct transfer *t)
{
    return t->target->at.is_tls && strstr(t->error, "SSL routines") != NULL &&
           strstr(t->error, "alert") != NULL;
}

static enum outcome fail_other(struct transfer *t, CURLcode result)
{
    enum outcome outcome = OUTCOME_BAD_RESPONSE;
    for (size_t i = 0; i < COUNT_OF(failures); i++) {
        if (failures[i].code == result)
            outcome = failures[i].outcome;
    }
    if (outcome == OUTCOME_RESET && t->answer.head_bytes == 0 && is_tls_alert(t))
        return fail(t, OUTCOME_TLS_ERROR, t->error);
    if (outcome == OUTCOME_RESET && t->answer.head_bytes == 0)
        return fail(t, outcome, "the connection was closed before an answer");
    if (outcome == OUTCOME_RESET || result == CURLE_OK)
        return fail(t, OUTCOME_BAD_RESPONSE, "the answer ended within its headers");
    return fail(t, outcome, t->error[0] != '\0' ? t->error : curl_easy_strerror(result));
}

static enum outcome classify(struct transfer *t, CURLcode result)
{
    if (t->is_lost)
        return fail(t, OUTCOME_RESET, "the answer was lost on purpose (failpoint)");
    if (t->fault != NULL)
        return fail(t, t->answer.head_bytes > 0 ? OUTCOME_BAD_RESPONSE : OUTCOME_RESET, t->fault);
    if (t->refused > 0 && t->opened == 0)
        return fail_blocked(t);
    if (result == CURLE_OPERATION_TIMEDOUT)
        return fail_timeout(t);
    if (result == CURLE_COULDNT_CONNECT)
        return fail_connect(t);
    return fail_other(t, result);
}

void ending_fill(struct transfer *t, CURLcode result)
{
    struct attempt *attempt = t->attempt;
    attempt->is_reused = t->is_reused;
    attempt->retry_after_ms = -1;
    set_times(t);
    set_remote(t);
    if (t->tls != NULL)
        attempt->tls = span_of(t->tls);
    if (t->answer.is_complete && !t->is_lost)
        fill_answered(t, result);
    else
        attempt->outcome = classify(t, result);
    if (attempt->outcome == OUTCOME_DELIVERED && failpoint_hit(FAILPOINT_SEND_AFTER_ANSWER)) {
        attempt->outcome = OUTCOME_RESET;
        set_reason(attempt, "the answer was lost on purpose (failpoint)");
    }
}

void ending_refuse(struct attempt *attempt, enum outcome outcome, const char *reason)
{
    attempt->outcome = outcome;
    attempt->retry_after_ms = -1;
    set_reason(attempt, reason);
}
