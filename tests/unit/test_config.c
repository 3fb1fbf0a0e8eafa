// SPDX-License-Identifier: MIT
// Options: defaults, the file, the environment, flags, their errors and places; one thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka.h needs the four above.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "config/config.h"

static char config_flag[] = "--config";
static char path[64]; // of the configuration file of the running test

static int setup(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/grapnel-config-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    unsetenv("GRAPNEL_CONFIG");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static void write_file(const char *text, size_t len)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static struct config *load(int argc, char **argv)
{
    struct config *config = NULL;
    struct errmsg message = {""};
    enum err err = config_load(&config, argc, argv, &message);
    if (err != OK)
        fail_msg("%s: %s", err_name(err), message.text);
    return config;
}

static struct config *load_text(const char *text)
{
    write_file(text, strlen(text));
    char *argv[] = {config_flag, path};
    return load(2, argv);
}

// The message, with the path of the file as FILE.
static const char *refuse(int argc, char **argv)
{
    static char shown[512];
    struct config *config = NULL;
    struct errmsg message = {""};
    enum err err = config_load(&config, argc, argv, &message);
    assert_int_not_equal(err, OK);
    assert_null(config);
    if (strncmp(message.text, path, strlen(path)) == 0)
        (void)snprintf(shown, sizeof shown, "FILE%s", message.text + strlen(path));
    else
        (void)snprintf(shown, sizeof shown, "%s", message.text);
    return shown;
}

static const char *refuse_text(const char *text)
{
    write_file(text, strlen(text));
    char *argv[] = {config_flag, path};
    return refuse(2, argv);
}

#define FLAGS(...)         \
    (char *[])             \
    {                      \
        __VA_ARGS__, NULL, \
    }
static const char *refuse_flags(char **argv)
{
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    return refuse(argc, argv);
}

static void test_defaults(void **state)
{
    (void)state;
    struct config *c = load(0, NULL);
    assert_string_equal(c->data_dir, "/var/lib/grapnel");
    assert_string_equal(c->store, "grapnel.db");
    assert_string_equal(c->ingest_socket, "/run/grapnel/ingest.sock");
    assert_string_equal(c->ingest_socket_mode, "0660");
    assert_string_equal(c->admin_listen, "127.0.0.1:8470");
    assert_string_equal(c->file, "");
    assert_int_equal(c->max_event_bytes, 1 << 20);
    assert_int_equal(c->idempotency_window, 24 * 3600 * 1000);
    assert_int_equal(c->memory_deliveries, 8192);
    assert_int_equal(c->memory_bytes, 32 << 20);
    assert_int_equal(c->retention_dead, INT64_C(90) * 24 * 3600 * 1000);
    assert_int_equal(c->drain_timeout, 30000);
    assert_int_equal(c->events.count, 0);
    assert_null(c->ingest_uids);
    assert_int_equal(c->hook_env_count, 0);
    for (size_t i = 0; i < config_option_count; i++)
        assert_int_equal(c->origins[i], CONFIG_DEFAULT);
    config_free(c);
}

static void test_file(void **state)
{
    (void)state;
    struct config *c = load_text("-- a comment\n"
                                 "local day = 24\n"
                                 "return {\n"
                                 "  data_dir = '/srv/' .. 'grapnel', max_age = day .. 'h',\n"
                                 "  memory_deliveries = 100, max_event_bytes = '2MiB',\n"
                                 "  memory_bytes = 2097152, min_free_bytes = 0,\n"
                                 "  drain_timeout = 0, metrics_public = true,\n"
                                 "  events = { 'request.added', 'user.added' },\n"
                                 "  log_level = 'debug', allow_targets = {},\n"
                                 "}\n");
    assert_string_equal(c->data_dir, "/srv/grapnel");
    assert_string_equal(c->file, path);
    assert_int_equal(c->max_age, 86400000);
    assert_int_equal(c->memory_deliveries, 100);
    assert_int_equal(c->max_event_bytes, 2 << 20);
    assert_int_equal(c->memory_bytes, 2 << 20);
    assert_int_equal(c->min_free_bytes, 0);
    assert_int_equal(c->drain_timeout, 0);
    assert_string_equal(c->metrics_public, "true");
    assert_string_equal(c->log_level, "debug");
    assert_int_equal(c->events.count, 2);
    assert_true(span_is(c->events.items[1], "user.added"));
    assert_int_equal(c->origins[CONFIG_OPTION_max_age], CONFIG_FILE);
    assert_int_equal(c->origins[CONFIG_OPTION_max_unsettled], CONFIG_DEFAULT);
    config_free(c);
}

static void test_later_wins(void **state)
{
    (void)state;
    static const char text[] = "return { max_age = '1d', log_level = 'warn', tenants = 'open',\n"
                               "events = { 'a', 'b' } }";
    write_file(text, strlen(text));
    setenv("GRAPNEL_CONFIG", path, 1);
    setenv("GRAPNEL_LOG_LEVEL", "error", 1);
    setenv("GRAPNEL_TENANTS", "listed", 1);
    setenv("GRAPNEL_EVENTS", "c, d,e", 1);
    setenv("GRAPNEL_SERVICE_HOST", "10.0.0.1", 1); // somebody else's
    char open_tenants[] = "--tenants=open";
    char allow[] = "--allow-targets";
    char targets[] = "10.0.0.0/8,127.0.0.1";
    char allow_more[] = "--allow_targets=::1";
    char *argv[] = {open_tenants, allow, targets, allow_more};
    struct config *c = load(4, argv);
    assert_int_equal(c->max_age, 86400000);
    assert_string_equal(c->log_level, "error");
    assert_string_equal(c->tenants, "open");
    assert_int_equal(c->events.count, 3);
    assert_true(span_is(c->events.items[1], "d"));
    assert_int_equal(c->allow_targets.count, 3);
    assert_true(span_is(c->allow_targets.items[2], "::1"));
    struct span value;
    enum config_origin origin;
    config_value(c, CONFIG_OPTION_allow_targets, &value, &origin);
    assert_true(span_is(value, "10.0.0.0/8, 127.0.0.1, ::1"));
    assert_string_equal(config_origin_name(origin), "flag");
    config_value(c, CONFIG_OPTION_log_level, &value, &origin);
    assert_string_equal(config_origin_name(origin), "environment");
    config_value(c, CONFIG_OPTION_max_age, &value, &origin);
    assert_true(span_is(value, "1d"));
    assert_string_equal(config_origin_name(origin), "file");
    config_free(c);
    // --config beats GRAPNEL_CONFIG.
    setenv("GRAPNEL_CONFIG", "/nowhere.lua", 1);
    char *named[] = {config_flag, path};
    c = load(2, named);
    config_free(c);
    const char *const names[] = {"CONFIG", "LOG_LEVEL", "TENANTS", "EVENTS", "SERVICE_HOST"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "GRAPNEL_%s", names[i]);
        unsetenv(name);
    }
}

static void test_tables(void **state)
{
    (void)state;
    struct config *c =
        load_text("return { ingest_uids = { root = { 'a', 'b' }, [12345] = '*', [7] = {} },\n"
                  "hook_env = { z = { TOKEN = 'x', A_1 = '' }, ['a b'] = {} } }");
    assert_int_equal(c->ingest_uid_count, 3);
    assert_int_equal(c->ingest_uids[0].uid, 0);
    assert_int_equal(c->ingest_uids[0].tenant_count, 2);
    assert_true(span_is(c->ingest_uids[0].tenants[1], "b"));
    assert_false(c->ingest_uids[0].is_any_tenant);
    assert_int_equal(c->ingest_uids[1].tenant_count, 0);
    assert_false(c->ingest_uids[1].is_any_tenant);
    assert_true(c->ingest_uids[2].is_any_tenant);
    assert_int_equal(c->hook_env_count, 2);
    assert_true(span_is(c->hook_env[0].tenant, "a b"));
    assert_int_equal(c->hook_env[1].value_count, 2);
    assert_true(span_is(c->hook_env[1].values[0].name, "A_1"));
    assert_true(span_is(c->hook_env[1].values[1].value, "x"));
    struct span value;
    enum config_origin origin;
    config_value(c, CONFIG_OPTION_hook_env, &value, &origin);
    assert_true(span_is(value, "{ a b = { }, z = { A_1 = \xe2\x80\xa6, TOKEN = \xe2\x80\xa6 } }"));
    config_value(c, CONFIG_OPTION_ingest_uids, &value, &origin);
    assert_true(span_is(value, "{ [0] = { a, b }, [7] = {  }, [12345] = \"*\" }"));
    config_free(c);
    c = load_text("return { ingest_uids = {} }"); // nobody may write
    assert_non_null(c->ingest_uids);
    assert_int_equal(c->ingest_uid_count, 0);
    config_free(c);
}

static void test_passwords_are_masked(void **state)
{
    (void)state;
    char store[] = "--store=postgresql://me:p@ss:word@db,db2/x";
    char proxy[] = "--proxy=http://proxy:3128";
    char *argv[] = {store, proxy};
    struct config *c = load(2, argv);
    struct span value;
    enum config_origin origin;
    config_value(c, CONFIG_OPTION_store, &value, &origin);
    assert_true(span_is(value, "postgresql://me:\xe2\x80\xa6@db,db2/x"));
    assert_string_equal(c->store, "postgresql://me:p@ss:word@db,db2/x");
    config_value(c, CONFIG_OPTION_proxy, &value, &origin);
    assert_true(span_is(value, "http://proxy:3128"));
    config_free(c);
}

// What is wrong in a file, and what is said about it.
static const struct {
    const char *text, *message;
} mistakes[] = {
    {"return {\n\n  allow_target = {}\n}",
     "FILE:3: unknown option \"allow_target\"; did you mean \"allow_targets\"?"},
    {"return {\n  xyzzy = 1,\n frobnicate = 2 }", "FILE:2: unknown option \"xyzzy\""},
    {"return {\n  ['log_levle'] = 1 }",
     "FILE:2: unknown option \"log_levle\"; did you mean \"log_level\"?"},
    {"local t = {}\nt.stor = 1\nreturn t",
     "FILE:2: unknown option \"stor\"; did you mean \"store\"?"},
    {"return {\n lease = '90s' }", "FILE:2: option \"lease\" is not supported by this version yet"},
    {"return { 'a' }", "FILE: a value without a name; options are written name = value"},
    {"-- max_age = 1\n--[[ max_age = 2\n]] return { hook_env = { a = { max_age = 'x' } },\n"
     "store = [[\nmax_age = ]],\n max_age = '5x' }",
     "FILE:6: max_age: \"5x\" is no duration; write a whole number and ms, s, m, h or d, such as "
     "\"30s\""},
    {"return { max_age = 5 }",
     "FILE:1: max_age: must be a duration with its unit in quotes, such as \"30s\""},
    {"return { max_age = '1s' }", "FILE:1: max_age: out of range: must be a duration, 1m to 365d"},
    {"return { max_age = {} }",
     "FILE:1: max_age: must be a duration, 1m to 365d, such as \"30s\", not a table"},
    {"return {\nmemory_deliveries = 63 }",
     "FILE:2: memory_deliveries: out of range: must be a whole number, 64 to 1048576"},
    {"return { memory_deliveries = 64.5 }", "FILE:1: memory_deliveries: must be a whole number"},
    {"return { memory_deliveries = '64' }",
     "FILE:1: memory_deliveries: must be a whole number, 64 to 1048576, not a string"},
    {"return { max_event_bytes = '1MB' }",
     "FILE:1: max_event_bytes: \"1MB\" is no size; write a whole number of bytes, or with KiB, "
     "MiB or GiB, such as \"1MiB\""},
    {"return { max_event_bytes = '1TiB' }",
     "FILE:1: max_event_bytes: out of range: must be a size, 1KiB to 64MiB"},
    {"return { log_level = 'loud' }",
     "FILE:1: log_level: \"loud\" must be error, warn, info or debug"},
    {"return { log_level = true }",
     "FILE:1: log_level: \"true\" must be error, warn, info or debug"},
    {"return { data_dir = '' }", "FILE:1: data_dir: must not be empty"},
    {"return { data_dir = 'a\\0b' }", "FILE:1: data_dir: a text must not hold a NUL byte"},
    {"return { ingest_socket_mode = 0660 }",
     "FILE:1: ingest_socket_mode: must be a text, not a number"},
    {"return { ingest_socket_mode = '0968' }",
     "FILE:1: ingest_socket_mode: \"0968\" is no file mode; write it in octal, such as \"0660\""},
    {"return { events = 'a' }",
     "FILE:1: events: must be a list of texts, such as { \"a\", \"b\" }"},
    {"return { events = { a = 'b' } }",
     "FILE:1: events: must be a list of texts, such as { \"a\", \"b\" }"},
    {"return { events = { 'a', 5 } }",
     "FILE:1: events: must be a list of texts, such as { \"a\", \"b\" }"},
    {"return { events = { 'a b' } }",
     "FILE:1: events: \"a b\" is no event name: 1 to 128 of A-Z a-z 0-9 _ . -"},
    {"return { allow_targets = { '' } }", "FILE:1: allow_targets: an empty item in the list"},
    {"local t = {}\nfor i = 1, 300 do t[i] = 'a' end\nreturn { events = t }",
     "FILE:3: events: a list of more than 256 items"},
    {"return { ingest_uids = {\n ['no such user'] = '*' } }",
     "FILE:1: ingest_uids: there is no user \"no such user\" here"},
    {"return { ingest_uids = { [-1] = '*' } }",
     "FILE:1: ingest_uids: a user must be a name or a number, such as django or [1001]"},
    {"return { ingest_uids = { [0] = 'default' } }",
     "FILE:1: ingest_uids: tenants must be \"*\" or a list of names: { \"default\" }"},
    {"return { ingest_uids = { [0] = { 'a', '*' } } }",
     "FILE:1: ingest_uids: \"*\" stands alone, not in a list"},
    {"return { ingest_uids = { [0] = '*', root = '*' } }",
     "FILE:1: ingest_uids: user 0 is there twice, by name and by number"},
    {"return { ingest_uids = 5 }",
     "FILE:1: ingest_uids: must be a table of users: { django = { \"default\" }, [0] = \"*\" }"},
    {"return { hook_env = { NAME = 'x' } }",
     "FILE:1: hook_env: NAME: must be a table: { default = { NAME = \"value\" } }"},
    {"return { hook_env = { default = { A = 'x\\ny' } } }",
     "FILE:1: hook_env: default: the value of A holds a line break or NUL, which no header may"},
    {"return { hook_env = { default = { A = 'x\\0y' } } }",
     "FILE:1: hook_env: default: the value of A holds a line break or NUL, which no header may"},
    {"return { hook_env = { default = { ['A-B'] = 'x' } } }",
     "FILE:1: hook_env: default: a name must be letters, digits and _, such as API_TOKEN"},
    {"return { hook_env = { default = { A = 1 } } }",
     "FILE:1: hook_env: default: the value of A must be a text in quotes"},
    {"return 5", "FILE: the file must return a table: return { name = value, \xe2\x80\xa6 }"},
    {"", "FILE: the file must return a table: return { name = value, \xe2\x80\xa6 }"},
    {"return {\n a = 1\n", "FILE:3: '}' expected (to close '{' at line 1) near <eof>"},
    {"\nreturn { data_dir = os.getenv('HOME') }",
     "FILE:2: attempt to index a nil value (global 'os')"},
    {"\n\nwhile true do end", "FILE:3: still running after 10000000 instructions"},
    {"local s = 'aaaaaaaaaaaaaaaa'\nwhile true do s = s .. s end",
     "FILE: needs more than 16 MiB of memory"},
    {"\x1bLua", "FILE: attempt to load a binary chunk (mode is 't')"},
};

static void test_mistakes_in_a_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(mistakes); i++)
        assert_string_equal(refuse_text(mistakes[i].text), mistakes[i].message);
}

static void test_mistakes_in_flags(void **state)
{
    (void)state;
    char a[] = "--datadir";
    char b[] = "/x";
    char c[] = "--max-age";
    char d[] = "5x";
    char e[] = "serve";
    char f[] = "--hook-env=a";
    char g[] = "--config";
    char h[] = "--confg=x";
    char i[] = "--";
    assert_string_equal(refuse_flags(FLAGS(a, b)),
                        "unknown option \"--datadir\"; did you mean \"--data-dir\"?");
    assert_string_equal(refuse_flags(FLAGS(c, d)),
                        "--max-age: \"5x\" is no duration; write a whole number and ms, s, m, h or "
                        "d, such as \"30s\"");
    assert_string_equal(refuse_flags(FLAGS(c)), "--max-age: a value must follow");
    assert_string_equal(refuse_flags(FLAGS(c, a)), "--max-age: a value must follow");
    assert_string_equal(refuse_flags(FLAGS(e)),
                        "\"serve\" is no option; options are written --name value");
    assert_string_equal(refuse_flags(FLAGS(i)),
                        "\"--\" is no option; options are written --name value");
    assert_string_equal(refuse_flags(FLAGS(f)),
                        "--hook-env: a table can be set in the configuration file only");
    assert_string_equal(refuse_flags(FLAGS(g)), "--config: the path of a file must follow");
    assert_string_equal(refuse_flags(FLAGS(h)),
                        "unknown option \"--confg\"; did you mean \"--config\"?");
}

static void test_mistakes_in_the_environment(void **state)
{
    (void)state;
    setenv("GRAPNEL_MAX_AGE", "soon", 1);
    assert_string_equal(refuse(0, NULL),
                        "GRAPNEL_MAX_AGE: \"soon\" is no duration; write a whole number and ms, s, "
                        "m, h or d, such as \"30s\"");
    unsetenv("GRAPNEL_MAX_AGE");
    setenv("GRAPNEL_ALLOW_TARGET", "x", 1);
    assert_string_equal(refuse(0, NULL),
                        "environment: unknown option \"GRAPNEL_ALLOW_TARGET\"; did you mean "
                        "\"GRAPNEL_ALLOW_TARGETS\"?");
    unsetenv("GRAPNEL_ALLOW_TARGET");
}

static void test_file_that_cannot_be_read(void **state)
{
    (void)state;
    char missing[] = "--config=/nowhere/grapnel.lua";
    char folder[] = "--config=/tmp";
    assert_string_equal(refuse_flags(FLAGS(missing)),
                        "/nowhere/grapnel.lua: cannot read the configuration: not found");
    assert_string_equal(refuse_flags(FLAGS(folder)),
                        "/tmp: the configuration must be a regular file");
    char *big = malloc(CONFIG_MAX_FILE + 1);
    memset(big, ' ', CONFIG_MAX_FILE + 1);
    write_file(big, CONFIG_MAX_FILE + 1);
    free(big);
    char *argv[] = {config_flag, path};
    assert_string_equal(refuse(2, argv), "FILE: larger than 1024 KiB");
}

struct changes {
    char text[1024];
};

static void on_change(void *context, const char *name, bool takes_effect)
{
    struct changes *c = context;
    size_t len = strlen(c->text);
    (void)snprintf(c->text + len, sizeof c->text - len, "%s%s ", name, takes_effect ? "" : "!");
}

static void test_compare(void **state)
{
    (void)state;
    struct config *a = load_text("return { hook_env = { default = { A = '1' } }, max_age = '1d',\n"
                                 "events = { 'a' }, ingest_uids = { [5] = { 'x' } } }");
    struct config *b = load_text("return { hook_env = { default = { A = '2' } }, max_age = '24h',\n"
                                 "events = { 'b' }, ingest_uids = { [5] = { 'y' } },\n"
                                 "data_dir = '/x', log_level = 'warn', max_unsettled = 5 }");
    struct changes changes = {""};
    config_compare(a, b, on_change, &changes);
    assert_string_equal(changes.text,
                        "data_dir! ingest_uids events hook_env max_unsettled! log_level ");
    changes.text[0] = '\0';
    config_compare(a, a, on_change, &changes);
    assert_string_equal(changes.text, "");
    config_free(a);
    config_free(b);
}

static void test_sample_is_a_configuration(void **state)
{
    (void)state;
    struct buf sample;
    buf_init(&sample, 1 << 20);
    config_print_sample(&sample);
    assert_false(sample.is_full);
    struct config *c = load_text(buf_text(&sample));
    config_free(c);
    // With its comments taken off, every default is accepted and is what it was.
    char *text = strdup(buf_text(&sample));
    for (size_t i = 0; i < config_option_count; i++) {
        char line[128];
        (void)snprintf(line, sizeof line, "-- %s = ", config_options[i].name);
        char *at = strstr(text, line);
        assert_non_null(at);
        memcpy(at, "  ", 2);
    }
    c = load_text(text);
    struct config *defaults = load(0, NULL);
    struct changes changes = {""};
    config_compare(defaults, c, on_change, &changes);
    assert_string_equal(changes.text, "ingest_uids "); // an empty table lets nobody in
    free(text);
    config_free(c);
    config_free(defaults);
    buf_clear(&sample);
    config_print_reference(&sample);
    assert_non_null(
        strstr(buf_text(&sample), "| `tenants` | `listed` | listed or open | on SIGHUP"));
    buf_deinit(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_defaults, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_later_wins, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tables, setup, teardown),
        cmocka_unit_test_setup_teardown(test_passwords_are_masked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mistakes_in_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mistakes_in_flags, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mistakes_in_the_environment, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_that_cannot_be_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_compare, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sample_is_a_configuration, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
