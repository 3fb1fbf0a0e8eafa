// SPDX-License-Identifier: MIT
// The bounds of the ingest socket: back-pressure, memory, connections, descriptors; one thread.
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka.h needs the four above.
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "ingest/connection.h"
#include "support/ingest_rig.h"

#define LINE "{\"event\":\"a\",\"data\":1}\n"

static struct rig rig;

static int teardown(void **state)
{
    (void)state;
    rig_stop(&rig);
    return 0;
}

static void expect(const struct client *c, uint64_t n, const char *expected)
{
    struct span line = client_line(c, n);
    if (!span_is(line, expected))
        fail_msg("line %llu is %.*s", (unsigned long long)n, SPAN_ARGS(line));
}

static struct ingest_stats stats(void)
{
    struct ingest_stats s;
    ingest_stats(rig.ingest, &s);
    return s;
}

// ---- back-pressure -----------------------------------------------------------------------------

// Sends whole lines until the engine has not taken any for a while; how many.
static size_t stuff(struct client *c, const char *text)
{
    size_t len = strlen(text);
    size_t bytes = 0;
    for (int idle = 0; idle < 20; idle++) {
        // Goes on where the kernel stopped in the middle of a line.
        size_t at = bytes % len;
        size_t sent = client_try_send(c, text + at, len - at);
        bytes += sent;
        if (sent > 0)
            idle = 0;
        else
            rig_turn(&rig);
    }
    return bytes / len;
}

static size_t used_memory(void)
{
    return mallinfo2().uordblks;
}

static void test_producer_that_never_reads(void **state)
{
    (void)state;
    struct client deaf;
    struct client other;
    rig_start(&rig, NULL, 0);
    rig.is_immediate = true;
    client_open(&deaf, &rig);
    client_open(&other, &rig);
    size_t before = used_memory();
    size_t lines = stuff(&deaf, LINE);
    assert_true(lines > 1000);
    assert_true(lines < 100000);
    // Replies that do not fit the kernel's buffers: some more than 64 KiB.
    assert_true(used_memory() - before < (size_t)1 << 20);
    // Bad lines have replies, too.
    lines += stuff(&deaf, "\n");
    assert_true(used_memory() - before < (size_t)1 << 20);
    // Others go on meanwhile.
    client_send(&other, LINE);
    client_wait(&other, 1);
    // And when it reads after all, everything is there.
    uint64_t accepted = rig.accepted;
    client_read(&deaf);
    client_wait(&deaf, accepted);
    int64_t give_up = clock_mono_ms() + 30000;
    while (deaf.lines < lines && clock_mono_ms() < give_up) {
        rig_turn(&rig);
        client_read(&deaf);
    }
    assert_true(deaf.lines >= lines);
    client_close(&deaf);
    client_close(&other);
}

static void on_drained(void *context)
{
    struct rig *r = context;
    r->is_drained = true;
}

static void test_drain_does_not_wait_for_ever(void **state)
{
    (void)state;
    struct client deaf;
    rig_start(&rig, NULL, 0);
    rig.is_immediate = true;
    client_open(&deaf, &rig);
    assert_true(stuff(&deaf, LINE) > 1000);
    int64_t start = clock_mono_ms();
    ingest_drain(rig.ingest, on_drained, &rig);
    while (!rig.is_drained && clock_mono_ms() - start < 10000)
        (void)uv_run(&rig.loop, UV_RUN_ONCE);
    assert_true(rig.is_drained);
    assert_true(clock_mono_ms() - start >= 150); // it had its chance
    client_close(&deaf);
}

// A bad line is answered at once, but its reply waits for those before it: that is bounded, too.
static void test_bad_lines_behind_one_that_waits(void **state)
{
    (void)state;
    struct client c;
    rig_start(&rig, NULL, 0);
    client_open(&c, &rig);
    client_send(&c, LINE);
    size_t before = used_memory();
    size_t lines = stuff(&c, "\n");
    assert_true(lines > rig.limits.lines);
    assert_true(stats().rejected[WIRE_BAD_JSON] <= rig.limits.lines);
    assert_true(used_memory() - before < (size_t)4 << 20);
    rig_answer(&rig, 1, RIG_FIRST);
    client_wait(&c, lines + 1);
    client_close(&c);
}

static void test_limits_of_a_connection(void **state)
{
    (void)state;
    struct client c;
    struct ingest_limits limits = ingest_limits;
    limits.lines = 10;
    rig_start(&rig, &limits, 0);
    client_open(&c, &rig);
    for (int i = 0; i < 35; i++)
        assert_int_equal(client_try_send(&c, LINE, sizeof LINE - 1), sizeof LINE - 1);
    rig_turn(&rig);
    assert_int_equal(rig.count, 10);
    rig_answer(&rig, 3, RIG_LAST); // their replies wait, and so do their places
    rig_turn(&rig);
    assert_int_equal(rig.count, 7);
    rig_answer(&rig, 4, RIG_FIRST);
    rig_turn(&rig);
    assert_int_equal(rig.count, 7);
    while (rig.count > 0) {
        rig_answer(&rig, rig.count, RIG_FIRST);
        rig_turn(&rig);
    }
    client_wait(&c, 35);
    assert_int_equal(rig.most, 10);
    client_close(&c);
}

static void test_limit_of_bytes(void **state)
{
    (void)state;
    struct client c;
    struct ingest_limits limits = ingest_limits;
    limits.bytes = 1000;
    rig_start(&rig, &limits, 0);
    client_open(&c, &rig);
    char line[2100];
    int len = snprintf(line, sizeof line, "{\"event\":\"a\",\"data\":\"%0400d\"}\n", 0);
    for (int i = 0; i < 10; i++)
        (void)client_try_send(&c, line, (size_t)len);
    rig_turn(&rig);
    assert_int_equal(rig.count, 3); // 1,290 bytes: the limit stops the next one
    rig_answer(&rig, 3, RIG_FIRST);
    // One line may be longer than the limit.
    len = snprintf(line, sizeof line, "{\"event\":\"a\",\"data\":\"%02000d\"}\n", 0);
    (void)client_try_send(&c, line, (size_t)len);
    while (c.lines < 11) {
        rig_turn(&rig);
        rig_answer(&rig, rig.count, RIG_FIRST);
        client_read(&c);
    }
    client_close(&c);
}

// What is too much for all together waits its turn, and everybody has one.
static void test_limit_of_all_connections(void **state)
{
    (void)state;
    enum { CLIENTS = 5, EACH = 40 };
    struct client clients[CLIENTS];
    struct ingest_limits limits = ingest_limits;
    limits.lines = 10;
    limits.total_lines = 15;
    rig_start(&rig, &limits, 0);
    for (int i = 0; i < CLIENTS; i++) {
        client_open(&clients[i], &rig);
        for (int k = 0; k < EACH; k++)
            (void)client_try_send(&clients[i], LINE, sizeof LINE - 1);
    }
    for (int turn = 0; turn < 400; turn++) {
        rig_turn(&rig);
        rig_answer(&rig, 5, RIG_FIRST);
        for (int i = 0; i < CLIENTS; i++)
            client_read(&clients[i]);
        // Nobody is far behind the others: in 20 turns there were 100 answers.
        if (turn == 20) {
            for (int i = 0; i < CLIENTS; i++)
                assert_true(clients[i].lines > 10);
        }
    }
    assert_int_equal(rig.most, 15);
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(clients[i].lines, EACH);
        client_close(&clients[i]);
    }
}

// Long unfinished lines share a bounded memory; the oldest always goes on.
static void test_unfinished_lines(void **state)
{
    (void)state;
    enum { CLIENTS = 6, LEN = 300000 };
    struct client clients[CLIENTS];
    size_t sent[CLIENTS] = {0};
    struct ingest_limits limits = ingest_limits;
    limits.held_bytes = 400000;
    rig_start(&rig, &limits, 0);
    rig.is_immediate = true;
    char *line = xmalloc(LEN);
    (void)snprintf(line, LEN, "{\"event\":\"a\",\"data\":\"%0*d\"}", LEN - 25, 0);
    line[LEN - 1] = '\n';
    for (int i = 0; i < CLIENTS; i++)
        client_open(&clients[i], &rig);
    size_t most = 0;
    int done = 0;
    for (int turn = 0; turn < 5000 && done < CLIENTS; turn++) {
        done = 0;
        for (int i = 0; i < CLIENTS; i++) {
            size_t left = LEN - sent[i] < 10000 ? LEN - sent[i] : 10000;
            sent[i] += client_try_send(&clients[i], line + sent[i], left);
            client_read(&clients[i]);
            done += clients[i].lines == 1;
        }
        rig_turn(&rig);
        most = stats().held_bytes > most ? stats().held_bytes : most;
    }
    assert_int_equal(done, CLIENTS);
    // The limit, one reading each beyond it, and the growth of the oldest, in powers of two.
    assert_true(most < 400000 + (size_t)CLIENTS * 131072 + 524288);
    assert_int_equal(stats().held_bytes, 0);
    xfree(line);
    for (int i = 0; i < CLIENTS; i++)
        client_close(&clients[i]);
}

// One that sends the start of a long line and then nothing must not keep the others waiting.
static void test_stuck_line_is_given_up(void **state)
{
    (void)state;
    enum { LEN = 300000 };
    struct client stuck;
    struct client other;
    struct ingest_limits limits = ingest_limits;
    limits.held_bytes = 200000;
    rig_start(&rig, &limits, 0);
    rig.is_immediate = true;
    char *line = xmalloc(LEN);
    (void)snprintf(line, LEN, "{\"event\":\"a\",\"data\":\"%0*d\"}", LEN - 25, 0);
    line[LEN - 1] = '\n';
    client_open(&stuck, &rig);
    client_open(&other, &rig);
    client_send_bytes(&stuck, line, LEN - 1);
    connection_check_growing(rig.ingest); // what the timer does
    size_t sent = 0;
    for (int i = 0; i < 100; i++) {
        sent += client_try_send(&other, line + sent, LEN - sent);
        rig_turn(&rig);
    }
    client_read(&other);
    assert_int_equal(other.lines, 0); // waits for room
    assert_false(stuck.is_ended);
    connection_check_growing(rig.ingest);
    client_wait_end(&stuck);
    assert_int_equal(stuck.lines, 0);
    client_send_bytes(&other, line + sent, LEN - sent);
    client_wait(&other, 1);
    assert_int_equal(stats().held_bytes, 0);
    xfree(line);
    client_close(&stuck);
    client_close(&other);
}

static void test_idle_connections_cost_little(void **state)
{
    (void)state;
    enum { CLIENTS = 200 };
    struct client clients[CLIENTS];
    rig_start(&rig, NULL, 0);
    rig.is_immediate = true;
    size_t before = used_memory();
    for (int i = 0; i < CLIENTS; i++) {
        client_open(&clients[i], &rig);
        client_send(&clients[i], LINE);
        client_wait(&clients[i], 1);
        buf_reset(&clients[i].in, 0);
    }
    size_t each = (used_memory() - before) / CLIENTS;
    print_message("an idle connection: %zu bytes\n", each);
    assert_true(each < 8192);
    for (int i = 0; i < CLIENTS; i++)
        client_close(&clients[i]);
}

// ---- connections -------------------------------------------------------------------------------

static void test_too_many_connections(void **state)
{
    (void)state;
    struct client clients[3];
    struct ingest_limits limits = ingest_limits;
    limits.connections = 2;
    limits.per_user = 2;
    rig_start(&rig, &limits, 0);
    rig.is_immediate = true;
    for (int i = 0; i < 3; i++)
        client_open(&clients[i], &rig);
    client_wait_end(&clients[2]);
    expect(&clients[2], 0,
           "{\"ok\":false,\"error\":{\"code\":\"rate_limited\",\"message\":\"too many connections "
           "are open: try again\",\"retry_ms\":1000}}");
    client_close(&clients[2]);
    client_send(&clients[1], LINE);
    client_wait(&clients[1], 1);
    client_close(&clients[0]);
    rig_turn(&rig);
    client_open(&clients[0], &rig);
    client_send(&clients[0], LINE);
    client_wait(&clients[0], 1);
    assert_int_equal(stats().connections_refused, 1);
    assert_int_equal(stats().connections_total, 3);
    client_close(&clients[0]);
    client_close(&clients[1]);
}

static void test_a_user_takes_not_all(void **state)
{
    (void)state;
    struct client clients[3];
    struct ingest_limits limits = ingest_limits;
    limits.connections = 10;
    limits.per_user = 2;
    rig_start(&rig, &limits, 0);
    for (int i = 0; i < 3; i++)
        client_open(&clients[i], &rig);
    client_wait_end(&clients[2]);
    assert_non_null(memmem(clients[2].in.at, clients[2].in.len, "this user has too many", 22));
    for (int i = 0; i < 3; i++)
        client_close(&clients[i]);
}

static void test_no_descriptor_left(void **state)
{
    (void)state;
    enum { CLIENTS = 10 };
    int fds[CLIENTS];
    struct rlimit old;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    rig_start(&rig, NULL, 0);
    rig.is_immediate = true;
    memcpy(address.sun_path, rig.path, strlen(rig.path) + 1);
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    struct rlimit low = {.rlim_cur = (rlim_t)fds[CLIENTS - 1] + 4, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    int64_t cpu = clock_thread_cpu_ns();
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(connect(fds[i], (struct sockaddr *)&address, sizeof address), 0);
    int64_t until = clock_mono_ms() + 300;
    while (clock_mono_ms() < until) { // the timer ends a wait of 100 ms
        (void)uv_run(&rig.loop, UV_RUN_NOWAIT);
        (void)usleep(1000);
    }
    cpu = clock_thread_cpu_ns() - cpu;
    assert_true(cpu < INT64_C(200000000));
    assert_true(stats().connections >= 1); // libuv takes a descriptor, too
    assert_int_equal(stats().connections + stats().connections_refused, CLIENTS);
    char reply[512] = "";
    assert_true(recv(fds[CLIENTS - 1], reply, sizeof reply - 1, 0) > 0);
    assert_non_null(strstr(reply, "\"code\":\"rate_limited\""));
    assert_non_null(strstr(reply, "no file descriptor left"));
    // Those that have a connection work, and new ones come in as soon as there is room.
    assert_int_equal(send(fds[0], LINE, sizeof LINE - 1, 0), sizeof LINE - 1);
    rig_turn(&rig);
    assert_true(recv(fds[0], reply, sizeof reply, 0) > 0);
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    struct client c;
    rig_turn(&rig);
    client_open(&c, &rig);
    client_send(&c, LINE);
    client_wait(&c, 1);
    client_close(&c);
}

int main(void)
{
    log_setup(LOG_ERROR, LOG_LOGFMT);
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_stuck_line_is_given_up),       TEST(test_drain_does_not_wait_for_ever),
        TEST(test_producer_that_never_reads),    TEST(test_bad_lines_behind_one_that_waits),
        TEST(test_limits_of_a_connection),       TEST(test_limit_of_bytes),
        TEST(test_limit_of_all_connections),     TEST(test_unfinished_lines),
        TEST(test_idle_connections_cost_little), TEST(test_too_many_connections),
        TEST(test_a_user_takes_not_all),         TEST(test_no_descriptor_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
