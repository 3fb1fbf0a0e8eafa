// SPDX-License-Identifier: MIT
// Tests of send/sender with a name server of the test's own: one lookup for all, names that never
// answer, addresses that change, rebinding.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "send/target.h"
#include "support/dns_server.h"
#include "support/send_world.h"

static const struct hostile_reply replies[] = {
    {"/bye", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", HOSTILE_CLOSE},
    {"/once", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", HOSTILE_ONCE},
    {NULL, NULL, HOSTILE_KEEP},
};

static int64_t *clock_offset; // ns that are added to the engine's clock; mapped
static bool is_entered;       // this system lets us have a name server

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct world_config config = {.allow = "127.0.0.0/8", .threads = 1, .multis = 4};
    assert_non_null(w);
    if (is_entered)
        dns_server_start();
    world_start(w, replies, &config);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_stop(*state);
    if (is_entered)
        dns_server_stop();
    free(*state);
    return 0;
}

static const char *url_of(struct world *w, const char *name, const char *path)
{
    static char url[512];
    snprintf(url, sizeof url, "http://%s:%u%s", name, hostile_port(w->server), path);
    return url;
}

static struct attempt *post_name(struct world *w, const char *name, const char *path)
{
    return world_post_to(w, url_of(w, name, path), 5000);
}

static void send_name(struct world *w, const char *name, const char *path, uint32_t timeout_ms)
{
    world_send(w, world_make(url_of(w, name, path), timeout_ms));
}

static void let_pass_s(int64_t seconds)
{
    __atomic_add_fetch(clock_offset, seconds * 1000000000, __ATOMIC_SEQ_CST);
}

#define NEEDS_DNS()      \
    do {                 \
        if (!is_entered) \
            skip();      \
    } while (0)

static void test_one_lookup_for_all(void **state)
{
    struct world *w = *state;
    NEEDS_DNS();
    for (int i = 0; i < 30; i++)
        send_name(w, "one.test", "/bye", 5000);
    world_wait(w, 30);
    for (int i = 0; i < 10; i++)
        post_name(w, "one.test", "/bye");
    for (int i = 0; i < 40; i++)
        assert_outcome(w->ended[i], OUTCOME_DELIVERED);
    assert_int_equal(hostile_connections(w->server), 40);
    assert_int_equal(dns_server_asked("one.test"), 1);
}

static void test_slow_lookup(void **state)
{
    struct world *w = *state;
    NEEDS_DNS();
    for (int i = 0; i < 10; i++)
        send_name(w, "slow.test", "/200", 5000);
    // An address needs no lookup, and waits for none.
    assert_outcome(world_post(w, "/200", 1000), OUTCOME_DELIVERED);
    assert_int_equal(w->ended_count, 1);
    world_wait(w, 11);
    for (int i = 1; i < 11; i++)
        assert_outcome(w->ended[i], OUTCOME_DELIVERED);
    assert_int_equal(dns_server_asked("slow.test"), 1);
}

static void test_unknown_name_is_shared(void **state)
{
    struct world *w = *state;
    NEEDS_DNS();
    for (int i = 0; i < 20; i++)
        send_name(w, "nx.test", "/200", 5000);
    world_wait(w, 20);
    for (int i = 0; i < 20; i++) {
        assert_outcome(w->ended[i], OUTCOME_DNS_ERROR);
        assert_reason(w->ended[i], "nx.test");
    }
    assert_int_equal(dns_server_asked("nx.test"), 1);
    assert_outcome(post_name(w, "nx.test", "/200"), OUTCOME_DNS_ERROR);
    assert_int_equal(dns_server_asked("nx.test"), 2);
}

// Names that never answer: others that are known, new or addresses are not delayed by them.
static void test_hanging_names(void **state)
{
    struct world *w = *state;
    NEEDS_DNS();
    assert_outcome(post_name(w, "known.test", "/bye"), OUTCOME_DELIVERED);
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof name, "hang-%d.test", i % 50);
        send_name(w, name, "/200", 1500);
    }
    int64_t before = clock_mono_ms();
    for (int i = 0; i < 10; i++) {
        assert_outcome(post_name(w, "known.test", "/bye"), OUTCOME_DELIVERED);
        assert_outcome(world_post(w, "/bye", 1000), OUTCOME_DELIVERED);
    }
    assert_true(clock_mono_ms() - before < 1000);
    assert_int_equal(w->ended_count, 21);
    assert_true(dns_server_names("hang") <= TARGET_MAX_LOOKUPS);
    world_wait(w, 121);
    assert_true(clock_mono_ms() - before < 5000);
    for (int i = 21; i < 121; i++) {
        assert_outcome(w->ended[i], OUTCOME_DNS_ERROR);
        assert_reason(w->ended[i], "hang-");
    }
    // Many names are suspects by now: a new name is looked up at once all the same.
    for (int i = 0; i < 50; i++) {
        char name[32];
        snprintf(name, sizeof name, "hang-%d.test", i);
        send_name(w, name, "/200", 1500);
    }
    before = clock_mono_ms();
    assert_outcome(post_name(w, "fresh.test", "/200"), OUTCOME_DELIVERED);
    assert_true(clock_mono_ms() - before < 1000);
    world_wait(w, 172);
}

static void test_old_answers_are_looked_up_again(void **state)
{
    struct world *w = *state;
    NEEDS_DNS();
    assert_outcome(post_name(w, "old.test", "/200"), OUTCOME_DELIVERED);
    let_pass_s(61);
    // A kept connection needs no address.
    assert_true(post_name(w, "old.test", "/200")->is_reused);
    assert_int_equal(dns_server_asked("old.test"), 1);
    assert_outcome(post_name(w, "old.test", "/bye"), OUTCOME_DELIVERED);
    // A new one does: once, for all.
    for (int i = 0; i < 8; i++)
        send_name(w, "old.test", "/bye", 5000);
    world_wait(w, 11);
    for (int i = 3; i < 11; i++)
        assert_outcome(w->ended[i], OUTCOME_DELIVERED);
    assert_int_equal(dns_server_asked("old.test"), 2);
    assert_int_equal(hostile_requests(w->server), 11);
}

static void test_final_dot(void **state)
{
    struct world *w = *state;
    NEEDS_DNS();
    assert_outcome(post_name(w, "dot.test.", "/bye"), OUTCOME_DELIVERED);
    let_pass_s(61);
    assert_outcome(post_name(w, "dot.test.", "/bye"), OUTCOME_DELIVERED);
    assert_int_equal(dns_server_asked("dot.test"), 2);
}

// The kept connection dies with the request, and the address is too old for the next one.
static void test_resend_after_a_lookup(void **state)
{
    struct world *w = *state;
    NEEDS_DNS();
    assert_outcome(post_name(w, "again.test", "/once"), OUTCOME_DELIVERED);
    let_pass_s(61);
    struct attempt *a = post_name(w, "again.test", "/200");
    assert_outcome(a, OUTCOME_DELIVERED);
    assert_true(a->is_resent);
    assert_int_equal(dns_server_asked("again.test"), 2);
    assert_int_equal(hostile_requests(w->server), 3);
}

static void test_failed_connection_is_looked_up_again(void **state)
{
    struct world *w = *state;
    NEEDS_DNS();
    struct attempt *a = post_name(w, "late.test", "/200"); // 127.0.0.77 refuses
    assert_outcome(a, OUTCOME_CONNECT_REFUSED);
    assert_reason(a, "127.0.0.77");
    assert_outcome(post_name(w, "late.test", "/200"), OUTCOME_DELIVERED);
    assert_int_equal(dns_server_asked("late.test"), 2);
}

static void test_rebinding(void **state)
{
    struct world *w = *state;
    NEEDS_DNS();
    assert_outcome(post_name(w, "turn.test", "/bye"), OUTCOME_DELIVERED);
    let_pass_s(61);
    struct attempt *a = post_name(w, "turn.test", "/bye");
    assert_outcome(a, OUTCOME_BLOCKED_ADDRESS);
    assert_reason(a, "10.0.0.1 of turn.test is refused: private");
    let_pass_s(61);
    assert_outcome(post_name(w, "turn.test", "/bye"), OUTCOME_DELIVERED);
}

static void test_mixed_addresses(void **state)
{
    struct world *w = *state;
    NEEDS_DNS();
    struct attempt *a = post_name(w, "a-10-0-0-1--127-0-0-1--169-254-169-254.test", "/bye");
    assert_outcome(a, OUTCOME_DELIVERED);
    assert_memory_equal(a->remote.at, "127.0.0.1:", 10);
    a = post_name(w, "a-10-0-0-1--169-254-169-254.test", "/bye");
    assert_outcome(a, OUTCOME_BLOCKED_ADDRESS);
    a = post_name(w, "a-127-0-0-77--127-0-0-1.test", "/bye"); // the first refuses
    assert_outcome(a, OUTCOME_DELIVERED);
}

static void test_localhost_asks_nobody(void **state)
{
    struct world *w = *state;
    NEEDS_DNS();
    assert_outcome(post_name(w, "localhost", "/bye"), OUTCOME_DELIVERED);
    assert_outcome(post_name(w, "x.localhost", "/bye"), OUTCOME_DELIVERED);
    assert_int_equal(dns_server_asked(""), 0);
}

static void test_stop_while_looking_up(void **state)
{
    struct world w;
    struct world_config config = {.allow = "127.0.0.0/8", .threads = 2, .multis = 2};
    NEEDS_DNS();
    (void)state;
    world_start(&w, replies, &config);
    for (int i = 0; i < 80; i++) {
        char name[32];
        snprintf(name, sizeof name, "hang-%d.test", i);
        send_name(&w, name, "/200", 20000);
    }
    int64_t before = clock_mono_ms();
    world_stop_sender(&w, 100);
    assert_true(clock_mono_ms() - before < 2000);
    assert_int_equal(w.ended_count, 80);
    for (int i = 0; i < 80; i++)
        assert_int_equal(w.ended[i]->outcome, OUTCOME_NONE);
    world_free(&w);
}

static void own_clock(void)
{
    char path[] = "/tmp/test_clockXXXXXX";
    int fd = mkstemp(path);
    struct errmsg message = {""};
    assert_int_equal(ftruncate(fd, 2 * sizeof *clock_offset), 0);
    clock_offset = mmap(NULL, sizeof *clock_offset, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(clock_offset != MAP_FAILED);
    setenv("GRAPNEL_TEST", "1", 1);
    setenv("GRAPNEL_CLOCK", path, 1);
    assert_int_equal(clock_init(&message), OK);
    close(fd);
    unlink(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_lookup_for_all),
        TEST(test_slow_lookup),
        TEST(test_unknown_name_is_shared),
        TEST(test_hanging_names),
        TEST(test_old_answers_are_looked_up_again),
        TEST(test_final_dot),
        TEST(test_resend_after_a_lookup),
        TEST(test_failed_connection_is_looked_up_again),
        TEST(test_rebinding),
        TEST(test_mixed_addresses),
        TEST(test_localhost_asks_nobody),
        TEST(test_stop_while_looking_up),
    };
    is_entered = dns_server_enter();
    if (!is_entered)
        print_message("skipped: this system gives no namespaces\n");
    own_clock();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
