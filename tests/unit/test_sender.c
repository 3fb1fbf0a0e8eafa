// SPDX-License-Identifier: MIT
// Tests of send/sender against a server that misbehaves: outcomes, bounds, connections, stopping.
#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "support/child.h"
#include "support/send_world.h"

#define MANY    256 // attempts at once, at most

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define LINE_1K                                                                                    \
    "X-Fill: "                                                                                     \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234"        \
    "56789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456" \
    "78901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678" \
    "\r\n"

static const struct hostile_reply replies[] = {
    {"/204", "HTTP/1.1 204 No Content\r\nX-Id: 7\r\n\r\n", HOSTILE_KEEP},
    {"/chunked",
     OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nX-T: 1\r\n\r\n",
     HOSTILE_KEEP},
    {"/gzip",
     OK_HEAD "Transfer-Encoding: gzip, chunked\r\nContent-Encoding: gzip\r\n\r\n"
             "4\r\nnope\r\n0\r\n\r\n",
     HOSTILE_KEEP},
    {"/until-close", OK_HEAD "\r\nall", HOSTILE_CLOSE},
    {"/cut", OK_HEAD "Content-Length: 100\r\n\r\nshort", HOSTILE_CLOSE},
    {"/cut500", "HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\nshort", HOSTILE_CLOSE},
    {"/cut-rst", OK_HEAD "Content-Length: 100\r\n\r\n", HOSTILE_RESET},
    {"/bad-chunk", OK_HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n", HOSTILE_CLOSE},
    {"/endless", OK_HEAD "\r\n", HOSTILE_FLOOD},
    {"/drip", OK_HEAD "\r\nx", HOSTILE_DRIP},
    {"/drip-head", OK_HEAD "X: y", HOSTILE_DRIP},
    {"/silent", "", HOSTILE_HANG},
    {"/rst", "", HOSTILE_RESET},
    {"/close", "", HOSTILE_CLOSE},
    {"/half-head", OK_HEAD "X-Half: yes\r\n", HOSTILE_CLOSE},
    {"/half-head-rst", OK_HEAD "X-Half: yes\r\n", HOSTILE_RESET},
    {"/once", OK_HEAD "Content-Length: 0\r\n\r\n", HOSTILE_ONCE},
    {"/once-rst", OK_HEAD "Content-Length: 0\r\n\r\n", HOSTILE_ONCE_RST},
    {"/bye", OK_HEAD "Content-Length: 0\r\n\r\n", HOSTILE_CLOSE},
    {"/301", "HTTP/1.1 301 Moved\r\nLocation: /200\r\nContent-Length: 0\r\n\r\n", HOSTILE_KEEP},
    {"/307", "HTTP/1.1 307 Moved\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
     HOSTILE_KEEP},
    {"/400", "HTTP/1.1 400 Bad\r\nContent-Length: 3\r\n\r\nbad", HOSTILE_KEEP},
    {"/404", "HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", HOSTILE_KEEP},
    {"/410", "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", HOSTILE_KEEP},
    {"/500", "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", HOSTILE_KEEP},
    {"/429", "HTTP/1.1 429 Slow\r\nretry-after:  120 \r\nContent-Length: 0\r\n\r\n", HOSTILE_KEEP},
    {"/429-plain", "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n", HOSTILE_KEEP},
    {"/503-junk", "HTTP/1.1 503 No\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n",
     HOSTILE_KEEP},
    {"/503-huge", "HTTP/1.1 503 No\r\nRetry-After: 1000000000000\r\nContent-Length: 0\r\n\r\n",
     HOSTILE_KEEP},
    {"/503-minus", "HTTP/1.1 503 No\r\nRetry-After: -5\r\nContent-Length: 0\r\n\r\n", HOSTILE_KEEP},
    {"/503-past",
     "HTTP/1.1 503 No\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n",
     HOSTILE_KEEP},
    {"/200-retry", OK_HEAD "Retry-After: 9\r\nContent-Length: 0\r\n\r\n", HOSTILE_KEEP},
    {"/interim",
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" OK_HEAD
     "Content-Length: 0\r\n\r\n",
     HOSTILE_KEEP},
    {"/interim-flood", "HTTP/1.1 102 Processing\r\n\r\n", HOSTILE_FLOOD},
    {"/101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
     HOSTILE_HANG},
    {"/head-line-flood",
     OK_HEAD "X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy", HOSTILE_DRIP},
    {"/giant-head",
     "HTTP/1.1 103 Hints\r\n" LINE_1K LINE_1K LINE_1K LINE_1K LINE_1K LINE_1K LINE_1K LINE_1K
         LINE_1K LINE_1K LINE_1K LINE_1K LINE_1K LINE_1K LINE_1K LINE_1K LINE_1K LINE_1K LINE_1K
             LINE_1K LINE_1K LINE_1K LINE_1K LINE_1K LINE_1K LINE_1K LINE_1K LINE_1K "\r\n",
     HOSTILE_FLOOD},
    {"/status-999", "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", HOSTILE_KEEP},
    {"/status-099", "HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n", HOSTILE_CLOSE},
    {"/no-http", "SSH-2.0-OpenSSH_9.2\r\n", HOSTILE_CLOSE},
    {"/http09", "hello\n", HOSTILE_CLOSE},
    {NULL, NULL, HOSTILE_KEEP},
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct world_config config = {.allow = "127.0.0.0/8", .threads = 1, .multis = 4};
    assert_non_null(w);
    world_start(w, replies, &config);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_stop(*state);
    free(*state);
    return 0;
}

// ---- what is sent -----------------------------------------------------------------

static void test_request_bytes(void **state)
{
    struct world *w = *state;
    char expected[512];
    size_t len = 0;
    struct attempt *a = world_post(w, "/a/../b?x=1&y=%20", 5000);
    assert_outcome(a, OUTCOME_DELIVERED);
    const char *request = hostile_request(w->server, &len);
    snprintf(expected, sizeof expected,
             "POST /a/../b?x=1&y=%%20 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
             "Content-Type: application/json\r\nX-Empty:\r\nUser-Agent: grapnel/test\r\n"
             "Content-Length: 7\r\n\r\n{\"a\":1}",
             hostile_port(w->server));
    assert_string_equal(request, expected);
}

static void test_methods_and_bodies(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *method;
        size_t body;
    } cases[] = {{"PUT", 0}, {"PATCH", 1}, {"POST", 100000}, {"PUT", 1500000}, {"POST", 7}};
    char *bytes = malloc(1500000);
    assert_non_null(bytes);
    memset(bytes, 'b', 1500000);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char url[64];
        size_t len = 0;
        snprintf(url, sizeof url, "http://127.0.0.1:%u/m", hostile_port(w->server));
        struct attempt *a = world_make(url, 5000);
        a->method = span_of(cases[i].method);
        a->body = (struct span){bytes, cases[i].body};
        world_send(w, a);
        assert_outcome(world_wait(w, w->ended_count + 1), OUTCOME_DELIVERED);
        const char *request = hostile_request(w->server, &len);
        assert_memory_equal(request, cases[i].method, strlen(cases[i].method));
        assert_null(strcasestr(request, "Expect:"));
        const char *body = strstr(request, "\r\n\r\n") + 4;
        assert_int_equal(len - (size_t)(body - request), cases[i].body);
        assert_memory_equal(body, bytes, cases[i].body);
    }
    free(bytes);
}

// ---- answers ----------------------------------------------------------------------

static void test_delivered(void **state)
{
    struct world *w = *state;
    struct attempt *a = world_post(w, "/200", 5000);
    char remote[32];
    assert_outcome(a, OUTCOME_DELIVERED);
    assert_int_equal(a->status, 200);
    assert_span(a->response, "ok");
    assert_int_equal(a->response_len, 2);
    assert_int_equal(a->response_header_count, 1);
    assert_span(a->response_headers[0].name, "Content-Length");
    assert_span(a->response_headers[0].value, "2");
    assert_int_equal(a->retry_after_ms, -1);
    assert_false(a->is_reused || a->is_resent || a->is_incomplete);
    assert_true(a->times.connect_us > 0 && a->times.first_byte_us >= a->times.connect_us);
    assert_true(a->times.total_us >= a->times.first_byte_us && a->times.tls_us == 0);
    snprintf(remote, sizeof remote, "127.0.0.1:%u", hostile_port(w->server));
    assert_span(a->remote, remote);
    assert_int_equal(a->reason.len, 0);
    a = world_post(w, "/204", 5000);
    assert_outcome(a, OUTCOME_DELIVERED);
    assert_int_equal(a->status, 204);
    assert_int_equal(a->response.len, 0);
    assert_true(a->is_reused);
    assert_span(a->response_headers[0].value, "7");
}

static void test_bodies(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *path, *body;
        bool is_incomplete;
    } cases[] = {{"/chunked", "hello world", false},
                 {"/gzip", "nope", false},
                 {"/until-close", "all", false},
                 {"/cut", "short", true},
                 {"/cut-rst", "", true},
                 {"/bad-chunk", "", true}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct attempt *a = world_post(w, cases[i].path, 5000);
        assert_outcome(a, OUTCOME_DELIVERED);
        assert_span(a->response, cases[i].body);
        assert_int_equal(a->is_incomplete, cases[i].is_incomplete);
        assert_int_equal(a->reason.len > 0, cases[i].is_incomplete);
    }
    struct attempt *a = world_post(w, "/cut500", 5000);
    assert_outcome(a, OUTCOME_HTTP_5XX);
    assert_int_equal(a->status, 500);
}

static void test_endless_body(void **state)
{
    struct world *w = *state;
    // The reply floods status lines; behind the first they are the body.
    struct attempt *a = world_post(w, "/endless", 5000);
    assert_outcome(a, OUTCOME_DELIVERED);
    assert_true(a->is_incomplete);
    assert_int_equal(a->response_len, ATTEMPT_MAX_RESPONSE);
    assert_int_equal(a->response.len, ATTEMPT_MAX_RESPONSE);
    assert_reason(a, "64 KiB");
}

static void test_drip(void **state)
{
    struct world *w = *state;
    int64_t before = clock_mono_ms();
    struct attempt *a = world_post(w, "/drip", 300);
    assert_true(clock_mono_ms() - before < 3000);
    assert_outcome(a, OUTCOME_DELIVERED); // the header was there
    assert_true(a->is_incomplete);
    assert_true(a->response_len > 0);
    a = world_post(w, "/drip-head", 300);
    assert_outcome(a, OUTCOME_TIMEOUT);
    assert_int_equal(a->status, 0);
    assert_reason(a, "within 300 ms");
}

static void test_statuses(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *path;
        enum outcome outcome;
        int status;
        int64_t retry_after_ms;
    } cases[] = {
        {"/301", OUTCOME_HTTP_3XX, 301, -1},
        {"/307", OUTCOME_HTTP_3XX, 307, -1},
        {"/400", OUTCOME_HTTP_4XX, 400, -1},
        {"/404", OUTCOME_HTTP_4XX, 404, -1},
        {"/410", OUTCOME_HTTP_410, 410, -1},
        {"/500", OUTCOME_HTTP_5XX, 500, -1},
        {"/429", OUTCOME_HTTP_429, 429, 120000},
        {"/429-plain", OUTCOME_HTTP_429, 429, -1},
        {"/503-junk", OUTCOME_HTTP_503, 503, -1},
        {"/503-huge", OUTCOME_HTTP_503, 503, 365LL * 86400 * 1000},
        {"/503-minus", OUTCOME_HTTP_503, 503, -1},
        {"/503-past", OUTCOME_HTTP_503, 503, 0},
        {"/200-retry", OUTCOME_DELIVERED, 200, -1},
        {"/interim", OUTCOME_DELIVERED, 200, -1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        unsigned before = hostile_requests(w->server);
        struct attempt *a = world_post(w, cases[i].path, 5000);
        assert_outcome(a, cases[i].outcome);
        assert_int_equal(a->status, cases[i].status);
        assert_int_equal(a->retry_after_ms, cases[i].retry_after_ms);
        assert_int_equal(hostile_requests(w->server), before + 1); // nothing was followed
    }
    assert_int_equal(hostile_connections(w->server), 1);
}

static void test_no_proper_answer(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *path;
        enum outcome outcome;
        const char *reason;
    } cases[] = {
        {"/rst", OUTCOME_RESET, "before an answer"},
        {"/close", OUTCOME_RESET, "before an answer"},
        {"/silent", OUTCOME_TIMEOUT, "within 400 ms"},
        {"/half-head", OUTCOME_BAD_RESPONSE, "within its headers"},
        {"/half-head-rst", OUTCOME_BAD_RESPONSE, "within its headers"},
        {"/interim-flood", OUTCOME_BAD_RESPONSE, "interim"},
        {"/101", OUTCOME_BAD_RESPONSE, "101"},
        {"/giant-head", OUTCOME_BAD_RESPONSE, "64 KiB"},
        {"/status-999", OUTCOME_BAD_RESPONSE, "status"},
        {"/status-099", OUTCOME_BAD_RESPONSE, ""},
        {"/no-http", OUTCOME_BAD_RESPONSE, ""},
        {"/http09", OUTCOME_BAD_RESPONSE, ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct attempt *a = world_post(w, cases[i].path, 400);
        if (a->outcome != cases[i].outcome)
            print_message("path %s:\n", cases[i].path);
        assert_outcome(a, cases[i].outcome);
        assert_true(a->reason.len > 0);
        assert_reason(a, cases[i].reason);
        assert_int_equal(a->status, 0);
        assert_false(a->is_resent);
    }
}

// ---- connections ------------------------------------------------------------------

static void test_connections_are_kept(void **state)
{
    struct world *w = *state;
    struct sender_stats stats;
    for (int i = 0; i < 50; i++) {
        struct attempt *a = world_post(w, "/200", 5000);
        assert_outcome(a, OUTCOME_DELIVERED);
        assert_int_equal(a->is_reused, i > 0);
    }
    assert_int_equal(hostile_connections(w->server), 1);
    sender_stats(w->sender, &stats);
    assert_int_equal(stats.connections_opened, 1);
    assert_int_equal(stats.requests, 50);
}

static void test_resend_on_a_new_connection(void **state)
{
    struct world *w = *state;
    static const char *const paths[] = {"/once", "/once-rst"};
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        struct sender_stats stats;
        unsigned before = hostile_requests(w->server);
        struct attempt *a = world_post(w, paths[i], 5000);
        assert_outcome(a, OUTCOME_DELIVERED);
        assert_false(a->is_resent);
        // The kept connection dies with this one before a byte of the answer.
        a = world_post(w, "/200", 5000);
        assert_outcome(a, OUTCOME_DELIVERED);
        assert_true(a->is_resent);
        assert_false(a->is_reused);
        assert_int_equal(hostile_requests(w->server), before + 3);
        sender_stats(w->sender, &stats);
        assert_int_equal(stats.resent, i + 1);
        // What libcurl kept of the flag must not make later ones connect anew.
        assert_true(world_post(w, "/200", 5000)->is_reused);
        assert_outcome(world_post(w, "/bye", 5000), OUTCOME_DELIVERED);
        assert_true(hostile_is_quiet(w->server)); // it is closed before the next one could take it
    }
}

static void test_resend_only_once(void **state)
{
    struct world *w = *state;
    unsigned before = 0;
    assert_outcome(world_post(w, "/once", 5000), OUTCOME_DELIVERED);
    before = hostile_requests(w->server);
    struct attempt *a = world_post(w, "/close", 5000);
    assert_outcome(a, OUTCOME_RESET);
    assert_true(a->is_resent);
    assert_int_equal(hostile_requests(w->server), before + 2);
}

static void test_kept_connection_closed_meanwhile(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 5; i++) {
        struct attempt *a = world_post(w, "/bye", 5000);
        assert_outcome(a, OUTCOME_DELIVERED);
        assert_false(a->is_reused);
        assert_true(hostile_is_quiet(w->server));
        for (int turn = 0; turn < 3; turn++)
            uv_run(&w->loop, UV_RUN_NOWAIT);
    }
}

static void test_many_at_once(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < 200; i++) {
        char url[64];
        snprintf(url, sizeof url, "http://127.0.%u.1:%u/200", i % 20, hostile_port(w->server));
        // Only 127.0.0.1 listens; on Linux all of 127/8 is local, and the rest refuses.
        struct attempt *a = world_make(url, 5000);
        sender_send(w->sender, &a);
    }
    sender_flush(w->sender);
    world_wait(w, 200);
    for (unsigned i = 0; i < 200; i++) {
        bool is_there = memcmp(w->ended[i]->url.at, "http://127.0.0.1", 16) == 0;
        assert_outcome(w->ended[i], is_there ? OUTCOME_DELIVERED : OUTCOME_CONNECT_REFUSED);
    }
}

static void test_slow_target_delays_nobody(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < 32; i++) {
        char url[64];
        snprintf(url, sizeof url, "http://127.0.0.1:%u/silent", hostile_port(w->server));
        world_send(w, world_make(url, 1500));
    }
    int64_t before = clock_mono_ms();
    for (int i = 0; i < 20; i++)
        assert_outcome(world_post(w, "/200", 5000), OUTCOME_DELIVERED);
    assert_true(clock_mono_ms() - before < 1000);
    world_wait(w, 52);
    for (unsigned i = 20; i < 52; i++)
        assert_outcome(w->ended[i], OUTCOME_TIMEOUT);
}

// ---- addresses --------------------------------------------------------------------

static void test_refused_port(void **state)
{
    struct world *w = *state;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    char url[64];
    char reason[64];
    int fd = socket(AF_INET, SOCK_STREAM, 0); // bound, never listening
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(at.sin_port));
    struct attempt *a = world_post_to(w, url, 5000);
    assert_outcome(a, OUTCOME_CONNECT_REFUSED);
    snprintf(reason, sizeof reason, "127.0.0.1 port %u refused the connection", ntohs(at.sin_port));
    assert_span(a->reason, reason);
    close(fd);
}

static void test_blocked(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *url, *reason;
    } cases[] = {
        {"http://10.1.2.3/", "10.1.2.3 is refused: private; to allow it, add \"10.1.2.3\""},
        {"http://[::ffff:a9fe:a9fe]/", "metadata service"},
        {"http://[::1]:8080/", "loopback"},
        {"http://0xa9fea9fe/", "169.254.169.254"},
        {"http://127.0.0.1:25/", "port 25 is refused; to allow it, add \"127.0.0.1:25\""},
        {"ftp://127.0.0.1/", "http://"},
        {"http://user@127.0.0.1/", "user information"},
        {"http://", "malformed"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct attempt *a = world_post_to(w, cases[i].url, 3000);
        assert_outcome(a, OUTCOME_BLOCKED_ADDRESS);
        assert_reason(a, cases[i].reason);
    }
    char *url = malloc(3000);
    assert_non_null(url);
    memset(url, 'a', 2999);
    memcpy(url, "http://127.0.0.1/", 17);
    url[2999] = '\0';
    struct attempt *a = world_post_to(w, url, 3000);
    free(url);
    assert_outcome(a, OUTCOME_BLOCKED_ADDRESS);
    assert_int_equal(hostile_connections(w->server), 0);
}

static void test_reloaded_guard(void **state)
{
    struct world *w = *state;
    struct errmsg message;
    struct span other = SPAN("192.168.0.0/16");
    struct span same = SPAN("127.0.0.1");
    assert_outcome(world_post(w, "/200", 5000), OUTCOME_DELIVERED);
    assert_int_equal(guard_reload(w->guard, &other, 1, &message), OK);
    struct attempt *a = world_post(w, "/200", 5000); // by the kept connection
    assert_outcome(a, OUTCOME_BLOCKED_ADDRESS);
    assert_reason(a, "the address 127.0.0.1 of 127.0.0.1 is refused: loopback");
    assert_true(hostile_is_quiet(w->server));
    assert_int_equal(hostile_requests(w->server), 1);
    assert_int_equal(guard_reload(w->guard, &same, 1, &message), OK);
    assert_outcome(world_post(w, "/200", 5000), OUTCOME_DELIVERED);
    assert_true(world_post(w, "/200", 5000)->is_reused);
}

static void test_unknown_name(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 20; i++)
        world_send(w, world_make("http://name.invalid/", 3000));
    world_wait(w, 20);
    for (int i = 0; i < 20; i++) {
        assert_outcome(w->ended[i], OUTCOME_DNS_ERROR);
        assert_reason(w->ended[i], "name.invalid");
    }
    assert_outcome(world_post(w, "/200", 1000), OUTCOME_DELIVERED);
}

static void test_localhost_is_loopback(void **state)
{
    struct world *w = *state;
    char url[64];
    snprintf(url, sizeof url, "http://foo.localhost:%u/200", hostile_port(w->server));
    struct attempt *a = world_post_to(w, url, 3000);
    assert_outcome(a, OUTCOME_DELIVERED);
}

static void test_source_address(void **state)
{
    struct world w;
    struct world_config config = {
        .allow = "127.0.0.1", .threads = 1, .multis = 1, .source_address = "127.0.0.9"};
    (void)state;
    world_start(&w, replies, &config);
    assert_outcome(world_post(&w, "/200", 5000), OUTCOME_DELIVERED);
    assert_int_equal(hostile_peer(w.server), 0x7f000009);
    world_stop(&w);
    config.source_address = "no-such-if0";
    world_start(&w, replies, &config);
    assert_outcome(world_post(&w, "/200", 5000), OUTCOME_CONNECT_REFUSED);
    world_stop(&w);
}

// With a proxy, names and addresses are the proxy's business.
static void test_proxy(void **state)
{
    struct world w;
    struct world_config config = {.threads = 1, .multis = 1, .is_proxy = true};
    size_t len = 0;
    (void)state;
    world_start(&w, replies, &config);
    assert_outcome(world_post_to(&w, "http://name.invalid/x", 5000), OUTCOME_DELIVERED);
    assert_memory_equal(hostile_request(w.server, &len), "POST http://name.invalid/x HTTP/1.1", 35);
    assert_outcome(world_post_to(&w, "http://10.0.0.1/410", 5000), OUTCOME_DELIVERED);
    assert_int_equal(hostile_connections(w.server), 1);
    world_stop(&w);
}

static void send_to_failpoints(void *context)
{
    struct world w;
    struct errmsg message;
    const char *point = context;
    setenv("GRAPNEL_TEST", "1", 1);
    setenv("GRAPNEL_FAILPOINT", point, 1);
    if (failpoint_init(&message) != OK)
        _exit(1);
    struct world_config config = {.allow = "127.0.0.1", .threads = 1, .multis = 1};
    world_start(&w, replies, &config);
    struct attempt *a = world_post(&w, "/200", 5000);
    bool is_lost = a->outcome == OUTCOME_RESET && hostile_requests(w.server) == 1;
    bool is_fine = world_post(&w, "/200", 5000)->outcome == OUTCOME_DELIVERED;
    world_stop(&w);
    _exit(is_lost && is_fine ? 0 : 2);
}

static void test_failpoints(void **state)
{
    static const char *const points[] = {"send_after_post", "send_after_answer"};
    static struct child_end end;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(points); i++) {
        char spec[64];
        snprintf(spec, sizeof spec, "%s:error:1", points[i]);
        child_run(send_to_failpoints, spec, &end);
        if (end.exit_code != 0)
            fail_msg("%s: exit %d, signal %d: %s", spec, end.exit_code, end.signal, end.text);
        snprintf(spec, sizeof spec, "%s:kill:1", points[i]);
        child_run(send_to_failpoints, spec, &end);
        assert_int_equal(end.signal, SIGKILL);
    }
}

// It is our own shortage, and the reason says so.
static void send_without_descriptors(void *unused)
{
    struct world w;
    struct rlimit limit;
    struct rlimit none;
    struct world_config config = {.allow = "127.0.0.0/8", .threads = 1, .multis = 1};
    (void)unused;
    world_start(&w, replies, &config);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        _exit(1);
    none = limit;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
    struct attempt *a = world_post(&w, "/200", 5000);
    bool is_fine = a->outcome == OUTCOME_CONNECT_REFUSED &&
                   memmem(a->reason.at, a->reason.len, "Too many open files", 19) != NULL;
    setrlimit(RLIMIT_NOFILE, &limit);
    is_fine = is_fine && world_post(&w, "/200", 5000)->outcome == OUTCOME_DELIVERED;
    world_stop(&w);
    _exit(is_fine ? 0 : 2);
}

static void test_no_descriptors(void **state)
{
    static struct child_end end;
    (void)state;
    child_run(send_without_descriptors, NULL, &end);
    if (end.exit_code != 0)
        fail_msg("exit %d, signal %d: %s", end.exit_code, end.signal, end.text);
}

// ---- stopping ---------------------------------------------------------------------

static void start_two_threads(struct world *w)
{
    struct world_config config = {.allow = "127.0.0.1", .threads = 2, .multis = 2};
    world_start(w, replies, &config);
}

static void test_stop_aborts(void **state)
{
    struct world w;
    (void)state;
    start_two_threads(&w);
    for (int i = 0; i < 10; i++) {
        char url[64];
        snprintf(url, sizeof url, "http://127.0.0.1:%u/%s", hostile_port(w.server),
                 i % 2 ? "silent" : "200");
        world_send(&w, world_make(url, 60000));
    }
    world_wait(&w, 5);
    world_stop_sender(&w, 50);
    assert_int_equal(w.ended_count, 10);
    for (unsigned i = 0; i < 10; i++) {
        if (i < 5)
            assert_outcome(w.ended[i], OUTCOME_DELIVERED);
        else
            assert_int_equal(w.ended[i]->outcome, OUTCOME_NONE);
    }
    world_free(&w);
}

static void test_stop_waits(void **state)
{
    struct world w;
    (void)state;
    start_two_threads(&w);
    for (int i = 0; i < 10; i++) {
        char url[64];
        snprintf(url, sizeof url, "http://127.0.0.1:%u/200", hostile_port(w.server));
        struct attempt *a = world_make(url, 60000);
        sender_send(w.sender, &a);
    }
    world_stop_sender(&w, 10000);
    assert_int_equal(w.ended_count, 10);
    for (unsigned i = 0; i < 10; i++)
        assert_outcome(w.ended[i], OUTCOME_DELIVERED);
    world_free(&w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_request_bytes),
        TEST(test_methods_and_bodies),
        TEST(test_delivered),
        TEST(test_bodies),
        TEST(test_endless_body),
        TEST(test_drip),
        TEST(test_statuses),
        TEST(test_no_proper_answer),
        TEST(test_connections_are_kept),
        TEST(test_resend_on_a_new_connection),
        TEST(test_resend_only_once),
        TEST(test_kept_connection_closed_meanwhile),
        TEST(test_many_at_once),
        TEST(test_slow_target_delays_nobody),
        TEST(test_refused_port),
        TEST(test_blocked),
        TEST(test_reloaded_guard),
        TEST(test_unknown_name),
        TEST(test_localhost_is_loopback),
        cmocka_unit_test(test_source_address),
        cmocka_unit_test(test_proxy),
        cmocka_unit_test(test_failpoints),
        cmocka_unit_test(test_no_descriptors),
        cmocka_unit_test(test_stop_aborts),
        cmocka_unit_test(test_stop_waits),
    };
    // Nothing of the environment may lead requests elsewhere.
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
