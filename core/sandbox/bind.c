// SPDX-License-Identifier: MIT
// Makes a bare state a sandbox: allow-listed libraries behind read-only tables. Script host only.
#include "sandbox/bind.h"

#include <lauxlib.h>
#include <lualib.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "sandbox/bind_inside.h"

#define MAX_MEMBERS  64 // of a module, that a hint looks through
#define MAX_SCRATCH  ((size_t)32 * 1024 * 1024)
#define KEPT_SCRATCH 65536u // between visits

static const struct {
    const char *module;
    const char *name;
} allowed[] = {
#define X(module, name, arguments, help, types) {#module, #name},
#include "sandbox/api.def"
#undef X
};

// ---- read-only tables ----

// Upvalue 1: the table's name.
static int refuse_set(lua_State *L)
{
    const char *table = lua_tostring(L, lua_upvalueindex(1));
    bind_push_text(L, 2); // … key
    if (strcmp(table, "_G") == 0)
        return luaL_error(L, "cannot set the global '%s': write local %s", lua_tostring(L, -1),
                          lua_tostring(L, -1));
    return luaL_error(L, "%s is read-only: cannot set '%s'", table, lua_tostring(L, -1));
}

// Upvalue 1: an iterator function of pairs over the hidden table.
static int pairs_step(lua_State *L)
{
    lua_settop(L, 0);
    lua_pushvalue(L, lua_upvalueindex(1)); // step
    lua_call(L, 0, LUA_MULTRET);           // key value
    return lua_gettop(L);
}

// Upvalues: Lua's (our) pairs, the hidden table. The iterator never shows the table itself.
static int hidden_pairs(lua_State *L)
{
    lua_settop(L, 0);
    lua_pushvalue(L, lua_upvalueindex(1)); // pairs
    lua_pushvalue(L, lua_upvalueindex(2)); // pairs hidden
    lua_call(L, 1, 1);                     // step
    lua_pushcclosure(L, pairs_step, 1);    // step
    return 1;
}

void bind_protect(lua_State *L, const char *name)
{
    luaL_checkstack(L, 8, "too many levels of tables");
    lua_newtable(L);                                     // hidden proxy
    lua_createtable(L, 0, 5);                            // hidden proxy mt
    lua_pushvalue(L, -3);                                // hidden proxy mt hidden
    lua_setfield(L, -2, "__index");                      // hidden proxy mt
    lua_pushstring(L, name);                             // hidden proxy mt name
    lua_pushcclosure(L, refuse_set, 1);                  // hidden proxy mt refuse
    lua_setfield(L, -2, "__newindex");                   // hidden proxy mt
    lua_getfield(L, LUA_REGISTRYINDEX, "grapnel.pairs"); // hidden proxy mt pairs
    lua_pushvalue(L, -4);                                // hidden proxy mt pairs hidden
    lua_pushcclosure(L, hidden_pairs, 2);                // hidden proxy mt walk
    lua_setfield(L, -2, "__pairs");                      // hidden proxy mt
    lua_pushboolean(L, false);                           // hidden proxy mt opaque
    lazy_set_record(L);                                  // hidden proxy mt
    lua_setmetatable(L, -2);                             // hidden proxy
    lua_remove(L, -2);                                   // proxy
}

// Upvalue 1: the table's name. (hidden table, key)
static int refuse_get(lua_State *L)
{
    const char *table = lua_tostring(L, lua_upvalueindex(1));
    const char *names[MAX_MEMBERS];
    char hint[NEAREST_HINT_LEN];
    size_t count = 0;
    struct span key = {0};
    if (lua_type(L, 2) != LUA_TSTRING)
        return 0;
    key.at = lua_tolstring(L, 2, &key.len);
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) { // … key value
        if (count < MAX_MEMBERS && lua_type(L, -2) == LUA_TSTRING)
            names[count++] = lua_tostring(L, -2);
    }
    return luaL_error(L, "%s has no '%s'%s", table, key.at, nearest_hint(key, names, count, hint));
}

void bind_make_strict(lua_State *L, const char *name)
{
    lua_createtable(L, 0, 1);           // hidden mt
    lua_pushstring(L, name);            // hidden mt name
    lua_pushcclosure(L, refuse_get, 1); // hidden mt refuse
    lua_setfield(L, -2, "__index");     // hidden mt
    lua_setmetatable(L, -2);            // hidden
}

// ---- opening ----

// Pushes a table with what api.def allows of the table at `from`. [+1]
static void push_allowed(lua_State *L, int from, const char *module)
{
    lua_newtable(L); // allowed
    for (size_t i = 0; i < COUNT_OF(allowed); i++) {
        if (strcmp(allowed[i].module, module) != 0)
            continue;
        lua_getfield(L, from, allowed[i].name); // allowed value
        if (lua_isnil(L, -1))
            lua_pop(L, 1); // allowed
        else
            lua_setfield(L, -2, allowed[i].name); // allowed
    }
}

void bind_copy_fields(lua_State *L, int from, int to)
{
    lua_pushnil(L);             // nil
    while (lua_next(L, from)) { // key value
        lua_pushvalue(L, -2);   // key value key
        lua_insert(L, -2);      // key key value
        lua_rawset(L, to);      // key
    }
}

// Lua's library by that name, filtered, in the table at `globals`. [0]
static void open_library(lua_State *L, struct bind *bind, int globals, const char *name,
                         lua_CFunction open)
{
    lua_pushcfunction(L, open); // open
    lua_call(L, 0, 1);          // library
    int library = lua_gettop(L);
    push_allowed(L, library, name); // library allowed
    if (open == luaopen_string) {
        lua_getfield(L, library, "format");     // library allowed format
        bind_wrap_format(L, bind);              // library allowed ours
        lua_setfield(L, library + 1, "format"); // library allowed
        lua_pushliteral(L, "");                 // library allowed ""
        lua_getmetatable(L, -1);                // library allowed "" mt
        lua_pushvalue(L, library + 1);          // library allowed "" mt allowed
        lua_setfield(L, -2, "__index");         // library allowed "" mt
        lua_pushboolean(L, false);              // library allowed "" mt false
        lua_setfield(L, -2, "__metatable");     // library allowed "" mt
        lua_pop(L, 2);                          // library allowed
    }
    bind_protect(L, name);          // library proxy
    lua_setfield(L, globals, name); // library
    lua_pop(L, 1);                  //
}

// Pushes the table of lazy's module. [+1]
static void push_lazy_module(lua_State *L, struct lazy *lazy, lua_CFunction open)
{
    lua_pushlightuserdata(L, lazy); // lazy
    lua_pushcclosure(L, open, 1);   // open
    lua_call(L, 0, 1);              // module
}

// Pushes the hidden table of globals. [+1]
static void push_globals(lua_State *L, struct bind *bind)
{
    static const struct luaL_Reg libraries[] = {
        {LUA_STRLIBNAME, luaopen_string},
        {LUA_TABLIBNAME, luaopen_table},
        {LUA_MATHLIBNAME, luaopen_math},
        {LUA_UTF8LIBNAME, luaopen_utf8},
        {NULL, NULL},
    };
    lua_pushcfunction(L, luaopen_base); // open
    lua_call(L, 0, 1);                  // base (Lua's own table of globals)
    int base = lua_gettop(L);
    push_lazy_module(L, bind->lazy, lazy_open_base); // base lazies
    lua_getfield(L, -1, "pairs");                    // base lazies pairs
    lua_setfield(L, LUA_REGISTRYINDEX, "grapnel.pairs");
    bind_copy_fields(L, base + 1, base);  // base lazies
    bind_push_base(L, bind);              // base lazies ours
    bind_copy_fields(L, base + 2, base);  // base lazies ours
    lua_settop(L, base);                  // base
    lua_getfield(L, base, "ipairs");      // base ipairs
    bind_wrap_ipairs(L);                  // base wrapped
    lua_setfield(L, base, "ipairs");      // base
    lua_pushlightuserdata(L, bind);       // base bind
    lua_pushcclosure(L, bind_require, 1); // base require
    lua_setfield(L, base, "require");     // base
    push_allowed(L, base, "_G");          // base globals
    for (const struct luaL_Reg *library = libraries; library->name; library++)
        open_library(L, bind, base + 1, library->name, library->func);
    lua_pushnil(L);             // base globals nil
    while (lua_next(L, base)) { // base globals key value
        lua_pop(L, 1);          // base globals key
        lua_pushvalue(L, -1);   // base globals key key
        lua_pushnil(L);         // base globals key key nil
        lua_rawset(L, base);    // base globals key
    }
    lua_remove(L, base); // globals
}

struct bind *bind_new(struct lazy *lazy)
{
    struct bind *bind = xcalloc(1, sizeof(*bind));
    bind->magic = BIND_MAGIC;
    bind->lazy = lazy;
    bind->keep_buffer = LUA_NOREF;
    buf_init(&bind->scratch, MAX_SCRATCH);
    return bind;
}

void bind_open(struct bind *bind, lua_State *L)
{
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    lua_newtable(L); // modules
    bind->modules = luaL_ref(L, LUA_REGISTRYINDEX);
    push_globals(L, bind); // globals
    bind_protect(L, "_G"); // _ENV
    bind->globals = luaL_ref(L, LUA_REGISTRYINDEX);
}

void bind_free(struct bind *bind)
{
    if (!bind)
        return;
    CHECK(bind->magic == BIND_MAGIC);
    for (size_t i = 0; i < BIND_KEYS; i++) {
        mac_key_free(bind->keys[i].mac);
        if (bind->keys[i].bytes)
            mem_wipe(bind->keys[i].bytes, bind->keys[i].len);
        xfree(bind->keys[i].bytes);
    }
    buf_deinit(&bind->scratch);
    bind->magic = 0;
    xfree(bind);
}

// lua-cjson's buffer stays as large as it ever was, and no ceiling counts it. It could be told not
// to keep it, but then loses it when memory ends in the middle.
static void drop_cjson_buffer(struct bind *bind, lua_State *L)
{
    int top = lua_gettop(L);
    if (!lua_checkstack(L, 3))
        return; // the next visit tries again
    for (int keeps = 0; keeps <= 1; keeps++) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, bind->keep_buffer); // keep
        lua_pushboolean(L, keeps);                            // keep keeps
        if (lua_pcall(L, 1, 0, 0) != LUA_OK) {                // (message)
            lua_settop(L, top);
            return;
        }
    }
    bind->has_encoded = false;
}

void bind_trim(struct bind *bind, lua_State *L)
{
    buf_reset(&bind->scratch, KEPT_SCRATCH);
    if (bind->has_encoded && bind->keep_buffer != LUA_NOREF)
        drop_cjson_buffer(bind, L);
}

void bind_set_log(struct bind *bind, bind_log_fn *on_line, void *context)
{
    bind->on_line = on_line;
    bind->log_context = context;
}

bool bind_load(struct bind *bind, lua_State *L, struct span source, const char *name)
{
    const char *text = source.len ? source.at : "";
    lua_pushfstring(L, "=%s", name); // chunkname
    int status = luaL_loadbufferx(L, text, source.len, lua_tostring(L, -1), "t");
    lua_remove(L, -2); // chunk, or message
    if (status == LUA_ERRMEM)
        lua_error(L);
    if (status != LUA_OK)
        return false;
    lua_rawgeti(L, LUA_REGISTRYINDEX, bind->globals); // chunk _ENV
    if (!lua_setupvalue(L, -2, 1))                    // chunk
        lua_pop(L, 1);
    return true;
}

// ---- for the modules ----

struct span bind_check_span(lua_State *L, int index)
{
    struct span s;
    luaL_checktype(L, index, LUA_TSTRING);
    s.at = lua_tolstring(L, index, &s.len);
    return s;
}

int bind_fail(lua_State *L, const char *message)
{
    lua_pushnil(L);             // nil
    lua_pushstring(L, message); // nil message
    return 2;
}

int bind_push_scratch(lua_State *L, struct bind *bind)
{
    if (bind->scratch.is_full)
        return luaL_error(L, "too long a result");
    lua_pushlstring(L, bind->scratch.len ? bind->scratch.at : "", bind->scratch.len);
    return 1;
}
