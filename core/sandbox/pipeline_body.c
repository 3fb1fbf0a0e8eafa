// SPDX-License-Identifier: MIT
// From the body that scripts left to the bytes that are sent. Script host only.
#include <lauxlib.h>

#include "json/json_edit.h"
#include "sandbox/form.h"
#include "sandbox/pipeline_inside.h"

static const char form_type[] = "application/x-www-form-urlencoded";

// ---- out of Lua ----

static const char *kind_of(lua_State *L, int index)
{
    switch (lua_type(L, index)) {
    case LUA_TNUMBER: return "a number";
    case LUA_TBOOLEAN: return "a boolean";
    case LUA_TFUNCTION: return "a function";
    case LUA_TNIL: return "nil";
    default: return "null";
    }
}

void pipeline_export_body(struct pipeline *pipeline, lua_State *L)
{
    struct pipeline_script *script = pipeline->owner;
    luaL_checkstack(L, 6, NULL);
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->body); // body
    int type = lua_type(L, -1);
    if (type == LUA_TSTRING) {
        struct span text;
        text.at = lua_tolstring(L, -1, &text.len); // lives in the registry
        if (text.len > pipeline->max_output)
            luaL_error(L, "body: too much output");
        pipeline->kind = PIPELINE_TEXT_BODY;
        pipeline->body = text;
        pipeline->is_exported = true;
        lua_pop(L, 1); //
        return;
    }
    if (type != LUA_TTABLE)
        luaL_error(L, "request.body is %s; leave a table in it, or a string (\"\": no body)",
                   kind_of(L, -1));
    struct span raw;
    struct span given = pipeline->in->body;
    if (lazy_is_untouched(script->lazy, L, -1, &raw) && raw.at == given.at &&
        raw.len == given.len) {
        pipeline->body = given;
        pipeline->is_exported = false;
    } else {
        buf_clear(&pipeline->encoded);
        if (!lazy_encode(script->lazy, L, -1, "body", &pipeline->encoded)) // body message
            lua_error(L);
        pipeline->body = buf_span(&pipeline->encoded);
        pipeline->is_exported = true;
    }
    pipeline->kind = PIPELINE_JSON;
    pipeline->owner = NULL;
    lua_pop(L, 1); //
}

// ---- merging and encoding ----

static bool is_form(const struct pipeline *pipeline)
{
    const struct visit_header *header =
        pipeline_find_header(&pipeline->headers, SPAN("content-type"));
    if (!header || !pipeline->is_transformed)
        return false;
    struct span type = header->value;
    struct span rest = type;
    if (span_split(&rest, ';', &type))
        type = span_trim(type);
    return span_eq_nocase(type, span_of(form_type));
}

static enum err merge(struct pipeline *pipeline, const struct json_doc *doc,
                      const struct json_doc *extra)
{
    struct buf *out = &pipeline->merged;
    uint32_t data = JSON_NONE;
    buf_clear(out);
    if (pipeline->in->extra_payload_into_data)
        data = json_get(doc, 0, SPAN("data"));
    if (data != JSON_NONE && json_type(doc, data) == JSON_OBJECT)
        return json_edit_merge_into(out, doc, 0, data, extra, 0);
    return json_edit_merge(out, doc, 0, extra, 0);
}

static enum err finish(struct pipeline *pipeline, struct json_doc *doc, struct json_doc *extra,
                       struct errmsg *message)
{
    struct json_error error;
    struct span more = pipeline->in->extra_payload;
    // What is no object (a golden test may give any bytes) stays as it is.
    if (json_parse(doc, pipeline->body, JSON_MAX_DEPTH * 2, &error))
        return OK;
    bool is_object = json_type(doc, 0) == JSON_OBJECT;
    if (is_object && more.len && json_parse(extra, more, JSON_MAX_DEPTH, &error) == OK &&
        json_type(extra, 0) == JSON_OBJECT && extra->nodes[0].count > 0) {
        if (merge(pipeline, doc, extra) || pipeline->merged.is_full) {
            errmsg_set(message, "body: too much output");
            return ERR_FULL;
        }
        pipeline->body = buf_span(&pipeline->merged);
        if (json_parse(doc, pipeline->body, JSON_MAX_DEPTH * 2, &error)) {
            errmsg_set(message, "body: %s", error.message);
            return ERR_SYNTAX;
        }
    }
    if (!is_form(pipeline))
        return OK;
    buf_clear(&pipeline->form);
    enum err err = form_encode(&pipeline->form, doc, 0, message);
    if (!err && pipeline->form.is_full) {
        errmsg_set(message, "body: too much output");
        err = ERR_FULL;
    }
    pipeline->body = err ? pipeline->body : buf_span(&pipeline->form);
    return err;
}

enum err pipeline_finish_body(struct pipeline *pipeline, struct errmsg *message)
{
    bool has_extra = pipeline->in->extra_payload.len > 0;
    if (pipeline->kind != PIPELINE_JSON || (!has_extra && !is_form(pipeline)))
        return OK;
    struct json_doc doc;
    struct json_doc extra;
    json_init(&doc);
    json_init(&extra);
    enum err err = finish(pipeline, &doc, &extra, message);
    json_deinit(&doc);
    json_deinit(&extra);
    return err;
}
