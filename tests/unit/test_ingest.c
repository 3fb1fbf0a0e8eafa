// SPDX-License-Identifier: MIT
// The ingest socket on a real loop: order, half-close, loss of either side, draining; one thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka.h needs the four above.
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
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

// What rig gives as the id of its n-th event.
static uint64_t number_of(struct span line)
{
    struct uid id;
    uint64_t number = 0;
    assert_true(span_starts_with(line, SPAN("{\"ok\":true,\"id\":\"")));
    assert_true(uid_parse(span_make(line.at + 17, 36), &id));
    memcpy(&number, id.bytes + 8, sizeof number);
    return number;
}

static struct ingest_stats stats(void)
{
    struct ingest_stats s;
    ingest_stats(rig.ingest, &s);
    return s;
}

// ---- lines and replies -------------------------------------------------------------------------

static void test_one_line(void **state)
{
    (void)state;
    struct client c;
    rig_start(&rig, NULL, 0);
    client_open(&c, &rig);
    client_send(&c, "{\"event\":\"request.added\",\"data\":{\"a\":1},\"tenant\":\"t\","
                    "\"id\":\"i\",\"ref\":\"r\\n\"}\r\n");
    rig_turn(&rig);
    assert_int_equal(rig.count, 1);
    client_read(&c);
    assert_int_equal(c.lines, 0); // no reply before it is durable
    assert_string_equal(rig.names[0], "request.added");
    assert_string_equal(rig.names[1], "t");
    assert_string_equal(rig.names[2], "i");
    assert_string_equal(rig.names[3], "{\"a\":1}");
    assert_int_equal(rig.uid, getuid());
    assert_int_equal(rig.pid, getpid());
    assert_int_equal(stats().waiting, 1);
    rig_answer(&rig, 1, RIG_FIRST);
    client_wait(&c, 1);
    expect(&c, 0,
           "{\"ok\":true,\"id\":\"00000000-0000-0000-0100-000000000000\",\"deliveries\":1,"
           "\"ref\":\"r\\n\"}");
    assert_int_equal(stats().waiting, 0);
    assert_int_equal(stats().accepted, 1);
    client_close(&c);
}

static void test_every_line_gets_one_reply_in_order(void **state)
{
    (void)state;
    struct client c;
    rig_start(&rig, NULL, 1024);
    client_open(&c, &rig);
    client_send(&c, LINE "\n" LINE "[]\n" LINE "{\"evnt\":1}\n" LINE);
    char *big = xmalloc(3000);
    memset(big, 'x', 3000);
    big[2999] = '\n';
    client_send_bytes(&c, big, 3000);
    client_send(&c, "{\"event\":\"a\",\"data\":1,\"tenant\":\"nobody\"}\n" LINE);
    xfree(big);
    rig_turn(&rig);
    client_read(&c);
    assert_int_equal(rig.count, 5);
    assert_int_equal(c.lines, 0); // they wait for the first
    rig_answer(&rig, 4, RIG_LAST);
    rig_turn(&rig);
    client_read(&c);
    assert_int_equal(c.lines, 0);
    rig_answer_code(&rig, WIRE_STORE_UNAVAILABLE, "send again");
    client_wait(&c, 10);
    expect(&c, 0,
           "{\"ok\":false,\"error\":{\"code\":\"store_unavailable\",\"message\":\"send again\"}}");
    assert_int_equal(number_of(client_line(&c, 2)), 2);
    assert_int_equal(number_of(client_line(&c, 4)), 3);
    assert_int_equal(number_of(client_line(&c, 6)), 4);
    assert_int_equal(number_of(client_line(&c, 9)), 5);
    expect(&c, 7,
           "{\"ok\":false,\"error\":{\"code\":\"too_large\",\"message\":\"longer than "
           "max_event_bytes, which is 1024 bytes\"}}");
    expect(&c, 8,
           "{\"ok\":false,\"error\":{\"code\":\"unknown_tenant\",\"message\":\"no such tenant\"}}");
    struct ingest_stats s = stats();
    assert_int_equal(s.accepted, 4);
    assert_int_equal(s.rejected[WIRE_BAD_JSON], 1);
    assert_int_equal(s.rejected[WIRE_NOT_AN_OBJECT], 1);
    assert_int_equal(s.rejected[WIRE_UNKNOWN_FIELD], 1);
    assert_int_equal(s.rejected[WIRE_TOO_LARGE], 1);
    assert_int_equal(s.rejected[WIRE_UNKNOWN_TENANT], 1);
    assert_int_equal(s.rejected[WIRE_STORE_UNAVAILABLE], 1);
    rig.is_refusing = true;
    client_send(&c, "{\"event\":\"a\",\"data\":1,\"ref\":\"r\"}\n");
    client_wait(&c, 11);
    expect(&c, 10,
           "{\"ok\":false,\"error\":{\"code\":\"not_allowed\",\"message\":\"not you\"},"
           "\"ref\":\"r\"}");
    client_close(&c);
}

// 100,000 lines without reading in between, a bad one every 1,000, answers in no order.
static void test_pipelining(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    struct client c;
    struct buf input;
    rig_start(&rig, NULL, 0);
    client_open(&c, &rig);
    buf_init(&input, (size_t)64 << 20);
    for (int i = 0; i < COUNT; i++)
        (void)buf_append_format(&input,
                                i % 1000 == 999 ? "{\"ref\":\"%d\",\"oops\":1}\n"
                                                : "{\"event\":\"a\",\"ref\":\"%d\",\"data\":{}}\n",
                                i);
    int64_t start = clock_mono_ms();
    struct span rest = buf_span(&input);
    while (c.lines < COUNT) {
        size_t sent = client_try_send(&c, rest.at, rest.len);
        rest = span_make(rest.at + sent, rest.len - sent);
        rig_turn(&rig);
        rig_answer(&rig, 1 + rig.count / 2, RIG_ANY);
        client_read(&c);
        assert_true(clock_mono_ms() - start < 60000);
    }
    print_message("%d lines: %lld ms\n", COUNT, (long long)(clock_mono_ms() - start));
    assert_int_equal(c.lines, COUNT);
    struct span replies = buf_span(&c.in);
    struct span line = {0};
    for (int i = 0; i < COUNT; i++) {
        char ref[32];
        assert_true(span_split(&replies, '\n', &line));
        size_t len = (size_t)snprintf(ref, sizeof ref, ",\"ref\":\"%d\"}", i);
        assert_memory_equal(line.at + line.len - len, ref, len);
        assert_int_equal(span_starts_with(line, SPAN("{\"ok\":true")), i % 1000 != 999);
    }
    assert_int_equal(stats().accepted, COUNT - COUNT / 1000);
    assert_int_equal(stats().rejected[WIRE_UNKNOWN_FIELD], COUNT / 1000);
    buf_deinit(&input);
    client_close(&c);
}

static void test_single_bytes(void **state)
{
    (void)state;
    struct client c;
    static const char text[] = LINE "x\n" LINE;
    rig_start(&rig, NULL, 0);
    rig.is_immediate = true;
    client_open(&c, &rig);
    for (size_t i = 0; i < sizeof text - 1; i++)
        client_send_bytes(&c, text + i, 1);
    client_wait(&c, 3);
    assert_int_equal(number_of(client_line(&c, 2)), 2);
    assert_int_equal(stats().held_bytes, 0);
    client_close(&c);
}

static void test_a_line_of_100_megabytes(void **state)
{
    (void)state;
    struct client c;
    char *piece = xmalloc((size_t)1 << 20);
    memset(piece, 'x', (size_t)1 << 20);
    rig_start(&rig, NULL, 0);
    rig.is_immediate = true;
    client_open(&c, &rig);
    for (int i = 0; i < 100; i++) {
        client_send_bytes(&c, piece, (size_t)1 << 20);
        assert_true(stats().held_bytes <= ((size_t)1 << 20) + 65536);
    }
    assert_int_equal(stats().held_bytes, 0);
    client_send(&c, "\n" LINE);
    client_wait(&c, 2);
    assert_true(span_starts_with(client_line(&c, 0),
                                 SPAN("{\"ok\":false,\"error\":{\"code\":\"too_large\"")));
    assert_int_equal(number_of(client_line(&c, 1)), 1);
    xfree(piece);
    client_close(&c);
}

// ---- either side goes away ---------------------------------------------------------------------

static void test_half_close_still_gets_all_replies(void **state)
{
    (void)state;
    struct client c;
    rig_start(&rig, NULL, 0);
    client_open(&c, &rig);
    client_send(&c, LINE LINE "{\"event\":\"a\",\"data\":2}"); // the last without its line feed
    assert_int_equal(shutdown(c.fd, SHUT_WR), 0);
    rig_turn(&rig);
    assert_int_equal(rig.count, 3);
    rig_answer(&rig, 3, RIG_LAST);
    client_wait_end(&c);
    assert_false(c.is_reset);
    assert_int_equal(c.lines, 3);
    assert_int_equal(number_of(client_line(&c, 2)), 3);
    rig_turn(&rig);
    assert_int_equal(stats().connections, 0);
    client_close(&c);
    // An unfinished line is one, and nothing is none.
    client_open(&c, &rig);
    client_send(&c, LINE "{\"event\":");
    assert_int_equal(shutdown(c.fd, SHUT_WR), 0);
    rig_turn(&rig);
    rig_answer(&rig, 1, RIG_FIRST);
    client_wait_end(&c);
    assert_int_equal(c.lines, 2);
    assert_non_null(memmem(c.in.at, c.in.len, "bad_json", 8));
    client_close(&c);
    client_open(&c, &rig);
    assert_int_equal(shutdown(c.fd, SHUT_WR), 0);
    client_wait_end(&c);
    assert_int_equal(c.lines, 0);
    client_close(&c);
}

static void test_producer_goes_away(void **state)
{
    (void)state;
    struct client c;
    rig_start(&rig, NULL, 0);
    client_open(&c, &rig);
    for (int i = 0; i < 100; i++)
        client_send(&c, LINE);
    rig_turn(&rig);
    assert_int_equal(rig.count, 100);
    rig_answer(&rig, 10, RIG_FIRST); // which are not read
    rig_turn(&rig);
    client_close(&c);
    rig_turn(&rig);
    assert_int_equal(stats().waiting, 90); // what was accepted goes on
    rig_answer(&rig, 90, RIG_ANY);
    rig_turn(&rig);
    assert_int_equal(stats().accepted, 100);
    assert_int_equal(stats().waiting, 0);
    assert_int_equal(stats().connections, 0);
}

// Sends, and does not care: what has arrived is taken all the same.
static void test_producer_that_does_not_wait(void **state)
{
    (void)state;
    struct client c;
    rig_start(&rig, NULL, 0);
    rig.is_immediate = true;
    client_open(&c, &rig);
    size_t sent = 0;
    for (int i = 0; i < 1000; i++)
        sent += client_try_send(&c, LINE, sizeof LINE - 1); // the engine has not run yet
    client_close(&c);
    rig_turn(&rig);
    rig_turn(&rig);
    assert_int_equal(rig.accepted, sent / (sizeof LINE - 1));
    assert_int_equal(stats().connections, 0);
}

static void on_drained(void *context)
{
    struct rig *r = context;
    r->is_drained = true;
}

static void test_drain(void **state)
{
    (void)state;
    struct client c;
    struct client idle;
    rig_start(&rig, NULL, 0);
    client_open(&c, &rig);
    client_open(&idle, &rig);
    client_send(&c, LINE LINE);
    rig_turn(&rig);
    assert_int_equal(rig.count, 2);
    ingest_drain(rig.ingest, on_drained, &rig);
    assert_false(rig.is_drained);
    assert_int_not_equal(access(rig.path, F_OK), 0); // nobody new
    client_send(&c, LINE);
    rig_turn(&rig);
    assert_false(rig.is_drained);
    assert_int_equal(rig.count, 2);
    rig_answer(&rig, 2, RIG_LAST);
    client_wait_end(&c);
    assert_true(rig.is_drained);
    assert_int_equal(c.lines, 3);
    expect(&c, 2,
           "{\"ok\":false,\"error\":{\"code\":\"shutting_down\",\"message\":\"the engine is "
           "stopping: send again\"}}");
    client_wait_end(&idle);
    assert_int_equal(idle.lines, 0);
    client_close(&c);
    client_close(&idle);
}

static void test_drain_with_nothing_to_do(void **state)
{
    (void)state;
    rig_start(&rig, NULL, 0);
    ingest_drain(rig.ingest, on_drained, &rig);
    assert_false(rig.is_drained);
    rig_turn(&rig);
    assert_true(rig.is_drained);
}

static void test_stop_with_answers_outstanding(void **state)
{
    (void)state;
    struct client c;
    rig_start(&rig, NULL, 0);
    client_open(&c, &rig);
    client_send(&c, LINE LINE LINE);
    rig_turn(&rig);
    assert_int_equal(rig.count, 3);
    ingest_drain(rig.ingest, on_drained, &rig);
    rig_turn(&rig);
    // rig_stop answers after the ingest has been freed.
    client_close(&c);
}

static void test_failpoints(void **state)
{
    (void)state;
    struct client c;
    struct errmsg message;
    rig_start(&rig, NULL, 0);
    setenv("GRAPNEL_TEST", "1", 1);
    setenv("GRAPNEL_FAILPOINT", "ingest_before_reply:error:3", 1);
    assert_int_equal(failpoint_init(&message), OK);
    client_open(&c, &rig);
    client_send(&c, LINE LINE LINE LINE);
    rig_turn(&rig);
    rig_answer(&rig, 2, RIG_FIRST);
    rig_turn(&rig);
    rig_answer(&rig, 2, RIG_FIRST);
    client_wait_end(&c);
    assert_int_equal(c.lines, 2); // two were stored that the producer does not know of
    assert_int_equal(stats().accepted, 4);
    client_close(&c);

    setenv("GRAPNEL_FAILPOINT", "ingest_mid_reply:error:1", 1);
    assert_int_equal(failpoint_init(&message), OK);
    client_open(&c, &rig);
    for (int i = 0; i < 10; i++)
        client_send(&c, LINE);
    rig_turn(&rig);
    rig_answer(&rig, 10, RIG_FIRST);
    client_wait_end(&c);
    assert_true(c.lines >= 4 && c.lines <= 5);
    assert_true(c.in.at[c.in.len - 1] == '\n');
    client_close(&c);
    unsetenv("GRAPNEL_FAILPOINT");
    unsetenv("GRAPNEL_TEST");
    assert_int_equal(failpoint_init(&message), OK);
}

// ---- start and reload --------------------------------------------------------------------------

static void test_second_engine_is_refused(void **state)
{
    (void)state;
    struct ingest *second = NULL;
    struct errmsg message = {""};
    struct stat status;
    rig_start(&rig, NULL, 0);
    struct ingest_env env = {0};
    assert_int_equal(ingest_start(&second, &rig.loop, rig.config, &env, &message), ERR_BUSY);
    assert_null(second);
    assert_non_null(strstr(message.text, "another engine listens on"));
    assert_int_equal(stat(rig.path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0660);
}

static void test_reconfigure(void **state)
{
    (void)state;
    struct client c;
    struct config *fresh = NULL;
    struct errmsg message;
    char flag[] = "--events=b,c";
    char *argv[] = {flag};
    rig_start(&rig, NULL, 0);
    rig.is_immediate = true;
    client_open(&c, &rig);
    client_send(&c, LINE);
    client_wait(&c, 1);
    assert_int_equal(config_load(&fresh, 1, argv, &message), OK);
    ingest_reconfigure(rig.ingest, fresh);
    config_free(fresh);
    client_send(&c, LINE "{\"event\":\"b\",\"data\":1}\n");
    client_wait(&c, 3);
    assert_non_null(memmem(c.in.at, c.in.len, "\"unknown_event\"", 15));
    assert_int_equal(number_of(client_line(&c, 2)), 2);
    client_close(&c);
}

int main(void)
{
    log_setup(LOG_ERROR, LOG_LOGFMT);
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_one_line),
        TEST(test_every_line_gets_one_reply_in_order),
        TEST(test_pipelining),
        TEST(test_single_bytes),
        TEST(test_a_line_of_100_megabytes),
        TEST(test_half_close_still_gets_all_replies),
        TEST(test_producer_goes_away),
        TEST(test_producer_that_does_not_wait),
        TEST(test_drain),
        TEST(test_drain_with_nothing_to_do),
        TEST(test_stop_with_answers_outstanding),
        TEST(test_failpoints),
        TEST(test_second_engine_is_refused),
        TEST(test_reconfigure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
