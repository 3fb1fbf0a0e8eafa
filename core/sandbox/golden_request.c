// SPDX-License-Identifier: MIT
// The request that a golden test starts from, built as the engine builds it. Script host only.
#include <inttypes.h>
#include <lauxlib.h>
#include <stdio.h>

#include "json/json_edit.h"
#include "json/json_write.h"
#include "sandbox/golden_inside.h"

// ---- body ----

static void write_hook(const struct visit_in *in, struct json_writer *w)
{
    json_write_name(w, "hook");
    json_write_object(w);
    json_write_member_string(w, "uuid", in->webhook_uuid);
    json_write_member_string(w, "event", in->event_name);
    json_write_member_string(w, "target", in->target);
    json_write_end_object(w);
}

static void write_fields(const struct visit_in *in, struct json_writer *w)
{
    struct json_doc doc;
    struct json_error error;
    json_init(&doc);
    if (json_parse(&doc, in->data, JSON_MAX_DEPTH, &error) == OK &&
        json_type(&doc, 0) == JSON_OBJECT) {
        uint32_t at = 1;
        uint32_t name;
        uint32_t value;
        while (json_next_member(&doc, 0, &at, &name, &value)) {
            struct span raw = json_inside(&doc, name);
            // The spelling of the name stays: written as it is, not escaped again.
            buf_append_format(w->buf, ",\"%.*s\":", SPAN_ARGS(raw));
            buf_append_span(w->buf, json_raw(&doc, value));
        }
    }
    json_deinit(&doc);
}

static void build_body(struct golden_test *test, lua_State *L)
{
    struct visit_in *in = &test->in;
    if (in->form == VISIT_FORM_OVERRIDE) {
        in->body = in->data;
        return;
    }
    struct buf *out = &test->use.script->pipeline->encoded;
    struct json_writer w;
    buf_clear(out);
    json_write_init(&w, out);
    json_write_object(&w);
    write_hook(in, &w);
    if (in->form == VISIT_FORM_FIELDS)
        write_fields(in, &w);
    else
        json_write_member_raw(&w, "data", in->data);
    json_write_end_object(&w);
    in->body = golden_keep(test, L, buf_span(out));
}

// ---- headers ----

static void set_header(struct golden_test *test, lua_State *L, struct span name, struct span value)
{
    struct pipeline_headers list = {.list = test->headers, .count = test->in.header_count};
    struct visit_header *header = pipeline_find_header(&list, name);
    if (!header && test->in.header_count == GOLDEN_HEADERS)
        luaL_error(L, "more than %d headers", GOLDEN_HEADERS);
    header = header ? header : &test->headers[test->in.header_count++];
    *header = (struct visit_header){.name = name, .value = value};
}

static struct span format_number(struct golden_test *test, lua_State *L, int64_t number)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%" PRId64, number);
    return golden_keep(test, L, span_make(text, (size_t)len));
}

static bool is_placeholder(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!is_letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return name.len > 0;
}

static struct span value_of(const struct visit_in *in, struct span name)
{
    for (size_t i = 0; i < in->env_count; i++) {
        if (span_eq(in->env[i].name, name))
            return in->env[i].value;
    }
    return (struct span){0};
}

// {{NAME}} from env, when that has any entry.
static struct span expand(struct golden_test *test, lua_State *L, struct span value)
{
    const struct visit_in *in = &test->in;
    struct buf *out = &test->use.script->pipeline->encoded;
    if (in->env_count == 0)
        return value;
    buf_clear(out);
    while (value.len) {
        const char *open = memmem(value.at, value.len, "{{", 2);
        const char *end = value.at + value.len;
        const char *close = open ? memmem(open, (size_t)(end - open), "}}", 2) : NULL;
        struct span name =
            close ? span_trim(span_make(open + 2, (size_t)(close - open) - 2)) : (struct span){0};
        bool is_one = close && is_placeholder(name);
        const char *stop = is_one ? open : open && close ? open + 2 : end;
        buf_append(out, value.at, (size_t)(stop - value.at));
        if (is_one)
            buf_append_span(out, value_of(in, name));
        stop = is_one ? close + 2 : stop;
        value = span_make(stop, (size_t)(end - stop));
    }
    return golden_keep(test, L, buf_span(out));
}

// Sets the headers of the table that member `headers` (or another name) of `table` is.
static void add_headers(struct golden_test *test, lua_State *L, int table, const char *member,
                        bool has_placeholders)
{
    int type = lua_getfield(L, table, member); // headers
    if (type != LUA_TNIL && type != LUA_TTABLE)
        luaL_error(L, "%s must be a table, not %s", member, golden_kind(L, -1));
    int headers = lua_gettop(L);
    lua_pushnil(L);                                      // headers nil
    while (type == LUA_TTABLE && lua_next(L, headers)) { // headers name value
        struct span name;
        struct span value;
        if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "%s must hold strings by name, as in { [\"X-Name\"] = \"text\" }",
                       member);
        name.at = lua_tolstring(L, -2, &name.len);
        value.at = lua_tolstring(L, -1, &value.len);
        name = golden_keep(test, L, name);
        value = golden_keep(test, L, value);
        set_header(test, L, name, has_placeholders ? expand(test, L, value) : value);
        lua_pop(L, 1); // headers name
    }
    lua_settop(L, headers - 1); //
}

void golden_build_request(struct golden_test *test, lua_State *L, int webhook, int request)
{
    struct visit_in *in = &test->in;
    in->headers = test->headers;
    in->method = SPAN("POST");
    in->url = in->target;
    build_body(test, L);
    set_header(test, L, SPAN("Content-Type"), SPAN("application/json"));
    set_header(test, L, SPAN("User-Agent"), SPAN("grapnel/" GRAPNEL_VERSION));
    set_header(test, L, SPAN("webhook-id"), in->event_id);
    set_header(test, L, SPAN("webhook-timestamp"), format_number(test, L, in->attempt_at));
    if (test->traceparent.len)
        set_header(test, L, SPAN("traceparent"), test->traceparent);
    if (lua_istable(L, webhook))
        add_headers(test, L, webhook, "extra_headers", true);
    if (!lua_istable(L, request))
        return;
    add_headers(test, L, request, "headers", false);
    static const char *const names[] = {"body", "url"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (lua_getfield(L, request, names[i]) != LUA_TNIL) { // value
            struct span text;
            if (lua_type(L, -1) != LUA_TSTRING)
                luaL_error(L, "request.%s must be a string, not %s", names[i], golden_kind(L, -1));
            text.at = lua_tolstring(L, -1, &text.len);
            *(i ? &in->url : &in->body) = golden_keep(test, L, text);
        }
        lua_pop(L, 1); //
    }
}
