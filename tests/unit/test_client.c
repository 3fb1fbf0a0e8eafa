// SPDX-License-Identifier: MIT
// The client of the admin socket: answers, refusals and engines that are not there.
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/client.h"

static char folder[] = "/tmp/test_client.XXXXXX";
static char path[64];
static int listener = -1;

// One connection: reads a request, writes `answer` as it is, closes.
struct server {
    const char *answer;
    char request[8192];
};

static void *serve(void *context)
{
    struct server *s = context;
    size_t len = 0;
    int fd = accept(listener, NULL, NULL);
    while (len < sizeof s->request - 1 && strstr(s->request, "\r\n\r\n") == NULL) {
        ssize_t count = read(fd, s->request + len, sizeof s->request - 1 - len);
        if (count <= 0)
            break;
        len += (size_t)count;
    }
    if (write(fd, s->answer, strlen(s->answer)) < 0)
        s->request[0] = 0;
    close(fd);
    return NULL;
}

static int init(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/admin.sock", folder);
    memcpy(address.sun_path, path, strlen(path) + 1);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    return bind(listener, (const struct sockaddr *)(const void *)&address, sizeof address) == 0 &&
                   listen(listener, 8) == 0
               ? 0
               : -1;
}

static int deinit(void **state)
{
    (void)state;
    close(listener);
    unlink(path);
    return rmdir(folder);
}

static enum err call(struct server *s, const char *method, const char *body,
                     struct client_answer *answer, struct errmsg *message)
{
    pthread_t thread;
    struct client *client = client_new(path);
    assert_int_equal(pthread_create(&thread, NULL, serve, s), 0);
    enum err err = client_call(client, method, "/api/v1/x?a=b", span_of(body), answer, message);
    pthread_join(thread, NULL);
    client_free(client);
    return err;
}

static void test_answer(void **state)
{
    struct server s = {.answer = "HTTP/1.1 201 Created\r\nContent-Length: 7\r\n\r\n{\"a\":1}"};
    struct client_answer answer;
    struct errmsg message;
    (void)state;
    client_answer_init(&answer);
    assert_int_equal(call(&s, "POST", "{}", &answer, &message), OK);
    assert_int_equal(answer.status, 201);
    assert_true(span_is(buf_span(&answer.body), "{\"a\":1}"));
    assert_int_not_equal(json_get(&answer.doc, 0, SPAN("a")), JSON_NONE);
    assert_non_null(strstr(s.request, "POST /api/v1/x?a=b HTTP/1.1\r\n"));
    assert_non_null(strstr(s.request, "Content-Type: application/json\r\n"));
    s = (struct server){.answer = "HTTP/1.1 204 No Content\r\n\r\n"};
    assert_int_equal(call(&s, "DELETE", "", &answer, &message), OK);
    assert_int_equal(answer.body.len, 0);
    assert_int_equal(answer.doc.count, 0);
    client_answer_deinit(&answer);
}

static void expect_problem(const char *body, const char *want)
{
    struct client_answer answer;
    struct json_error error;
    struct buf out;
    buf_init(&out, 65536);
    client_answer_init(&answer);
    answer.status = 422;
    (void)buf_append_text(&answer.body, body);
    if (json_parse(&answer.doc, buf_span(&answer.body), JSON_MAX_DEPTH, &error) != OK)
        answer.doc.count = 0;
    client_print_problem(&answer, &out);
    assert_string_equal(buf_text(&out), want);
    client_answer_deinit(&answer);
    buf_deinit(&out);
}

static void test_problems(void **state)
{
    (void)state;
    expect_problem("{\"type\":\"/problems/not-found\",\"title\":\"Not found\",\"status\":404,"
                   "\"detail\":\"no delivery x\"}",
                   "no delivery x");
    expect_problem(
        "{\"title\":\"Invalid input\",\"detail\":\"bad URL\",\"errors\":[{\"field\":"
        "\"target\",\"message\":\"bad URL\"},{\"field\":\"events\",\"message\":\"none\"}]}",
        "Invalid input\n  target: bad URL\n  events: none");
    expect_problem("{\"title\":\"Odd\\u001b[31m\"}", "Odd\\x1b[31m");
    expect_problem("{}", "the engine answered 422");
    expect_problem("<html>", "the engine answered 422");
}

static void test_unreachable(void **state)
{
    struct client_answer answer;
    struct errmsg message;
    char other[128];
    (void)state;
    client_answer_init(&answer);
    snprintf(other, sizeof other, "%s/none.sock", folder);
    struct client *client = client_new(other);
    assert_int_equal(client_call(client, "GET", "/", SPAN(""), &answer, &message), ERR_CLOSED);
    assert_non_null(strstr(message.text, "no such socket"));
    assert_non_null(strstr(message.text, "grapnel serve"));
    client_free(client);
    memset(other, 'x', sizeof other - 1);
    other[sizeof other - 1] = 0;
    client = client_new(other);
    assert_int_not_equal(client_call(client, "GET", "/", SPAN(""), &answer, &message), OK);
    assert_non_null(strstr(message.text, "too long"));
    client_free(client);
    struct server s = {.answer = ""}; // hangs up
    assert_int_equal(call(&s, "GET", "", &answer, &message), ERR_IO);
    assert_non_null(strstr(message.text, "closed the connection"));
    client_answer_deinit(&answer);
}

static void test_escaped(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out, 256);
    client_append_escaped(&out, SPAN("a-Z_0.~/?&=% é\0x"));
    assert_string_equal(buf_text(&out), "a-Z_0.~%2F%3F%26%3D%25%20%C3%A9%00x");
    buf_deinit(&out);
}

static void test_socket(void **state)
{
    struct args args;
    struct errmsg message;
    char option[] = "--socket";
    char value[] = "/a";
    char *argv[] = {option, value};
    (void)state;
    unsetenv(CLIENT_ENVIRONMENT);
    assert_int_equal(args_parse(&args, COMMAND_tenants_list, 0, argv, &message), OK);
    assert_string_equal(client_socket(&args), CLIENT_DEFAULT);
    setenv(CLIENT_ENVIRONMENT, "/env", 1);
    assert_string_equal(client_socket(&args), "/env");
    args_deinit(&args);
    assert_int_equal(args_parse(&args, COMMAND_tenants_list, 2, argv, &message), OK);
    assert_string_equal(client_socket(&args), "/a");
    args_deinit(&args);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer),      cmocka_unit_test(test_problems),
        cmocka_unit_test(test_unreachable), cmocka_unit_test(test_escaped),
        cmocka_unit_test(test_socket),
    };
    return cmocka_run_group_tests(tests, init, deinit);
}
