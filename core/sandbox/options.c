// SPDX-License-Identifier: MIT
// Reads a script's option specs, prints them, and fills in what a webhook gives. Script host only.
#include "sandbox/options.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "json/json_write.h"
#include "sandbox/options_inside.h"

#define MAX_SPEC ((size_t)64 * 1024) // bytes of one spec as JSON

static const char *const type_names[] = {"string",   "text", "integer", "number", "boolean",
                                         "duration", "path", "secret",  "list",   "map"};
static const char *const fields[] = {"type",    "required", "default", "help", "example",
                                     "choices", "min",      "max",     "of",   "check"};

const char *options_type_name(enum option_type type)
{
    return type_names[type];
}

struct options *options_new(void)
{
    struct options *options = xcalloc(1, sizeof(*options));
    options->magic = OPTIONS_MAGIC;
    return options;
}

void options_free(struct options *options)
{
    if (!options)
        return;
    CHECK(options->magic == OPTIONS_MAGIC);
    for (size_t i = 0; i < options->count; i++)
        xfree(options->list[i].json);
    xfree(options->list);
    options->magic = 0;
    xfree(options);
}

// ---- specs ----

static NORETURN void fail(lua_State *L, const struct option *option, const char *what)
{
    lua_pushfstring(L, "options.%s: %s", option->name, what); // message
    lua_error(L);
    abort(); // not reached
}

static enum option_type read_type(lua_State *L, const struct option *option, int spec,
                                  const char *field, bool may_nest)
{
    lua_getfield(L, spec, field); // … type
    if (lua_type(L, -1) == LUA_TSTRING) {
        size_t count = may_nest ? OPTION_TYPES : OPTION_LIST;
        for (size_t i = 0; i < count; i++) {
            if (strcmp(lua_tostring(L, -1), type_names[i]) == 0) {
                lua_pop(L, 1); // …
                return (enum option_type)i;
            }
        }
    }
    lua_pushfstring(L,
                    "%s must be one of string, text, integer, number, boolean, duration, path, "
                    "secret%s",
                    field, may_nest ? ", list, map" : "");
    fail(L, option, lua_tostring(L, -1));
}

static void check_fields(lua_State *L, const struct option *option, int spec)
{
    lua_pushnil(L);             // … nil
    while (lua_next(L, spec)) { // … key value
        lua_pop(L, 1);          // … key
        bool is_known = false;
        struct span name = {0};
        if (lua_type(L, -1) == LUA_TSTRING)
            name.at = lua_tolstring(L, -1, &name.len);
        for (size_t i = 0; i < COUNT_OF(fields); i++)
            is_known = is_known || span_is(name, fields[i]);
        if (is_known)
            continue;
        char hint[NEAREST_HINT_LEN];
        lua_pushfstring(L, "unknown field '%s'%s", name.at ? name.at : "[1]",
                        nearest_hint(name, fields, COUNT_OF(fields), hint));
        fail(L, option, lua_tostring(L, -1));
    }
}

static void read_bound(lua_State *L, const struct option *option, int spec, const char *field,
                       bool *has, double *out)
{
    if (lua_getfield(L, spec, field) != LUA_TNIL) { // … bound
        if (lua_type(L, -1) != LUA_TNUMBER)
            fail(L, option, "min and max must be numbers");
        if (option->type == OPTION_BOOLEAN)
            fail(L, option, "a boolean has no min and max");
        *has = true;
        *out = lua_tonumber(L, -1);
    }
    lua_pop(L, 1); // …
}

static void read_choices(lua_State *L, struct option *option, int spec)
{
    if (lua_getfield(L, spec, "choices") == LUA_TNIL) { // … choices
        lua_pop(L, 1);                                  // …
        return;
    }
    if (!lua_istable(L, -1) || lua_rawlen(L, -1) == 0)
        fail(L, option, "choices must be a list that is not empty");
    int choices = lua_gettop(L);
    struct option one = *option; // an element of a list is compared
    one.has_min = false;
    one.has_max = false;
    if (one.type == OPTION_LIST || one.type == OPTION_MAP)
        one.type = one.of;
    lua_newtable(L);                                                       // … choices list
    for (lua_Integer i = 1; lua_rawgeti(L, choices, i) != LUA_TNIL; i++) { // … choices list value
        char message[OPTIONS_MESSAGE];
        if (!options_check_value(&one, L, choices + 2, 0, message)) {
            lua_pushfstring(L, "choices: %s", message);
            fail(L, option, lua_tostring(L, -1));
        }
        lua_rawseti(L, choices + 1, i); // … choices list value
        lua_pop(L, 1);                  // … choices list
    }
    lua_pop(L, 1);                                        // … choices list
    option->choices_ref = luaL_ref(L, LUA_REGISTRYINDEX); // … choices
    lua_pop(L, 1);                                        // …
}

static void read_default(lua_State *L, struct option *option, int spec)
{
    if (lua_getfield(L, spec, "default") == LUA_TNIL) { // … value
        lua_pop(L, 1);                                  // …
        return;
    }
    char message[OPTIONS_MESSAGE];
    if (option->is_required)
        fail(L, option, "a required option has no default");
    if (!options_check_value(option, L, lua_gettop(L), 0, message)) {
        lua_pushfstring(L, "default: %s", message);
        fail(L, option, lua_tostring(L, -1));
    }
    option->default_ref = luaL_ref(L, LUA_REGISTRYINDEX); // … value
    lua_pop(L, 1);                                        // …
}

// Appends ,"field":value if it is there.
static void append_field(struct lazy *lazy, lua_State *L, const struct option *option, int spec,
                         const char *field, struct buf *out)
{
    if (lua_getfield(L, spec, field) != LUA_TNIL) { // … value
        buf_append_format(out, ",\"%s\":", field);
        if (!lazy_encode(lazy, L, -1, field, out)) // … value message
            fail(L, option, lua_tostring(L, -1));
    }
    lua_pop(L, 1); // …
}

static void read_spec(struct options *options, struct lazy *lazy, lua_State *L, int spec,
                      struct buf *text)
{
    struct option *option = &options->list[options->count];
    check_fields(L, option, spec);
    option->type = read_type(L, option, spec, "type", true);
    bool is_nested = option->type == OPTION_LIST || option->type == OPTION_MAP;
    if (is_nested)
        option->of = read_type(L, option, spec, "of", false);
    else if (lua_getfield(L, spec, "of") != LUA_TNIL)
        fail(L, option, "only a list and a map have 'of'");
    lua_settop(L, spec);
    lua_getfield(L, spec, "required"); // … required
    if (!lua_isnil(L, -1) && !lua_isboolean(L, -1))
        fail(L, option, "required must be true or false");
    option->is_required = lua_toboolean(L, -1);
    if (lua_getfield(L, spec, "help") != LUA_TNIL && lua_type(L, -1) != LUA_TSTRING)
        fail(L, option, "help must be a string");
    lua_settop(L, spec);
    read_bound(L, option, spec, "min", &option->has_min, &option->min);
    read_bound(L, option, spec, "max", &option->has_max, &option->max);
    if (option->has_min && option->has_max && option->min > option->max)
        fail(L, option, "min is greater than max");
    if (lua_getfield(L, spec, "check") != LUA_TNIL) { // … check
        if (!lua_isfunction(L, -1))
            fail(L, option, "check must be a function");
        option->check_ref = luaL_ref(L, LUA_REGISTRYINDEX); // …
        options->has_checks = true;
    }
    lua_settop(L, spec);
    read_choices(L, option, spec);
    read_default(L, option, spec);
    buf_clear(text);
    append_field(lazy, L, option, spec, "help", text);
    append_field(lazy, L, option, spec, "example", text);
    append_field(lazy, L, option, spec, "choices", text);
    if (option->type != OPTION_SECRET && option->of != OPTION_SECRET)
        append_field(lazy, L, option, spec, "default", text);
    append_field(lazy, L, option, spec, "min", text);
    append_field(lazy, L, option, spec, "max", text);
    option->json = xmemdup0(text->at, text->len);
    options->count++;
}

static int compare(const void *a, const void *b)
{
    const struct option *left = a;
    const struct option *right = b;
    if (left->is_required != right->is_required)
        return left->is_required ? -1 : 1;
    return strcmp(left->name, right->name);
}

static bool is_name(struct span name)
{
    if (name.len == 0 || name.len > OPTIONS_NAME)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!is_letter && (i == 0 || ((c < '0' || c > '9') && c != '-')))
            return false;
    }
    return true;
}

// Room for one more behind options->count.
static struct option *add_option(struct options *options)
{
    if (options->count == options->capacity) {
        options->capacity = options->capacity ? options->capacity * 2 : 4;
        options->list = xrealloc(options->list, options->capacity * sizeof(*options->list));
    }
    return &options->list[options->count];
}

// Arguments: options, lazy, text (light userdata), the table of specs.
static int read_specs(lua_State *L)
{
    struct options *options = lua_touserdata(L, 1);
    struct lazy *lazy = lua_touserdata(L, 2);
    struct buf *text = lua_touserdata(L, 3);
    lua_pushnil(L);          // … specs nil
    while (lua_next(L, 4)) { // … specs key spec
        struct span name = {0};
        if (lua_type(L, 5) == LUA_TSTRING)
            name.at = lua_tolstring(L, 5, &name.len);
        if (!name.at || !is_name(name))
            return luaL_error(L, "options: a name is made of letters, digits, _ and -");
        if (options->count == OPTIONS_MAX)
            return luaL_error(L, "options: at most %d", OPTIONS_MAX);
        struct option *option = add_option(options);
        *option = (struct option){.of = OPTION_TYPES,
                                  .default_ref = LUA_NOREF,
                                  .choices_ref = LUA_NOREF,
                                  .check_ref = LUA_NOREF};
        memcpy(option->name, name.at, name.len);
        if (!lua_istable(L, 6))
            fail(L, option, "a table such as { type = \"string\" } expected");
        read_spec(options, lazy, L, 6, text);
        lua_settop(L, 5); // … specs key
    }
    if (options->count > 1)
        qsort(options->list, options->count, sizeof(options->list[0]), compare);
    return 0;
}

void options_read(struct options *options, struct lazy *lazy, lua_State *L, int index)
{
    struct buf text;
    luaL_checkstack(L, 10, NULL);
    index = lua_absindex(L, index);
    buf_init(&text, MAX_SPEC);
    lua_pushcfunction(L, read_specs);  // read
    lua_pushlightuserdata(L, options); // read options
    lua_pushlightuserdata(L, lazy);    // read options lazy
    lua_pushlightuserdata(L, &text);   // read options lazy text
    lua_pushvalue(L, index);           // read options lazy text specs
    int status = lua_pcall(L, 4, 0, 0);
    bool is_full = text.is_full;
    buf_deinit(&text);
    if (status != LUA_OK)
        lua_error(L);
    if (is_full)
        luaL_error(L, "options: a spec is too long");
}

void options_print(const struct options *options, struct buf *out)
{
    buf_append_char(out, '[');
    for (size_t i = 0; i < options->count; i++) {
        const struct option *option = &options->list[i];
        buf_append_format(out, "%s{\"name\":\"%s\",\"type\":\"%s\"", i ? "," : "", option->name,
                          type_names[option->type]);
        if (option->of != OPTION_TYPES)
            buf_append_format(out, ",\"of\":\"%s\"", type_names[option->of]);
        buf_append_format(out, ",\"required\":%s", option->is_required ? "true" : "false");
        buf_append_text(out, option->json);
        buf_append_char(out, '}');
    }
    buf_append_char(out, ']');
}

// ---- a webhook's values ----

static void report_unknown(const struct options *options, struct span name,
                           options_problem_fn *on_problem, void *context)
{
    const char *names[OPTIONS_MAX];
    char hint[NEAREST_HINT_LEN];
    char message[OPTIONS_MESSAGE];
    for (size_t i = 0; i < options->count; i++)
        names[i] = options->list[i].name;
    snprintf(message, sizeof(message), "there is no such option%s%s",
             nearest_hint(name, names, options->count, hint),
             options->count ? "" : "; this script has none");
    on_problem(context, name, message);
}

static const struct option *find(const struct options *options, struct span name)
{
    for (size_t i = 0; i < options->count; i++) {
        if (span_is(name, options->list[i].name))
            return &options->list[i];
    }
    return NULL;
}

void options_check_name(const struct options *options, lua_State *L, struct span name)
{
    const char *names[OPTIONS_MAX];
    char hint[NEAREST_HINT_LEN];
    if (find(options, name))
        return;
    for (size_t i = 0; i < options->count; i++)
        names[i] = options->list[i].name;
    nearest_hint(name, names, options->count, hint);
    luaL_error(L, "the script declares no option '%s'%s", name.at,
               hint[0] ? hint : "; add it to options = { … } in the script's table");
}

// Pushes what is given as a plain table. [+1] False, and an empty one, when it is no object.
static bool push_given(struct lazy *lazy, lua_State *L, struct span json)
{
    if (json.len == 0) {
        lua_newtable(L); // given
        return true;
    }
    if (lazy_push(lazy, L, json, true) == OK && lua_istable(L, -1)) { // given
        lazy_fill(lazy, L, -1);
        if (lua_rawlen(L, -1) == 0)
            return true;
    }
    lua_pop(L, 1);   //
    lua_newtable(L); // given
    return false;
}

bool options_have_checks(const struct options *options)
{
    return options->has_checks;
}

void options_convert(const struct options *options, struct lazy *lazy, lua_State *L,
                     struct span json, options_problem_fn *on_problem, void *context)
{
    luaL_checkstack(L, 12, NULL);
    char message[OPTIONS_MESSAGE];
    lua_createtable(L, 0, (int)options->count); // out
    int out = lua_gettop(L);
    lua_newtable(L);                // out secrets
    if (!push_given(lazy, L, json)) // out secrets given
        on_problem(context, (struct span){0}, "an object of options expected");
    for (size_t i = 0; i < options->count; i++) {
        const struct option *option = &options->list[i];
        if (lua_getfield(L, out + 2, option->name) == LUA_TNIL) { // out secrets given value
            if (option->is_required)
                on_problem(context, span_of(option->name), "is required");
            if (option->default_ref != LUA_NOREF) {
                lua_rawgeti(L, LUA_REGISTRYINDEX, option->default_ref); // … value default
                options_push_copy(L, lua_gettop(L));                    // … value default copy
                lua_setfield(L, out, option->name);                     // … value default
            }
        } else if (options_check_value(option, L, out + 3, out + 1, message)) { // … value result
            lua_setfield(L, out, option->name);                                 // … value
        } else {
            on_problem(context, span_of(option->name), message);
        }
        lua_settop(L, out + 2); // out secrets given
    }
    lua_pushnil(L);                // out secrets given nil
    while (lua_next(L, out + 2)) { // out secrets given key value
        lua_pop(L, 1);             // out secrets given key
        struct span name;
        name.at = lua_tolstring(L, -1, &name.len);
        if (!find(options, name))
            report_unknown(options, name, on_problem, context);
    }
    lua_settop(L, out + 1); // out secrets
}

// Bounded: options are at most two levels deep.
// NOLINTNEXTLINE(misc-no-recursion): see above
void options_push_copy(lua_State *L, int index)
{
    luaL_checkstack(L, 6, NULL);
    if (!lua_istable(L, index)) {
        lua_pushvalue(L, index);
        return;
    }
    index = lua_absindex(L, index);
    lua_createtable(L, (int)lua_rawlen(L, index), 4); // copy
    int copy = lua_gettop(L);
    lua_pushnil(L);                     // copy nil
    while (lua_next(L, index)) {        // copy key value
        lua_pushvalue(L, -2);           // copy key value key
        options_push_copy(L, copy + 2); // copy key value key copied
        lua_rawset(L, copy);            // copy key value
        lua_pop(L, 1);                  // copy key
    }
}
