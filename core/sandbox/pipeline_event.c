// SPDX-License-Identifier: MIT
// The event as scripts see it, which fills itself when it is looked at. Script host only.
#include <lauxlib.h>
#include <string.h>

#include "sandbox/pipeline_inside.h"
#include "sandbox/pipeline_record.h"

static bool is_inside(struct span part, struct span whole)
{
    return part.len && part.at >= whole.at && part.at + part.len <= whole.at + whole.len;
}

// Pushes a fresh look at what was published. [+1]
static void push_data(struct pipeline_script *script, lua_State *L)
{
    const struct visit_in *in = script->pipeline->in;
    if (in->data.len == 0) {
        lua_newtable(L);
        return;
    }
    // With a transform the body will be parsed anyhow: one parse serves both.
    bool is_shared = is_inside(in->data, in->body) &&
                     script->functions[VISIT_TRANSFORM] != LUA_NOREF && !in->is_response;
    if (is_shared) {
        uint32_t *document = &script->body_document;
        bool is_parsed = *document != PIPELINE_NO_DOCUMENT ||
                         lazy_parse(script->lazy, L, in->body, document) == OK;
        if (!is_parsed)
            lua_pop(L, 1); // (message)
        else if (lazy_push_document(script->lazy, L, *document, in->data))
            return;
    }
    uint32_t *document = &script->data_document;
    if (*document == PIPELINE_NO_DOCUMENT && lazy_parse(script->lazy, L, in->data, document))
        lua_error(L);
    lazy_push_document(script->lazy, L, *document, (struct span){0});
}

// Past the metatable, which waits for just that.
static void set_raw(lua_State *L, const char *name, struct span text)
{
    lua_pushstring(L, name);     // t name
    pipeline_push_span(L, text); // t name text
    lua_rawset(L, -3);           // t
}

static void fill_event(lua_State *L, const struct visit_in *in)
{
    static const char *const forms[] = {"none", "data", "fields", "override"};
    set_raw(L, "id", in->event_id);
    set_raw(L, "event", in->event_name);
    set_raw(L, "tenant", in->tenant);
    if (in->event_key.len)
        set_raw(L, "key", in->event_key);
    set_raw(L, "time", in->event_time);
    if (in->form != VISIT_FORM_NONE)
        set_raw(L, "form", span_of(forms[in->form]));
}

static void add_data(struct pipeline_script *script, lua_State *L)
{
    lua_pushliteral(L, "data"); // … name
    push_data(script, L);       // … name data
    lua_rawset(L, 1);           // …
}

static void add_rest(struct pipeline_script *script, lua_State *L)
{
    lua_pushvalue(L, 1); // … t
    fill_event(L, script->pipeline->in);
    lua_pop(L, 1); // …
}

static bool is_data(lua_State *L, int index)
{
    return lua_type(L, index) == LUA_TSTRING && strcmp(lua_tostring(L, index), "data") == 0;
}

static int complete_get(lua_State *L)
{
    static const char *const names[] = {"id", "event", "tenant", "key", "time", "data", "form"};
    return pipeline_refuse_unknown(L, "an event", names, COUNT_OF(names),
                                   "; what was sent is in event.data");
}

// Nothing of the event at 1 is missing any longer.
static void set_complete(struct pipeline_script *script, lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->complete_metatable); // … mt
    lua_setmetatable(L, 1);                                        // …
}

// The member at 2 of the event at 1. [+1]
static int answer_member(lua_State *L)
{
    lua_settop(L, 2);                 // t key
    lua_pushvalue(L, 2);              // t key key
    if (lua_rawget(L, 1) == LUA_TNIL) // t key value
        complete_get(L);
    return 1;
}

// The first read: either the data, which may be large, or all the rest. The other comes when it is
// asked for.
static int event_get(lua_State *L)
{
    struct pipeline_script *script = pipeline_check_script(L);
    lua_settop(L, 2); // t key
    bool wants_data = is_data(L, 2);
    lua_rawgeti(L, LUA_REGISTRYINDEX,
                wants_data ? script->rest_metatable : script->data_metatable); // t key mt
    lua_setmetatable(L, 1);                                                    // t key
    if (wants_data)
        add_data(script, L);
    else
        add_rest(script, L);
    return answer_member(L);
}

static int data_get(lua_State *L)
{
    if (!is_data(L, 2))
        return complete_get(L);
    struct pipeline_script *script = pipeline_check_script(L);
    lua_settop(L, 2); // t key
    add_data(script, L);
    set_complete(script, L);
    return answer_member(L);
}

static int rest_get(lua_State *L)
{
    if (is_data(L, 2)) // it has been taken away
        return 0;
    struct pipeline_script *script = pipeline_check_script(L);
    lua_settop(L, 2); // t key
    add_rest(script, L);
    set_complete(script, L);
    return answer_member(L);
}

static int event_fill(lua_State *L)
{
    struct pipeline_script *script = pipeline_check_script(L);
    lua_settop(L, 1); // t
    add_rest(script, L);
    add_data(script, L);
    pipeline_set_plain(L, 1);
    return 0;
}

static int data_fill(lua_State *L)
{
    lua_settop(L, 1); // t
    add_data(pipeline_check_script(L), L);
    pipeline_set_plain(L, 1);
    return 0;
}

static int rest_fill(lua_State *L)
{
    lua_settop(L, 1); // t
    add_rest(pipeline_check_script(L), L);
    pipeline_set_plain(L, 1);
    return 0;
}

void pipeline_push_event(struct pipeline_script *script, lua_State *L)
{
    lua_newtable(L);                                            // event
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->event_metatable); // event mt
    lua_setmetatable(L, -2);                                    // event
}

void pipeline_open_event(struct pipeline_script *script, lua_State *L)
{
    script->event_metatable = pipeline_make_record(script, L, event_get, event_fill);
    script->data_metatable = pipeline_make_record(script, L, data_get, data_fill);
    script->rest_metatable = pipeline_make_record(script, L, rest_get, rest_fill);
    script->complete_metatable =
        pipeline_make_record(script, L, complete_get, pipeline_complete_fill);
}
