// SPDX-License-Identifier: MIT
// Commands and options are found by the tables, and mistakes get an answer that helps.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "cli/args.h"

#define ARGV(...)      ((const char *const[]){__VA_ARGS__})
#define MOST           16
#define PARSE(id, ...) parse(id, (int)COUNT_OF(ARGV(__VA_ARGS__)), ARGV(__VA_ARGS__))

static struct args args;
static struct errmsg message;

static char *copies[MOST]; // literals as main() gets its arguments: nobody writes to them

static enum err parse(enum command_id id, int argc, const char *const *argv)
{
    assert_true(argc <= MOST);
    memcpy(copies, argv, (size_t)argc * sizeof *argv);
    args_deinit(&args);
    message.text[0] = 0;
    return args_parse(&args, id, argc, copies, &message);
}

static int deinit(void **state)
{
    (void)state;
    args_deinit(&args);
    return 0;
}

#define MESSAGE_HAS(part)                                                \
    do {                                                                 \
        if (strstr(message.text, part) == NULL)                          \
            fail_msg("\"%s\" does not hold \"%s\"", message.text, part); \
    } while (0)

// ---- commands ----------------------------------------------------------------------------------

static enum err find(int argc, const char *const *argv, enum command_id *id, int *used)
{
    assert_true(argc <= MOST);
    memcpy(copies, argv, (size_t)argc * sizeof *argv);
    message.text[0] = 0;
    return command_find(argc, copies, id, used, &message);
}
#define FIND(id, used, ...) find((int)COUNT_OF(ARGV(__VA_ARGS__)), ARGV(__VA_ARGS__), id, used)

static void test_find(void **state)
{
    enum command_id id = COMMAND_version;
    int used = 0;
    (void)state;
    assert_int_equal(FIND(&id, &used, "serve", "--config", "x"), OK);
    assert_int_equal(id, COMMAND_serve);
    assert_int_equal(used, 1);
    assert_int_equal(FIND(&id, &used, "webhooks", "add", "--target", "x"), OK);
    assert_int_equal(id, COMMAND_webhooks_add);
    assert_int_equal(used, 2);
}

static void test_find_mistakes(void **state)
{
    enum command_id id = COMMAND_version;
    int used = 7;
    (void)state;
    assert_int_equal(FIND(&id, &used, "webhook", "list"), ERR_NOT_FOUND);
    MESSAGE_HAS("did you mean \"webhooks\"?");
    assert_int_equal(FIND(&id, &used, "webhooks"), ERR_NOT_FOUND);
    MESSAGE_HAS("list, show, add");
    assert_int_equal(FIND(&id, &used, "webhooks", "lst"), ERR_NOT_FOUND);
    MESSAGE_HAS("did you mean \"list\"?");
    assert_int_equal(FIND(&id, &used, "--socket", "x", "version"), ERR_NOT_FOUND);
    MESSAGE_HAS("behind the command");
    assert_int_equal(FIND(&id, &used, ""), ERR_NOT_FOUND);
    assert_int_equal(used, 7); // untouched on failure
    assert_int_equal(id, COMMAND_version);
}

// Every command and option of the tables is printed, no line is longer than it should be, and a
// command's help says what the table says.
static void test_help(void **state)
{
    struct buf text;
    (void)state;
    buf_init(&text, 1 << 20);
    for (int width = 40; width <= 120; width += 40) {
        buf_clear(&text);
        command_print_usage(&text, width);
        for (size_t i = 0; i < COMMAND_COUNT; i++)
            assert_non_null(strstr(buf_text(&text), command_table[i].words));
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct command_option *option;
        buf_clear(&text);
        command_print_help((enum command_id)i, &text, 100);
        for (size_t at = 0; (option = command_next_option((enum command_id)i, &at)) != NULL;) {
            char name[64];
            snprintf(name, sizeof name, "  --%s", option->name);
            assert_non_null(strstr(buf_text(&text), name));
        }
        struct span rest = buf_span(&text);
        struct span line;
        assert_true(span_split(&rest, '\n', &line)); // the synopsis may be long
        while (span_split(&rest, '\n', &line))
            assert_true(line.len <= 100);
    }
    buf_clear(&text);
    command_print_help(COMMAND_serve, &text, 80); // from the configuration's own table
    assert_non_null(strstr(buf_text(&text), "--allow-targets"));
    assert_non_null(strstr(buf_text(&text), "(default: 127.0.0.1:8470)"));
    buf_clear(&text);
    assert_true(command_print_group(SPAN("webhooks"), &text, 80));
    assert_non_null(strstr(buf_text(&text), "webhooks pause"));
    assert_null(strstr(buf_text(&text), "deliveries"));
    assert_false(command_print_group(SPAN("serve"), &text, 80));
    buf_deinit(&text);
}

// ---- arguments ---------------------------------------------------------------------------------

static void test_options(void **state)
{
    (void)state;
    assert_int_equal(PARSE(COMMAND_webhooks_add, "--target", "http://a", "--event=x.*", "--event",
                           "y", "--inactive", "--socket", "/s"),
                     OK);
    assert_string_equal(args_value(&args, "target"), "http://a");
    assert_string_equal(args_nth(&args, "event", 0), "x.*");
    assert_string_equal(args_nth(&args, "event", 1), "y");
    assert_null(args_nth(&args, "event", 2));
    assert_true(args_has(&args, "inactive"));
    assert_false(args_has(&args, "name"));
    assert_string_equal(args_value(&args, "socket"), "/s"); // of every command for the engine
}

static void test_words(void **state)
{
    (void)state;
    assert_int_equal(PARSE(COMMAND_send, "a.b", "--id", "k", "-"), OK);
    assert_int_equal(args.word_count, 2);
    assert_string_equal(args.words[1], "-");
    assert_int_equal(PARSE(COMMAND_send, "a.b", "-5"), OK); // JSON
    assert_string_equal(args.words[1], "-5");
    assert_int_equal(PARSE(COMMAND_send, "--", "--odd"), OK);
    assert_string_equal(args.words[0], "--odd");
    assert_int_equal(PARSE(COMMAND_send, "--help", "--nonsense"), ERR_SYNTAX);
    assert_int_equal(PARSE(COMMAND_explain, "--help"), OK); // its ID is not missed then
    assert_true(args.wants_help);
}

static void test_argument_mistakes(void **state)
{
    (void)state;
    assert_int_equal(PARSE(COMMAND_send, "a", "--tenat", "t"), ERR_SYNTAX);
    MESSAGE_HAS("did you mean \"tenant\"?");
    assert_int_equal(PARSE(COMMAND_send, "a", "--id"), ERR_SYNTAX);
    MESSAGE_HAS("--id needs a value: --id KEY");
    assert_int_equal(PARSE(COMMAND_send, "a", "--id", "1", "--id=2"), ERR_SYNTAX);
    MESSAGE_HAS("twice");
    assert_int_equal(PARSE(COMMAND_send, "a", "--fields=yes"), ERR_SYNTAX);
    MESSAGE_HAS("takes no value");
    assert_int_equal(PARSE(COMMAND_send, "a", "{}", "more"), ERR_SYNTAX);
    MESSAGE_HAS("\"more\"");
    assert_int_equal(PARSE(COMMAND_explain, "--socket", "x"), ERR_SYNTAX);
    MESSAGE_HAS("needs ID");
    assert_int_equal(PARSE(COMMAND_send, "-v"), ERR_SYNTAX);
    MESSAGE_HAS("two dashes");
    assert_int_equal(PARSE(COMMAND_version, "--socket", "x"), ERR_SYNTAX); // asks no engine
}

// What is not check's own goes to the configuration as it stands.
static void test_configuration(void **state)
{
    (void)state;
    assert_int_equal(PARSE(COMMAND_check, "--data-dir", "/d", "--sample", "--store=x.db"), OK);
    assert_true(args_has(&args, "sample"));
    assert_int_equal(args.rest_count, 3);
    assert_string_equal(args.rest[0], "--data-dir");
    assert_string_equal(args.rest[1], "/d");
    assert_string_equal(args.rest[2], "--store=x.db");
}

static void test_values(void **state)
{
    int64_t number = 42;
    (void)state;
    assert_int_equal(PARSE(COMMAND_listen, "--count", "3", "--delay", "2s"), OK);
    assert_int_equal(args_number(&args, "count", 1, 10, &number, &message), OK);
    assert_int_equal(number, 3);
    assert_int_equal(args_duration(&args, "delay", &number, &message), OK);
    assert_int_equal(number, 2000);
    assert_int_equal(PARSE(COMMAND_listen, "--count", "0", "--delay", "soon"), OK);
    assert_int_equal(args_number(&args, "count", 1, 10, &number, &message), ERR_SYNTAX);
    MESSAGE_HAS("--count");
    assert_int_equal(args_duration(&args, "delay", &number, &message), ERR_SYNTAX);
    MESSAGE_HAS("\"soon\"");
    assert_int_equal(number, 2000);
    assert_int_equal(parse(COMMAND_listen, 0, ARGV("")), OK);
    assert_int_equal(args_number(&args, "count", 1, 10, &number, &message), OK);
    assert_int_equal(number, 2000); // not given: stays
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_find_mistakes),
        cmocka_unit_test(test_help),
        cmocka_unit_test_teardown(test_options, deinit),
        cmocka_unit_test_teardown(test_words, deinit),
        cmocka_unit_test_teardown(test_argument_mistakes, deinit),
        cmocka_unit_test_teardown(test_configuration, deinit),
        cmocka_unit_test_teardown(test_values, deinit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
