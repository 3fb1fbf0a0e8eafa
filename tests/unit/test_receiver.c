// SPDX-License-Identifier: MIT
// The HTTP server of grapnel listen: keeps connections, answers in turn, drops, ends when told.
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/receiver.h"

// What the receiver saw, and how it is to answer.
struct story {
    struct receiver_answer answers[8];
    size_t count; // requests
    size_t last;  // after so many it ends
    char targets[64];
    bool is_done;
    void (*client)(int port);
    int port;
};

static void on_request(void *context, const struct incoming *request, const char *remote,
                       struct receiver_answer *answer)
{
    struct story *s = context;
    assert_true(strncmp(remote, "127.0.0.1:", 10) == 0);
    assert_true(request->body.len == 0 || span_is(request->body, "hi"));
    size_t used = strlen(s->targets);
    snprintf(s->targets + used, sizeof s->targets - used, "%.*s", SPAN_ARGS(request->target));
    *answer = s->answers[s->count++];
    if (answer->status == 0)
        answer->status = 204;
    answer->is_last = s->count == s->last;
}

static void on_done(void *context)
{
    struct story *s = context;
    s->is_done = true;
}

static void *run_client(void *context)
{
    const struct story *s = context;
    s->client(s->port);
    return NULL;
}

static void tell(struct story *s)
{
    uv_loop_t loop;
    pthread_t thread;
    struct receiver *receiver = NULL;
    struct errmsg message;
    struct receiver_config config = {
        .address = "127.0.0.1:0", .on_request = on_request, .on_done = on_done, .context = s};
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(receiver_start(&receiver, &loop, &config, &message), OK);
    struct span port = span_of(strrchr(receiver_url(receiver), ':') + 1); // "http://…:PORT/"
    int64_t number = 0;
    assert_true(span_to_int64(span_make(port.at, port.len - 1), &number));
    s->port = (int)number;
    assert_int_equal(pthread_create(&thread, NULL, run_client, s), 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    pthread_join(thread, NULL);
    assert_int_equal(uv_loop_close(&loop), 0); // nothing is left open
    assert_true(s->is_done);
}

// ---- the client's side -------------------------------------------------------------------------

static int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    assert_int_equal(connect(fd, (const struct sockaddr *)(const void *)&address, sizeof address),
                     0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

// Reads until the text is there; "" stands for the end of the connection.
static void expect(int fd, const char *want)
{
    char text[4096] = "";
    size_t len = 0;
    for (;;) {
        ssize_t count = read(fd, text + len, sizeof text - 1 - len);
        if (count <= 0)
            break;
        len += (size_t)count;
        text[len] = 0;
        if (want[0] != 0 && strstr(text, want) != NULL)
            return;
    }
    assert_string_equal(text, want);
}

static void keep_alive(int port)
{
    int fd = connect_to(port);
    say(fd, "GET /1 HTTP/1.1\r\n\r\n");
    expect(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n");
    say(fd, "POST /2 HTTP/1.1\r\nContent-Length: 2\r\n\r\nh"); // in pieces
    usleep(20000);
    say(fd, "i");
    expect(fd, "as it was told\n");
    say(fd, "GET /3 HTTP/1.1\r\n\r\nGET /4 HTTP/1.1\r\n\r\n"); // pipelined
    expect(fd, "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 418 As Told\r\n");
    close(fd);
}

static void test_keep_alive(void **state)
{
    struct story s = {
        .client = keep_alive,
        .last = 4,
        .answers = {{.status = 200}, {.status = 500}, {.status = 204}, {.status = 418}}};
    (void)state;
    tell(&s);
    assert_string_equal(s.targets, "/1/2/3/4");
}

static void close_and_continue(int port)
{
    int fd = connect_to(port);
    say(fd, "GET /1 HTTP/1.1\r\nConnection: close\r\n\r\n");
    expect(fd, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    expect(fd, "");
    close(fd);
    fd = connect_to(port);
    say(fd, "POST /2 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    expect(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    say(fd, "hi");
    expect(fd, "HTTP/1.1 204 No Content\r\n\r\n");
    close(fd);
}

static void test_close_and_continue(void **state)
{
    struct story s = {.client = close_and_continue, .last = 2};
    (void)state;
    tell(&s);
    assert_int_equal(s.count, 2);
}

// A dropped one sees no answer, one that is no HTTP is closed, and a slow one holds up nobody.
static void misbehave(int port)
{
    int slow = connect_to(port);
    say(slow, "POST /slow HTTP/1.1\r\nContent-");
    int fd = connect_to(port);
    say(fd, "GET /1 HTTP/1.1\r\n\r\n");
    expect(fd, "");
    close(fd);
    fd = connect_to(port);
    say(fd, "hello\r\n\r\n");
    expect(fd, "");
    close(fd);
    fd = connect_to(port);
    say(fd, "GET /2 HTTP/1.1\r\n\r\n");
    expect(fd, "HTTP/1.1 204 No Content\r\n\r\n");
    expect(slow, ""); // it has ended, whoever is still connected
    close(slow);
    close(fd);
}

static void test_misbehave(void **state)
{
    struct story s = {
        .client = misbehave, .last = 2, .answers = {{.is_dropped = true}, {.delay_ms = 20}}};
    (void)state;
    tell(&s);
    assert_string_equal(s.targets, "/1/2");
}

static void drop_last(int port)
{
    int fd = connect_to(port);
    say(fd, "GET /1 HTTP/1.1\r\n\r\n");
    expect(fd, "");
    close(fd);
}

static void test_drop_last(void **state)
{
    struct story s = {.client = drop_last, .last = 1, .answers = {{.is_dropped = true}}};
    (void)state;
    tell(&s);
    assert_int_equal(s.count, 1);
}

static void test_addresses(void **state)
{
    static const char *const bad[] = {
        "", "x", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:", "host.invalid:80"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct receiver *receiver = NULL;
        struct errmsg message = {""};
        struct receiver_config config = {.address = bad[i]};
        uv_loop_t loop;
        assert_int_equal(uv_loop_init(&loop), 0);
        assert_int_not_equal(receiver_start(&receiver, &loop, &config, &message), OK);
        assert_true(message.text[0] != 0);
        uv_run(&loop, UV_RUN_DEFAULT);
        assert_int_equal(uv_loop_close(&loop), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keep_alive), cmocka_unit_test(test_close_and_continue),
        cmocka_unit_test(test_misbehave),  cmocka_unit_test(test_drop_last),
        cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
