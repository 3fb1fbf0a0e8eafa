// SPDX-License-Identifier: MIT
// Tests of send/sender over TLS: whom it trusts, what it refuses and why, versions, kept connections.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/send_world.h"
#include "support/tls_server.h"

static const struct hostile_reply silent[] = {
    {"/", "", HOSTILE_KEEP},
    {NULL, NULL, HOSTILE_KEEP},
};

struct tls_world {
    struct world w;
    struct tls_server *server;
    char url[64];
};

static void start(struct tls_world *t, const char *san, bool is_expired, bool is_trusted)
{
    t->server = tls_server_start(san, is_expired);
    struct world_config config = {
        .allow = "127.0.0.0/8",
        .threads = 1,
        .multis = 2,
        .ca_file = is_trusted ? tls_server_ca_file(t->server) : NULL,
    };
    world_start(&t->w, silent, &config);
    snprintf(t->url, sizeof t->url, "https://127.0.0.1:%u/x", tls_server_port(t->server));
}

static void stop(struct tls_world *t)
{
    world_stop(&t->w);
    tls_server_stop(t->server);
}

static void test_trusted(void **state)
{
    struct tls_world t;
    (void)state;
    start(&t, "IP:127.0.0.1", false, true);
    for (int i = 0; i < 3; i++) {
        struct attempt *a = world_post_to(&t.w, t.url, 5000);
        assert_outcome(a, OUTCOME_DELIVERED);
        assert_span(a->tls, "TLSv1.3");
        assert_span(a->response, "ok");
        assert_int_equal(a->is_reused, i > 0);
        assert_int_equal(a->times.tls_us > a->times.connect_us, i == 0);
    }
    stop(&t);
}

static void assert_refused(const char *san, bool is_expired, bool is_trusted, const char *reason)
{
    struct tls_world t;
    start(&t, san, is_expired, is_trusted);
    struct attempt *a = world_post_to(&t.w, t.url, 5000);
    assert_outcome(a, OUTCOME_TLS_ERROR);
    assert_reason(a, reason);
    assert_int_equal(a->status, 0);
    assert_int_equal(a->tls.len, 0);
    stop(&t);
}

static void test_self_signed(void **state)
{
    (void)state;
    assert_refused("IP:127.0.0.1", false, false, "self-signed certificate");
}

static void test_expired(void **state)
{
    (void)state;
    assert_refused("IP:127.0.0.1", true, true, "expired");
}

static void test_wrong_host(void **state)
{
    (void)state;
    assert_refused("DNS:example.com", false, true, "127.0.0.1");
}

static void test_plain_server(void **state)
{
    struct tls_world t;
    char url[64];
    (void)state;
    start(&t, "IP:127.0.0.1", false, true);
    // It waits for the end of a request that looks like none.
    snprintf(url, sizeof url, "https://127.0.0.1:%u/", hostile_port(t.w.server));
    struct attempt *a = world_post_to(&t.w, url, 300);
    assert_outcome(a, OUTCOME_CONNECT_TIMEOUT);
    assert_reason(a, "300 ms");
    // And the other way round.
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", tls_server_port(t.server));
    a = world_post_to(&t.w, url, 3000);
    assert_true(a->outcome == OUTCOME_RESET || a->outcome == OUTCOME_BAD_RESPONSE);
    stop(&t);
}

static void test_bad_ca_file(void **state)
{
    struct world w;
    struct world_config config = {
        .allow = "127.0.0.1", .threads = 1, .multis = 1, .ca_file = "/nonexistent/ca.pem"};
    struct tls_server *server = tls_server_start("IP:127.0.0.1", false);
    char url[64];
    (void)state;
    world_start(&w, NULL, &config);
    snprintf(url, sizeof url, "https://127.0.0.1:%u/x", tls_server_port(server));
    assert_outcome(world_post_to(&w, url, 3000), OUTCOME_TLS_ERROR);
    world_stop(&w);
    tls_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trusted),      cmocka_unit_test(test_self_signed),
        cmocka_unit_test(test_expired),      cmocka_unit_test(test_wrong_host),
        cmocka_unit_test(test_plain_server), cmocka_unit_test(test_bad_ca_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
