// SPDX-License-Identifier: MIT
// require: the engine's modules, the files of lua/, cjson; each opened when it is first asked for. Script host only.
#include <lauxlib.h>
#include <stdlib.h>

#include "base/embed.h"
#include "sandbox/advice.h"
#include "sandbox/bind_inside.h"

#define PREFIX    "grapnel."
#define MAX_FILES 64 // of lua/ that a message lists

int luaopen_cjson(lua_State *L); // of liblua5.4-cjson.a, which has no header

static const struct luaL_Reg modules[] = {
    {"crypto", api_crypto_open}, {"time", api_time_open}, {"url", api_url_open},
    {"text", api_text_open},     {"log", api_log_open},   {NULL, NULL},
};

static NORETURN void fail_missing(lua_State *L, struct bind *bind, const char *name)
{
    char files[MAX_FILES][32];
    const char *names[MAX_FILES + 1];
    size_t count = 0;
    for (const struct embedded_file *file = embedded_modules; file->name; file++) {
        size_t len = strlen(file->name) - strlen(".lua");
        if (count == MAX_FILES || len >= sizeof(files[0]))
            continue;
        memcpy(files[count], file->name, len);
        files[count][len] = 0;
        names[count] = files[count];
        count++;
    }
    names[count] = NULL;
    buf_clear(&bind->scratch);
    buf_append_format(&bind->scratch, "no module '%s'", name);
    advice_module(&bind->scratch, span_of(name), names);
    luaL_error(L, "%s", buf_text(&bind->scratch));
    abort(); // not reached
}

// Pushes the file of lua/ that is called `name`, run; throws when there is none. [+1]
static void run_file(lua_State *L, struct bind *bind, const char *name)
{
    lua_pushfstring(L, "%s.lua", name); // file
    const char *wanted = lua_tostring(L, -1);
    for (const struct embedded_file *file = embedded_modules; file->name; file++) {
        if (strcmp(file->name, wanted) != 0)
            continue;
        lua_pushfstring(L, "lua/%s", wanted); // file title
        if (!bind_load(bind, L, span_make(file->text, file->len), lua_tostring(L, -1)))
            lua_error(L);   // … chunk
        lua_call(L, 0, 1);  // … module
        lua_replace(L, -3); // module title
        lua_pop(L, 1);      // module
        return;
    }
    lua_pushfstring(L, PREFIX "%s", name); // file full
    fail_missing(L, bind, lua_tostring(L, -1));
}

// A module of lua/ is kept from change as the engine's own are: a state serves many visits. [1 → 1]
static void protect_file(lua_State *L, const char *name)
{
    if (!lua_istable(L, -1) || lua_getmetatable(L, -1))
        return;      // (a metatable: then it says itself what may be done)
    lua_newtable(L); // module hidden
    bind_copy_fields(L, lua_gettop(L) - 1, lua_gettop(L));
    lua_remove(L, -2); // hidden
    bind_make_strict(L, name);
    bind_protect(L, name); // proxy
}

// Pushes a module that has not been loaded. [+1]
static void open_module(lua_State *L, struct bind *bind, const char *name)
{
    if (strcmp(name, "cjson") == 0) {
        lua_pushlightuserdata(L, bind);         // bind
        lua_pushcclosure(L, api_cjson_open, 1); // open
        lua_call(L, 0, 1);                      // module
        bind_protect(L, name);
        return;
    }
    if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
        fail_missing(L, bind, name);
    const char *rest = name + strlen(PREFIX);
    lua_CFunction open = strcmp(rest, "json") == 0 ? lazy_open_json : NULL;
    void *context = open ? (void *)bind->lazy : (void *)bind;
    for (const struct luaL_Reg *module = modules; module->name; module++) {
        if (strcmp(module->name, rest) == 0)
            open = module->func;
    }
    if (!open) {
        run_file(L, bind, rest); // module
        protect_file(L, name);
        return;
    }
    lua_pushlightuserdata(L, context); // context
    lua_pushcclosure(L, open, 1);      // open
    lua_call(L, 0, 1);                 // module
    bind_make_strict(L, name);
    bind_protect(L, name);
}

int bind_require(lua_State *L)
{
    struct bind *bind = bind_upvalue(L);
    size_t len;
    const char *name = luaL_checklstring(L, 1, &len);
    lua_settop(L, 1); // name
    if (strlen(name) < len)
        return luaL_error(L, "no module '%s…': its name has a zero byte", name);
    lua_rawgeti(L, LUA_REGISTRYINDEX, bind->modules); // name modules
    lua_pushvalue(L, 1);                              // name modules name
    int type = lua_rawget(L, 2);                      // name modules module
    if (type == LUA_TBOOLEAN)
        return luaL_error(L, "module '%s' requires itself, or has failed", name);
    if (type != LUA_TNIL)
        return 1;
    lua_pop(L, 1);              // name modules
    lua_pushvalue(L, 1);        // name modules name
    lua_pushboolean(L, true);   // name modules name true
    lua_rawset(L, 2);           // name modules
    open_module(L, bind, name); // name modules module
    if (lua_isnil(L, -1) || lua_isboolean(L, -1))
        return luaL_error(L, "module '%s' does not return a table", name);
    lua_pushvalue(L, 1);  // name modules module name
    lua_pushvalue(L, -2); // name modules module name module
    lua_rawset(L, 2);     // name modules module
    return 1;
}

// ---- cjson ----

// Upvalues: bind, lua-cjson's own encode.
static int cjson_encode(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_settop(L, 1); // value
    bind_upvalue(L)->has_encoded = true;
    lazy_fill(bind_upvalue(L)->lazy, L, 1);
    lua_pushvalue(L, lua_upvalueindex(2)); // value encode
    lua_insert(L, 1);                      // encode value
    lua_call(L, 1, 1);                     // text
    return 1;
}

int api_cjson_open(lua_State *L)
{
    lua_pushcfunction(L, luaopen_cjson); // open
    lua_call(L, 0, 1);                   // theirs
    struct bind *bind = bind_upvalue(L);
    lua_getfield(L, -1, "encode_keep_buffer"); // theirs keep
    bind->keep_buffer = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_createtable(L, 0, 3);              // theirs cjson
    lua_pushvalue(L, lua_upvalueindex(1)); // theirs cjson bind
    lua_getfield(L, -3, "encode");         // theirs cjson bind encode
    lua_pushcclosure(L, cjson_encode, 2);  // theirs cjson encode
    lua_setfield(L, -2, "encode");         // theirs cjson
    lua_getfield(L, -2, "decode");         // theirs cjson decode
    lua_setfield(L, -2, "decode");         // theirs cjson
    lazy_push_null(L);                     // theirs cjson null
    lua_setfield(L, -2, "null");           // theirs cjson
    return 1;
}
