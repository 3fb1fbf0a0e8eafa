// SPDX-License-Identifier: MIT
// Options become the JSON that the API takes: types of scripts' options, merges, lists.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/webhook_json.h"

#define SCRIPTS                                                                            \
    "{\"data\":[{\"name\":\"demo\",\"options\":["                                          \
    "{\"name\":\"text\",\"type\":\"text\"},{\"name\":\"count\",\"type\":\"integer\"},"     \
    "{\"name\":\"is_on\",\"type\":\"boolean\"},{\"name\":\"ok\",\"type\":\"list\",\"of\":" \
    "\"integer\"},"                                                                        \
    "{\"name\":\"fields\",\"type\":\"map\",\"of\":\"string\"},"                            \
    "{\"name\":\"wait\",\"type\":\"duration\"},{\"name\":\"password\",\"type\":\"secret\"}]}]}"

#define ADD(want, ...) \
    expect(COMMAND_webhooks_add, false, want, ((const char *const[]){__VA_ARGS__, NULL}))
#define EDIT(want, ...) \
    expect(COMMAND_webhooks_edit, true, want, ((const char *const[]){"id", __VA_ARGS__, NULL}))
#define REFUSE(part, ...) refuse(part, ((const char *const[]){__VA_ARGS__, NULL}))

static struct json_doc scripts;
static struct errmsg message;

static enum err print(enum command_id id, bool is_patch, const char *const *argv, struct buf *out)
{
    struct args args;
    char *copies[16];
    int argc = 0;
    for (; argv[argc] != NULL; argc++)
        memcpy(&copies[argc], &argv[argc], sizeof *argv);
    assert_int_equal(args_parse(&args, id, argc, copies, &message), OK);
    enum err err = webhook_json_print(&args, is_patch, &scripts, out, &message);
    args_deinit(&args);
    return err;
}

static void expect(enum command_id id, bool is_patch, const char *want, const char *const *argv)
{
    struct buf out;
    buf_init(&out, WEBHOOK_JSON_MAX);
    message.text[0] = 0;
    if (print(id, is_patch, argv, &out) != OK)
        fail_msg("refused: %s", message.text);
    assert_string_equal(buf_text(&out), want);
    buf_deinit(&out);
}

static void refuse(const char *part, const char *const *argv)
{
    struct buf out;
    buf_init(&out, WEBHOOK_JSON_MAX);
    assert_int_equal(print(COMMAND_webhooks_add, false, argv, &out), ERR_SYNTAX);
    if (strstr(message.text, part) == NULL)
        fail_msg("\"%s\" does not hold \"%s\"", message.text, part);
    buf_deinit(&out);
}

static int init(void **state)
{
    struct json_error error;
    (void)state;
    json_init(&scripts);
    return json_parse(&scripts, SPAN(SCRIPTS), JSON_MAX_DEPTH, &error) == OK ? 0 : -1;
}

static int deinit(void **state)
{
    (void)state;
    json_deinit(&scripts);
    return 0;
}

static void test_plain(void **state)
{
    (void)state;
    ADD("{\"target\":\"http://a\",\"events\":[\"x\",\"y.*\"],\"name\":\"n "
        "\\\"q\\\"\",\"tenant\":\"t\","
        "\"is_active\":false}",
        "--target", "http://a", "--event", "x", "--event", "y.*", "--name", "n \"q\"", "--tenant",
        "t", "--inactive");
    ADD("{\"rate_limit\":{\"per_second\":10},\"max_in_flight\":4,\"timeout_ms\":15000,"
        "\"retry\":[5,120]}",
        "--rate", "10/s", "--max-in-flight", "4", "--timeout", "15s", "--retry", "5s, 2m");
    ADD("{\"rate_limit\":{\"per_second\":0.5,\"burst\":3}}", "--rate", "0.5/s", "--burst", "3");
    ADD("{\"rate_limit\":{\"per_second\":7}}", "--rate", "7");
    ADD("{\"secrets\":[\"a\",\"b\"],\"ordered\":\"key\",\"retry\":[]}", "--secret", "a", "--secret",
        "b", "--ordered", "key", "--retry", "none");
}

// The bytes of what is JSON already stay.
static void test_json(void **state)
{
    (void)state;
    ADD("{\"extra_payload\":{\"a\" : 1e14, \"b\":[]},\"metadata\":{}}", "--extra-payload",
        " {\"a\" : 1e14,\n\"b\":[]} ", "--metadata", "{}");
    REFUSE("--extra-payload: no JSON", "--extra-payload", "{a:1}");
    REFUSE("--metadata: no JSON", "--metadata", "{", "--extra-payload", "{}");
}

static void test_headers(void **state)
{
    (void)state;
    ADD("{\"extra_headers\":{\"X-A\":\"b: c\",\"X-Empty\":\"\"}}", "--extra-header", "X-A:  b: c ",
        "--extra-header", "X-Empty:");
    EDIT("{\"extra_headers\":{\"X-A\":\"1\",\"X-B\":null}}", "--extra-header", "X-A: 1",
         "--extra-header", "X-B:");
    REFUSE("'Name: value'", "--extra-header", "no colon");
    REFUSE("'Name: value'", "--extra-header", ": no name");
}

static void test_scripts(void **state)
{
    (void)state;
    ADD("{\"scripts\":[{\"name\":\"a\"},{\"name\":\"b\"}]}", "--script", "a", "--script", "b");
    ADD("{\"scripts\":[]}", "--script", "none");
    ADD("{\"scripts\":[{\"name\":\"demo\",\"options\":{\"text\":\"1, 2\\\\\",\"count\":5,"
        "\"is_on\":true,\"wait\":\"10s\"}}]}",
        "--script", "demo,text=1\\, 2\\\\,count=5,is_on=true,wait=10s");
    ADD("{\"scripts\":[{\"name\":\"demo\",\"options\":{\"ok\":[409,404],\"text\":\"x=y\"}}]}",
        "--script", "demo,ok=409,text=x=y,ok=404");
    ADD("{\"scripts\":[{\"name\":\"demo\",\"options\":{\"ok\":[409]}}]}", "--script",
        "demo,ok=409");
    ADD("{\"scripts\":[{\"name\":\"demo\",\"options\":{\"fields\":{\"Owner\":\"me\",\"Team\":\"1\"}"
        "}}]}",
        "--script", "demo,fields.Owner=me,fields.Team=1");
    // What does not fit its type goes as text: the engine's refusal says what it must be.
    ADD("{\"scripts\":[{\"name\":\"demo\",\"options\":{\"count\":\"many\",\"is_on\":\"yes\"}}]}",
        "--script", "demo,count=many,is_on=yes");
    ADD("{\"scripts\":[{\"name\":\"other\",\"options\":{\"count\":\"5\"}}]}", "--script",
        "other,count=5");
    REFUSE("\"oops\" is no option=value", "--script", "demo,oops");
}

// A password comes from a file, without the line feed that editors leave.
static void test_secret(void **state)
{
    char path[] = "/tmp/test_webhook_json.XXXXXX";
    char argument[128];
    int fd = mkstemp(path);
    (void)state;
    assert_int_equal(write(fd, "hush\n", 5), 5);
    close(fd);
    snprintf(argument, sizeof argument, "demo,password=@%s", path);
    ADD("{\"scripts\":[{\"name\":\"demo\",\"options\":{\"password\":\"hush\"}}]}", "--script",
        argument);
    unlink(path);
    struct buf out;
    buf_init(&out, WEBHOOK_JSON_MAX);
    const char *argv[] = {"--script", argument, NULL};
    assert_int_equal(print(COMMAND_webhooks_add, false, argv, &out), ERR_NOT_FOUND);
    assert_non_null(strstr(message.text, path));
    buf_deinit(&out);
}

static void test_mistakes(void **state)
{
    (void)state;
    REFUSE("--rate", "--rate", "fast");
    REFUSE("--rate", "--rate", "0/s");
    REFUSE("--max-in-flight", "--max-in-flight", "many");
    REFUSE("--timeout", "--timeout", "15");
    REFUSE("--retry", "--retry", "5s,soon");
    REFUSE("whole seconds", "--retry", "1500ms");
}

static void test_patch(void **state)
{
    (void)state;
    EDIT("{}", "--socket", "/s");
    EDIT("{\"target\":\"http://b\",\"retry\":null}", "--target", "http://b", "--retry", "default");
    EDIT("{\"extra_payload\":null}", "--extra-payload", "null");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),   cmocka_unit_test(test_json),
        cmocka_unit_test(test_headers), cmocka_unit_test(test_scripts),
        cmocka_unit_test(test_secret),  cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_patch),
    };
    return cmocka_run_group_tests(tests, init, deinit);
}
