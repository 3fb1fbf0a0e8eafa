// SPDX-License-Identifier: MIT
// Tests what editors are given: lua/library/ is valid Lua and holds all of api.def, with types.
#include <lauxlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/embed.h"
#include "base/span.h"

static const struct {
    const char *module;
    const char *name;
    const char *arguments;
} offered[] = {
#define X(module, name, arguments, help, types) {#module, #name, arguments},
#include "sandbox/api.def"
#undef X
};

static const char *const own[] = {"_G", "string", "table", "math", "utf8"};

static void path_of(const char *module, char *out, size_t size)
{
    for (size_t i = 0; i < COUNT_OF(own); i++) {
        if (strcmp(module, own[i]) == 0)
            module = "lua";
    }
    bool is_inside = strcmp(module, "lua") != 0 && strcmp(module, "cjson") != 0;
    snprintf(out, size, SOURCE_DIR "/lua/library/%s%s.lua", is_inside ? "grapnel/" : "", module);
}

static void read_file(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("%s is missing", path);
    size_t len = fread(out, 1, size - 1, file);
    fclose(file);
    assert_true(len < size - 1);
    out[len] = 0;
}

// Each is defined once, as what it is, and the line before says a type.
static void test_all_is_there(void **state)
{
    (void)state;
    static char text[65536];
    for (size_t i = 0; i < COUNT_OF(offered); i++) {
        char path[512];
        char line[128];
        bool is_global = strcmp(offered[i].module, "_G") == 0;
        bool is_function = offered[i].arguments[0] != 0;
        path_of(offered[i].module, path, sizeof(path));
        read_file(path, text, sizeof(text));
        snprintf(line, sizeof(line), "\n%s%s%s%s%s", is_function ? "function " : "",
                 is_global ? "" : offered[i].module, is_global ? "" : ".", offered[i].name,
                 is_function ? "(" : " = nil\n");
        const char *found = strstr(text, line);
        if (!found)
            fail_msg("%s: no%s", path, line);
        assert_null(strstr(found + 1, line));
        const char *before = found;
        while (before > text && before[-1] != '\n')
            before--;
        if (strncmp(before, "---@", 4) != 0)
            fail_msg("%s: no types before%s", path, line);
    }
}

static void test_it_is_lua(void **state)
{
    (void)state;
    static const char *const more[] = {"lua.lua", "script.lua", "cjson.lua"};
    char path[512];
    lua_State *L = luaL_newstate();
    for (size_t i = 0; i < COUNT_OF(offered) + COUNT_OF(more); i++) {
        if (i < COUNT_OF(offered))
            path_of(offered[i].module, path, sizeof(path));
        else
            snprintf(path, sizeof(path), SOURCE_DIR "/lua/library/%s", more[i - COUNT_OF(offered)]);
        if (luaL_dofile(L, path) != LUA_OK)
            fail_msg("%s", lua_tostring(L, -1));
        lua_settop(L, 0);
    }
    lua_close(L);
}

// It is for editors only: no script can load it.
static void test_not_embedded(void **state)
{
    (void)state;
    for (const struct embedded_file *file = embedded_modules; file->name; file++) {
        if (memmem(file->text, file->len, "---@meta", 8))
            fail_msg("%s is embedded", file->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_is_there),
        cmocka_unit_test(test_it_is_lua),
        cmocka_unit_test(test_not_embedded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
