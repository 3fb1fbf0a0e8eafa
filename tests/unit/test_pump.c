// SPDX-License-Identifier: MIT
// Lines go out and replies come back, within a window, and nobody waits for the other for ever.
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/pump.h"

// The other end of the socket: reads lines, answers each, counts what is not answered.
struct engine {
    int socket;
    size_t hold;     // lines that it lets wait before it answers the first; as a slow store would
    size_t dies_at;  // closes after so many lines; 0: never
    size_t lines;    // that came
    size_t most;     // that waited at once
    bool saw_end;    // the client shut its side down
    char text[4096]; // the first bytes that came
    size_t len;
};

static void answer(struct engine *e, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        dprintf(e->socket, i % 10 == 9 ? "{\"ok\":false,\"n\":%zu}\n" : "{\"ok\":true,\"n\":%zu}\n",
                i);
}

static void *run_engine(void *context)
{
    struct engine *e = context;
    char bytes[4096];
    size_t answered = 0;
    ssize_t count;
    while ((count = read(e->socket, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < count; i++) {
            if (e->len < sizeof e->text - 1)
                e->text[e->len++] = bytes[i];
            e->lines += bytes[i] == '\n';
        }
        if (e->dies_at > 0 && e->lines >= e->dies_at) {
            answer(e, answered, e->lines / 2);
            close(e->socket);
            return NULL;
        }
        e->most = e->lines - answered > e->most ? e->lines - answered : e->most;
        if (e->lines - answered >= e->hold) {
            answer(e, answered, e->lines);
            answered = e->lines;
        }
    }
    e->saw_end = count == 0;
    answer(e, answered, e->lines);
    close(e->socket);
    return NULL;
}

struct replies {
    size_t count, refused;
    bool is_in_order;
};

static void on_reply(void *context, struct span reply)
{
    struct replies *r = context;
    char want[64];
    bool is_bad = r->count % 10 == 9;
    snprintf(want, sizeof want, "{\"ok\":%s,\"n\":%zu}", is_bad ? "false" : "true", r->count);
    r->is_in_order = r->is_in_order && span_is(reply, want);
    r->refused += is_bad;
    r->count++;
}

static enum err run(struct engine *e, struct pump *pump, struct replies *r, struct errmsg *message)
{
    int pair[2];
    pthread_t thread;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    e->socket = pair[1];
    pump->socket = pair[0];
    pump->on_reply = on_reply;
    pump->context = r;
    *r = (struct replies){.is_in_order = true};
    assert_int_equal(pthread_create(&thread, NULL, run_engine, e), 0);
    enum err err = pump_run(pump, message);
    close(pair[0]);
    pthread_join(thread, NULL);
    return err;
}

// A temporary file with so many lines, read from its beginning.
static int make_input(size_t lines, const char *last)
{
    char name[] = "/tmp/test_pump.XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    FILE *file = fdopen(dup(fd), "w");
    for (size_t i = 0; i < lines; i++)
        fprintf(file, "{\"event\":\"a\",\"data\":%zu}\n", i);
    fprintf(file, "%s", last);
    fclose(file);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void test_one(void **state)
{
    struct engine e = {0};
    struct pump pump = {.input = -1, .first = SPAN("{\"event\":\"a\"}\n")};
    struct replies r;
    struct errmsg message;
    (void)state;
    assert_int_equal(run(&e, &pump, &r, &message), OK);
    assert_int_equal(r.count, 1);
    assert_int_equal(pump.sent, 1);
    assert_string_equal(e.text, "{\"event\":\"a\"}\n");
}

// The engine lets as many lines wait as the window allows: it is full then, and not fuller.
static void test_many(void **state)
{
    struct engine e = {.hold = PUMP_WINDOW / 2};
    struct pump pump = {.input = make_input(100000, "")};
    struct replies r;
    struct errmsg message;
    (void)state;
    assert_int_equal(run(&e, &pump, &r, &message), OK);
    assert_int_equal(r.count, 100000);
    assert_int_equal(r.refused, 10000);
    assert_true(r.is_in_order);
    assert_true(e.saw_end);
    assert_true(e.most >= PUMP_WINDOW / 2);
    assert_true(e.most <= PUMP_WINDOW + 65536 / 20); // a window and what one read may hold
    close(pump.input);
}

// A last line without its line feed is a line; no input at all is none.
static void test_last_line(void **state)
{
    struct engine e = {0};
    struct pump pump = {.input = make_input(1, "{\"x\":1}")};
    struct replies r;
    struct errmsg message;
    (void)state;
    assert_int_equal(run(&e, &pump, &r, &message), OK);
    assert_int_equal(r.count, 2);
    assert_non_null(strstr(e.text, "\n{\"x\":1}\n"));
    close(pump.input);
    e = (struct engine){0};
    pump = (struct pump){.input = make_input(0, "")};
    assert_int_equal(run(&e, &pump, &r, &message), OK);
    assert_int_equal(r.count, 0);
    assert_int_equal(e.len, 0);
    close(pump.input);
}

static void test_long_line(void **state)
{
    size_t len = 8 << 20;
    char *line = malloc(len + 1);
    struct engine e = {0};
    struct replies r;
    struct errmsg message;
    (void)state;
    memset(line, 'x', len - 1);
    line[len - 1] = '\n';
    line[len] = 0;
    struct pump pump = {.input = -1, .first = span_of(line)};
    assert_int_equal(run(&e, &pump, &r, &message), OK);
    assert_int_equal(r.count, 1);
    pump = (struct pump){.input = make_input(0, line)};
    e = (struct engine){0};
    assert_int_equal(run(&e, &pump, &r, &message), OK);
    assert_int_equal(r.count, 1);
    close(pump.input);
    free(line);
}

// The engine goes away: the replies that it gave still count, and the rest is told.
static void test_closed(void **state)
{
    struct engine e = {.dies_at = 1000, .hold = SIZE_MAX};
    struct pump pump = {.input = make_input(50000, "")};
    struct replies r;
    struct errmsg message;
    (void)state;
    assert_int_equal(run(&e, &pump, &r, &message), ERR_CLOSED);
    assert_true(r.count < pump.sent);
    assert_true(r.is_in_order);
    assert_non_null(strstr(message.text, "no reply"));
    close(pump.input);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one),       cmocka_unit_test(test_many),
        cmocka_unit_test(test_last_line), cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
