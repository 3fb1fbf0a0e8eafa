// SPDX-License-Identifier: MIT
// Options in the order default, file, environment, flags; each from text by its type; main only.
#include "config/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/units.h"
#include "config/config_build.h"

#define ARENA_MAX    ((size_t)64 << 20) // all inputs are bounded to much less
#define NAME_MAX_LEN 64                 // bytes of an option's name with its NUL

#define KIB          INT64_C(1024)
#define MIB          (INT64_C(1024) * KIB)
#define GIB          (INT64_C(1024) * MIB)
#define MINUTE       INT64_C(60000)
#define HOUR         (60 * MINUTE)
#define DAY          (24 * HOUR)

// ---- the table ---------------------------------------------------------------------------------

#define TEXT                CONFIG_TEXT, 0, 0, NULL
#define PATH                CONFIG_PATH, 0, 0, NULL
#define LIST                CONFIG_LIST, 0, 0, NULL
#define TABLE               CONFIG_TABLE, 0, 0, NULL
#define CHOICE(list)        CONFIG_CHOICE, 0, 0, #list
#define INT(low, high)      CONFIG_INT, low, high, NULL
#define DURATION(low, high) CONFIG_DURATION, low, high, NULL
#define SIZE(low, high)     CONFIG_SIZE, low, high, NULL

const struct config_row config_rows[CONFIG_OPTION_COUNT] = {
#define X(field, name, type, fallback, when, help) \
    {name, type, offsetof(struct config, field), fallback},
#include "config/config.def"
#undef X
};

static const char *const option_names[CONFIG_OPTION_COUNT] = {
#define X(field, name, type, fallback, when, help) name,
#include "config/config.def"
#undef X
};

#undef TEXT
#undef PATH
#undef LIST
#undef TABLE
#undef CHOICE
#undef INT
#undef DURATION
#undef SIZE

// Each field has the type that its row promises.
#define FIELD_CLASS(field)                                                  \
    _Generic(((struct config *)NULL)->field, const char * : 1, int64_t : 2, \
             struct config_list : 3, default : 4)
#define TEXT                1
#define PATH                1
#define CHOICE(list)        1
#define INT(low, high)      2
#define DURATION(low, high) 2
#define SIZE(low, high)     2
#define LIST                3
#define TABLE               4
#define X(field, name, type, fallback, when, help) \
    _Static_assert(FIELD_CLASS(field) == (type), "config.def and struct config disagree: " name);
#include "config/config.def"
#undef X
#undef TEXT
#undef PATH
#undef CHOICE
#undef INT
#undef DURATION
#undef SIZE
#undef LIST
#undef TABLE

#define TEXT                "text"
#define PATH                "path"
#define CHOICE(list)        "choice"
#define INT(low, high)      "number"
#define DURATION(low, high) "duration"
#define SIZE(low, high)     "size"
#define LIST                "list"
#define TABLE               "table"
#define RELOAD              false
#define FIXED               true
const struct config_option config_options[] = {
#define X(field, name, type, fallback, when, help) {name, type, fallback, help, when},
#include "config/config.def"
#undef X
};
const size_t config_option_count = CONFIG_OPTION_COUNT;

// Designed, but not in this version: refused by name, not ignored.
static const char *const later_names[] = {
    "lease", "metrics_tenants", "retention_audit", "script_isolation", "secrets_key_file",
};

size_t config_find(struct span name)
{
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        if (span_is(name, option_names[i]))
            return i;
    }
    return CONFIG_OPTION_COUNT;
}

void config_unknown(struct span name, struct errmsg *message)
{
    for (size_t i = 0; i < COUNT_OF(later_names); i++) {
        if (span_is(name, later_names[i])) {
            errmsg_set(message, "option \"%s\" is not supported by this version yet",
                       later_names[i]);
            return;
        }
    }
    char hint[NEAREST_HINT_LEN];
    errmsg_set(message, "unknown option \"%.*s\"%s", (int)(name.len < 64 ? name.len : 64), name.at,
               nearest_hint(name, option_names, CONFIG_OPTION_COUNT, hint));
}

// ---- values ------------------------------------------------------------------------------------

static void *field_of(struct config *config, size_t option)
{
    CHECK(config_rows[option].kind != CONFIG_TABLE);
    return (char *)config + config_rows[option].offset;
}

enum err config_check_text(struct span text, struct errmsg *message)
{
    if (text.len > CONFIG_MAX_TEXT) {
        errmsg_set(message, "a text of %zu bytes is too long: at most %d", text.len,
                   CONFIG_MAX_TEXT);
        return ERR_SYNTAX;
    }
    if (text.len > 0 && memchr(text.at, '\0', text.len) != NULL) {
        errmsg_set(message, "a text must not hold a NUL byte");
        return ERR_SYNTAX;
    }
    return OK;
}

// A short piece of what was written, for messages.
#define QUOTE(text) (int)((text).len < 60 ? (text).len : 60), (text).at ? (text).at : ""

static enum err check_mode(struct span text, struct errmsg *message)
{
    bool is_octal = text.len >= 3 && text.len <= 4;
    for (size_t i = 0; i < text.len; i++)
        is_octal = is_octal && text.at[i] >= '0' && text.at[i] <= '7';
    if (is_octal && (text.len == 3 || text.at[0] == '0'))
        return OK;
    errmsg_set(message, "\"%.*s\" is no file mode; write it in octal, such as \"0660\"",
               QUOTE(text));
    return ERR_SYNTAX;
}

static enum err set_string(struct config *config, size_t option, struct span text,
                           struct errmsg *message)
{
    enum err err = config_check_text(text, message);
    if (err == OK && option == CONFIG_OPTION_ingest_socket_mode)
        err = check_mode(text, message);
    bool may_be_empty = config_rows[option].fallback[0] == '\0';
    if (err == OK && text.len == 0 && !may_be_empty) {
        errmsg_set(message, "must not be empty");
        err = ERR_SYNTAX;
    }
    if (err != OK)
        return err;
    *(const char **)field_of(config, option) = arena_copy(&config->arena, text).at;
    return OK;
}

static enum err set_choice(struct config *config, size_t option, struct span text,
                           struct errmsg *message)
{
    struct span rest = span_of(config_rows[option].choices);
    struct span choice = {0};
    while (span_split(&rest, '|', &choice)) {
        if (span_eq(text, choice)) {
            *(const char **)field_of(config, option) = arena_copy(&config->arena, choice).at;
            return OK;
        }
    }
    struct buf range;
    buf_init(&range, 256);
    errmsg_set(message, "\"%.*s\" must be %s", QUOTE(text), config_option_range(option, &range));
    buf_deinit(&range);
    return ERR_SYNTAX;
}

enum err config_set_number(struct config *config, size_t option, int64_t number,
                           struct errmsg *message)
{
    const struct config_row *row = &config_rows[option];
    if (number >= row->low && number <= row->high) {
        *(int64_t *)field_of(config, option) = number;
        return OK;
    }
    struct buf range;
    buf_init(&range, 256);
    errmsg_set(message, "out of range: must be a %s", config_option_range(option, &range));
    buf_deinit(&range);
    return ERR_SYNTAX;
}

static enum err set_number_text(struct config *config, size_t option, struct span text,
                                struct errmsg *message)
{
    int64_t number = 0;
    enum config_kind kind = config_rows[option].kind;
    if (kind == CONFIG_INT && !span_to_int64(text, &number)) {
        errmsg_set(message, "\"%.*s\" is no whole number", QUOTE(text));
        return ERR_SYNTAX;
    }
    if (kind == CONFIG_DURATION && !units_parse_duration(text, &number)) {
        errmsg_set(message,
                   "\"%.*s\" is no duration; write a whole number and ms, s, m, h or d, "
                   "such as \"30s\"",
                   QUOTE(text));
        return ERR_SYNTAX;
    }
    if (kind == CONFIG_SIZE && !units_parse_size(text, &number)) {
        errmsg_set(message,
                   "\"%.*s\" is no size; write a whole number of bytes, or with KiB, MiB "
                   "or GiB, such as \"1MiB\"",
                   QUOTE(text));
        return ERR_SYNTAX;
    }
    return config_set_number(config, option, number, message);
}

// The names that events may have; the same rule as for events themselves.
static bool is_event_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!isalnum((unsigned char)name.at[i]) && strchr("_.-", name.at[i]) == NULL)
            return false;
    }
    return name.len > 0 && name.len <= 128;
}

static enum err check_item(size_t option, struct span item, struct errmsg *message)
{
    if (option == CONFIG_OPTION_events && !is_event_name(item)) {
        errmsg_set(message, "\"%.*s\" is no event name: 1 to 128 of A-Z a-z 0-9 _ . -",
                   QUOTE(item));
        return ERR_SYNTAX;
    }
    if (item.len == 0) {
        errmsg_set(message, "an empty item in the list");
        return ERR_SYNTAX;
    }
    return config_check_text(item, message);
}

enum err config_set_list(struct config *config, size_t option, const struct span *items,
                         size_t count, bool is_added, struct errmsg *message)
{
    struct config_list *list = field_of(config, option);
    size_t before = is_added ? list->count : 0;
    if (count > CONFIG_MAX_LIST - before) {
        errmsg_set(message, "a list of more than %d items", CONFIG_MAX_LIST);
        return ERR_SYNTAX;
    }
    for (size_t i = 0; i < count; i++) {
        enum err err = check_item(option, items[i], message);
        if (err != OK)
            return err;
    }
    struct span *all = arena_zalloc(&config->arena, (before + count) * sizeof *all);
    for (size_t i = 0; i < before; i++)
        all[i] = list->items[i];
    for (size_t i = 0; i < count; i++)
        all[before + i] = arena_copy(&config->arena, items[i]);
    *list = (struct config_list){all, before + count};
    return OK;
}

static enum err set_list_text(struct config *config, size_t option, struct span text, bool is_added,
                              struct errmsg *message)
{
    struct span items[CONFIG_MAX_LIST];
    size_t count = 0;
    struct span item = {0};
    while (text.len > 0 && span_split(&text, ',', &item)) {
        if (count == CONFIG_MAX_LIST) {
            errmsg_set(message, "a list of more than %d items", CONFIG_MAX_LIST);
            return ERR_SYNTAX;
        }
        items[count++] = span_trim(item);
    }
    return config_set_list(config, option, items, count, is_added, message);
}

enum err config_set_text(struct config *config, size_t option, struct span text,
                         struct errmsg *message)
{
    switch (config_rows[option].kind) {
    case CONFIG_TEXT:
    case CONFIG_PATH: return set_string(config, option, text, message);
    case CONFIG_CHOICE: return set_choice(config, option, text, message);
    case CONFIG_INT:
    case CONFIG_DURATION:
    case CONFIG_SIZE: return set_number_text(config, option, text, message);
    case CONFIG_LIST: return set_list_text(config, option, text, false, message);
    case CONFIG_TABLE: break;
    }
    errmsg_set(message, "a table can be set in the configuration file only");
    return ERR_SYNTAX;
}

// ---- sources -----------------------------------------------------------------------------------

static enum err load_defaults(struct config *config, struct errmsg *message)
{
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        if (config_rows[i].kind == CONFIG_TABLE)
            continue;
        enum err err = config_set_text(config, i, span_of(config_rows[i].fallback), message);
        if (err != OK)
            return err;
        config->origins[i] = CONFIG_DEFAULT;
    }
    return OK;
}

static enum err read_whole(int fd, struct buf *out)
{
    for (;;) {
        char *room = buf_reserve(out, 4096);
        if (room == NULL)
            return ERR_FULL;
        ssize_t got = read(fd, room, 4096);
        if (got < 0 && errno != EINTR)
            return err_from_errno(errno);
        if (got == 0)
            return OK;
        if (got > 0)
            buf_commit(out, (size_t)got);
    }
}

static enum err load_file(struct config *config, const char *path, struct errmsg *message)
{
    struct buf text;
    buf_init(&text, CONFIG_MAX_FILE + 4096);
    struct stat status = {0};
    enum err err = OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) != 0)
        err = err_from_errno(errno);
    if (err == OK && !S_ISREG(status.st_mode)) {
        errmsg_set(message, "%s: the configuration must be a regular file", path);
        err = ERR_UNSUPPORTED;
        goto out;
    }
    if (err == OK)
        err = read_whole(fd, &text);
    if (err == ERR_FULL || text.len > CONFIG_MAX_FILE) {
        errmsg_set(message, "%s: larger than %d KiB", path, CONFIG_MAX_FILE >> 10);
        err = ERR_SYNTAX;
        goto out;
    }
    if (err != OK) {
        errmsg_set(message, "%s: cannot read the configuration: %s", path, err_text(err));
        goto out;
    }
    config->file = arena_copy(&config->arena, span_of(path)).at;
    err = config_read_lua(config, config->file, buf_span(&text), message);
out:
    if (fd >= 0)
        close(fd);
    buf_deinit(&text);
    return err;
}

// "max_age" → "GRAPNEL_MAX_AGE" or, with '-' and without prefix, "max-age".
static void spell(const char *name, const char *prefix, char separator, char out[NAME_MAX_LEN])
{
    size_t at = strlen(prefix);
    CHECK(at + strlen(name) < NAME_MAX_LEN);
    memcpy(out, prefix, at);
    for (; *name != '\0'; name++) {
        bool is_upper = separator == '_' && *name >= 'a' && *name <= 'z';
        char c = is_upper ? (char)(*name - 'a' + 'A') : *name;
        out[at++] = (char)(c == '_' ? separator : c);
    }
    out[at] = '\0';
}

// A name that only looks like an option's is a slip; others are somebody else's.
static enum err check_environment_name(struct span name, struct errmsg *message)
{
    static const char *const others[] = {"config",    "test",  "clock", "seed",
                                         "failpoint", "token", "url"};
    char lower[NAME_MAX_LEN];
    if (name.len >= sizeof lower)
        return OK;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    struct span word = span_make(lower, name.len);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        if (span_is(word, others[i]))
            return OK;
    }
    if (config_find(word) < CONFIG_OPTION_COUNT)
        return OK;
    const char *nearest = nearest_name(word, option_names, CONFIG_OPTION_COUNT);
    if (nearest == NULL)
        return OK;
    char meant[NAME_MAX_LEN];
    spell(nearest, "GRAPNEL_", '_', meant);
    errmsg_set(message, "environment: unknown option \"GRAPNEL_%.*s\"; did you mean \"%s\"?",
               SPAN_ARGS(name), meant);
    return ERR_SYNTAX;
}

static enum err load_environment(struct config *config, struct errmsg *message)
{
    const struct span prefix = SPAN("GRAPNEL_");
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        struct span rest = span_of(*entry);
        struct span name = {0};
        if (!span_starts_with(rest, prefix) || !span_split(&rest, '=', &name))
            continue;
        enum err err =
            check_environment_name(span_make(name.at + prefix.len, name.len - prefix.len), message);
        if (err != OK)
            return err;
    }
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        char name[NAME_MAX_LEN];
        spell(config_rows[i].name, "GRAPNEL_", '_', name);
        // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment after the start
        const char *value = getenv(name);
        if (value == NULL)
            continue;
        enum err err = config_set_text(config, i, span_of(value), message);
        if (err != OK) {
            errmsg_prefix(message, "%s: ", name);
            return err;
        }
        config->origins[i] = CONFIG_ENVIRONMENT;
    }
    return OK;
}

// One flag of argv, taken apart.
struct flag {
    struct span name;  // without its dashes
    const char *value; // NULL: there is none
    int used;          // words of argv that it takes
};

static enum err flag_parse(int argc, char **argv, struct flag *out, struct errmsg *message)
{
    struct span rest = span_of(argv[0]);
    if (!span_starts_with(rest, SPAN("--")) || rest.len == 2) {
        errmsg_set(message, "\"%s\" is no option; options are written --name value", argv[0]);
        return ERR_SYNTAX;
    }
    const char *equals = strchr(argv[0], '=');
    out->name = span_make(argv[0] + 2, equals ? (size_t)(equals - argv[0]) - 2 : rest.len - 2);
    bool is_apart = equals == NULL && argc > 1 && strncmp(argv[1], "--", 2) != 0;
    out->value = equals ? equals + 1 : is_apart ? argv[1] : NULL;
    out->used = is_apart ? 2 : 1;
    return OK;
}

static enum err flag_unknown(struct span name, struct errmsg *message)
{
    char spelled[CONFIG_OPTION_COUNT + 1][NAME_MAX_LEN];
    const char *names[CONFIG_OPTION_COUNT + 1];
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++)
        spell(option_names[i], "--", '-', spelled[i]);
    memcpy(spelled[CONFIG_OPTION_COUNT], "--config", sizeof "--config");
    for (size_t i = 0; i <= CONFIG_OPTION_COUNT; i++)
        names[i] = spelled[i];
    struct span whole = span_make(name.at - 2, name.len + 2);
    char hint[NEAREST_HINT_LEN];
    errmsg_set(message, "unknown option \"%.*s\"%s", QUOTE(whole),
               nearest_hint(whole, names, COUNT_OF(names), hint));
    return ERR_SYNTAX;
}

static size_t flag_find(struct span name)
{
    char plain[NAME_MAX_LEN];
    if (name.len >= sizeof plain)
        return CONFIG_OPTION_COUNT;
    for (size_t i = 0; i < name.len; i++)
        plain[i] = (char)(name.at[i] == '-' ? '_' : name.at[i]);
    return config_find(span_make(plain, name.len));
}

static enum err set_flag(struct config *config, const struct flag *flag, struct errmsg *message)
{
    size_t option = flag_find(flag->name);
    if (option == CONFIG_OPTION_COUNT)
        return flag_unknown(flag->name, message);
    enum err err = ERR_SYNTAX;
    if (flag->value == NULL) {
        errmsg_set(message, "a value must follow");
    } else if (config_rows[option].kind == CONFIG_LIST) {
        err = set_list_text(config, option, span_of(flag->value),
                            config->origins[option] == CONFIG_FLAG, message);
    } else {
        err = config_set_text(config, option, span_of(flag->value), message);
    }
    if (err == OK)
        config->origins[option] = CONFIG_FLAG;
    else
        errmsg_prefix(message, "--%.*s: ", SPAN_ARGS(flag->name));
    return err;
}

// Finds --config only, which must be known before the other flags.
static enum err find_file(int argc, char **argv, const char **path, struct errmsg *message)
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment after the start
    const char *found = getenv("GRAPNEL_CONFIG");
    struct flag flag;
    for (int i = 0; i < argc; i += flag.used) {
        enum err err = flag_parse(argc - i, argv + i, &flag, message);
        if (err != OK)
            return err;
        if (!span_is(flag.name, "config"))
            continue;
        if (flag.value == NULL || flag.value[0] == '\0') {
            errmsg_set(message, "--config: the path of a file must follow");
            return ERR_SYNTAX;
        }
        found = flag.value;
    }
    *path = found != NULL && found[0] != '\0' ? found : NULL;
    return OK;
}

static enum err load_flags(struct config *config, int argc, char **argv, struct errmsg *message)
{
    struct flag flag;
    for (int i = 0; i < argc; i += flag.used) {
        enum err err = flag_parse(argc - i, argv + i, &flag, message);
        if (err == OK && !span_is(flag.name, "config"))
            err = set_flag(config, &flag, message);
        if (err != OK)
            return err;
    }
    return OK;
}

// ---- life --------------------------------------------------------------------------------------

enum err config_load(struct config **out, int argc, char **argv, struct errmsg *message)
{
    struct config *config = xcalloc(1, sizeof *config);
    arena_init(&config->arena, ARENA_MAX);
    config->file = "";
    const char *path = NULL;
    enum err err = load_defaults(config, message);
    CHECK(err == OK); // config.def is ours
    err = find_file(argc, argv, &path, message);
    if (err == OK && path != NULL)
        err = load_file(config, path, message);
    if (err == OK)
        err = load_environment(config, message);
    if (err == OK)
        err = load_flags(config, argc, argv, message);
    if (err != OK) {
        config_free(config);
        return err;
    }
    config_show(config);
    *out = config;
    return OK;
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    arena_deinit(&config->arena);
    xfree(config);
}
