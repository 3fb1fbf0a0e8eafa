// SPDX-License-Identifier: MIT
// The two options that are tables: ingest_uids and hook_env, from their Lua values; main only.
#include <ctype.h>
#include <errno.h>
#include <lua.h>
#include <pwd.h>
#include <stdlib.h>

#include "config/config_build.h"

#define PASSWD_BYTES  16384             // what one line of the user database may need
#define TENANT_MAX    128               // bytes of a tenant's name
#define ENV_MAX_BYTES ((size_t)1 << 20) // all values of hook_env together

#define QUOTE(text)   (int)((text).len < 60 ? (text).len : 60), (text).at ? (text).at : ""

static const char *const uids_shape =
    "must be a table of users: { django = { \"default\" }, [0] = \"*\" }";
static const char *const env_shape = "must be a table: { default = { NAME = \"value\" } }";

static struct span string_at(lua_State *L, int index)
{
    size_t len = 0;
    const char *text = lua_tolstring(L, index, &len);
    return span_make(text, len);
}

static enum err bad(struct errmsg *message, const char *why)
{
    errmsg_set(message, "%s", why);
    return ERR_SYNTAX;
}

static enum err check_tenant(struct span name, struct errmsg *message)
{
    if (name.len == 0 || name.len > TENANT_MAX) {
        errmsg_set(message, "a tenant's name must be a text of 1 to %d bytes", TENANT_MAX);
        return ERR_SYNTAX;
    }
    return config_check_text(name, message);
}

// How many rows the table on top has; more than the maximum is an error.
static enum err count_rows(lua_State *L, size_t *out, struct errmsg *message)
{
    size_t count = 0;
    lua_pushnil(L);                // table key
    while (lua_next(L, -2) != 0) { // table key value
        count++;
        lua_pop(L, 1); // table key
    }
    if (count > CONFIG_MAX_LIST) {
        errmsg_set(message, "more than %d entries", CONFIG_MAX_LIST);
        return ERR_SYNTAX;
    }
    *out = count;
    return OK;
}

// ---- ingest_uids -------------------------------------------------------------------------------

static enum err find_user(struct span name, uint32_t *uid, struct errmsg *message)
{
    char text[256];
    char buffer[PASSWD_BYTES];
    struct passwd entry;
    struct passwd *found = NULL;
    if (name.len > 0 && name.len < sizeof text && memchr(name.at, '\0', name.len) == NULL) {
        memcpy(text, name.at, name.len);
        text[name.len] = '\0';
        if (getpwnam_r(text, &entry, buffer, sizeof buffer, &found) != 0)
            found = NULL;
    }
    if (found == NULL) {
        errmsg_set(message, "there is no user \"%.*s\" here", QUOTE(name));
        return ERR_SYNTAX;
    }
    *uid = (uint32_t)found->pw_uid;
    return OK;
}

// The user that the key below the top names.
static enum err take_user(lua_State *L, uint32_t *uid, struct errmsg *message)
{
    if (lua_type(L, -2) == LUA_TSTRING)
        return find_user(string_at(L, -2), uid, message);
    int is_whole = 0;
    lua_Integer number = lua_isinteger(L, -2) ? lua_tointegerx(L, -2, &is_whole) : -1;
    if (!is_whole || number < 0 || number >= UINT32_MAX)
        return bad(message, "a user must be a name or a number, such as django or [1001]");
    *uid = (uint32_t)number;
    return OK;
}

// The tenants on top: "*" or a list of names.
static enum err take_tenants(struct config *config, lua_State *L, struct config_uid *row,
                             struct errmsg *message)
{
    static const char *const shape = "tenants must be \"*\" or a list of names: { \"default\" }";
    if (lua_type(L, -1) == LUA_TSTRING && span_is(string_at(L, -1), "*")) {
        row->is_any_tenant = true;
        return OK;
    }
    size_t count = 0;
    if (!lua_istable(L, -1))
        return bad(message, shape);
    enum err err = count_rows(L, &count, message);
    if (err != OK)
        return err;
    if (count != lua_rawlen(L, -1))
        return bad(message, shape);
    struct span *names = arena_zalloc(&config->arena, count * sizeof *names);
    for (size_t i = 0; i < count; i++) {
        bool is_text = lua_rawgeti(L, -1, (lua_Integer)i + 1) == LUA_TSTRING; // tenants name
        struct span name = is_text ? string_at(L, -1) : SPAN("");
        err = check_tenant(name, message);
        if (err == OK && span_is(name, "*"))
            err = bad(message, "\"*\" stands alone, not in a list");
        if (err == OK)
            names[i] = arena_copy(&config->arena, name);
        lua_pop(L, 1); // tenants
        if (err != OK)
            return err;
    }
    row->tenants = names;
    row->tenant_count = count;
    return OK;
}

static int compare_uids(const void *a, const void *b)
{
    uint32_t x = ((const struct config_uid *)a)->uid;
    uint32_t y = ((const struct config_uid *)b)->uid;
    return (x > y) - (x < y);
}

static enum err set_uids(struct config *config, lua_State *L, struct errmsg *message)
{
    size_t count = 0;
    enum err err = lua_istable(L, -1) ? count_rows(L, &count, message) : bad(message, uids_shape);
    if (err != OK)
        return err;
    struct config_uid *rows = arena_zalloc(&config->arena, count * sizeof *rows);
    size_t at = 0;
    lua_pushnil(L);                // table user
    while (lua_next(L, -2) != 0) { // table user tenants
        err = take_user(L, &rows[at].uid, message);
        if (err == OK)
            err = take_tenants(config, L, &rows[at], message);
        if (err != OK)
            return err;
        at++;
        lua_pop(L, 1); // table user
    }
    qsort(rows, count, sizeof *rows, compare_uids);
    for (size_t i = 1; i < count; i++) {
        if (rows[i].uid == rows[i - 1].uid) {
            errmsg_set(message, "user %u is there twice, by name and by number", rows[i].uid);
            return ERR_SYNTAX;
        }
    }
    config->ingest_uids = rows;
    config->ingest_uid_count = count;
    return OK;
}

// ---- hook_env ----------------------------------------------------------------------------------

static bool is_variable_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.at[i];
        if (!(isalpha(c) || c == '_' || (i > 0 && isdigit(c))))
            return false;
    }
    return name.len > 0;
}

// The name below the top and the value on top.
static enum err check_pair(lua_State *L, size_t *total, struct errmsg *message)
{
    if (lua_type(L, -2) != LUA_TSTRING || !is_variable_name(string_at(L, -2)))
        return bad(message, "a name must be letters, digits and _, such as API_TOKEN");
    struct span name = string_at(L, -2);
    if (lua_type(L, -1) != LUA_TSTRING) {
        errmsg_set(message, "the value of %.*s must be a text in quotes", QUOTE(name));
        return ERR_SYNTAX;
    }
    struct span value = string_at(L, -1);
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] == '\r' || value.at[i] == '\n' || value.at[i] == '\0') {
            errmsg_set(message, "the value of %.*s holds a line break or NUL, which no header may",
                       QUOTE(name));
            return ERR_SYNTAX;
        }
    }
    *total += name.len + value.len;
    if (value.len > CONFIG_MAX_TEXT || *total > ENV_MAX_BYTES) {
        errmsg_set(message, "%.*s: too long: at most %d bytes a value, %zu KiB in all", QUOTE(name),
                   CONFIG_MAX_TEXT, ENV_MAX_BYTES >> 10);
        return ERR_SYNTAX;
    }
    return OK;
}

static int compare_pairs(const void *a, const void *b)
{
    return span_cmp(((const struct config_pair *)a)->name, ((const struct config_pair *)b)->name);
}

// The values of one tenant, on top.
static enum err take_values(struct config *config, lua_State *L, struct config_env *row,
                            size_t *total, struct errmsg *message)
{
    size_t count = 0;
    enum err err = lua_istable(L, -1) ? count_rows(L, &count, message) : bad(message, env_shape);
    if (err != OK)
        return err;
    struct config_pair *pairs = arena_zalloc(&config->arena, count * sizeof *pairs);
    size_t at = 0;
    lua_pushnil(L);                // values name
    while (lua_next(L, -2) != 0) { // values name value
        err = check_pair(L, total, message);
        if (err != OK)
            return err;
        pairs[at].name = arena_copy(&config->arena, string_at(L, -2));
        pairs[at].value = arena_copy(&config->arena, string_at(L, -1));
        at++;
        lua_pop(L, 1); // values name
    }
    qsort(pairs, count, sizeof *pairs, compare_pairs);
    row->values = pairs;
    row->value_count = count;
    return OK;
}

static int compare_tenants(const void *a, const void *b)
{
    return span_cmp(((const struct config_env *)a)->tenant, ((const struct config_env *)b)->tenant);
}

static enum err set_env(struct config *config, lua_State *L, struct errmsg *message)
{
    size_t count = 0;
    size_t total = 0;
    enum err err = lua_istable(L, -1) ? count_rows(L, &count, message) : bad(message, env_shape);
    if (err != OK)
        return err;
    struct config_env *rows = arena_zalloc(&config->arena, count * sizeof *rows);
    size_t at = 0;
    lua_pushnil(L);                // table tenant
    while (lua_next(L, -2) != 0) { // table tenant values
        if (lua_type(L, -2) != LUA_TSTRING)
            return bad(message, env_shape);
        struct span tenant = string_at(L, -2);
        err = check_tenant(tenant, message);
        if (err == OK)
            err = take_values(config, L, &rows[at], &total, message);
        if (err != OK) {
            errmsg_prefix(message, "%.*s: ", QUOTE(tenant));
            return err;
        }
        rows[at++].tenant = arena_copy(&config->arena, tenant);
        lua_pop(L, 1); // table tenant
    }
    qsort(rows, count, sizeof *rows, compare_tenants);
    config->hook_env = rows;
    config->hook_env_count = count;
    return OK;
}

enum err config_set_table(struct config *config, size_t option, lua_State *L,
                          struct errmsg *message)
{
    if (option == CONFIG_OPTION_ingest_uids)
        return set_uids(config, L, message);
    CHECK(option == CONFIG_OPTION_hook_env);
    return set_env(config, L, message);
}
