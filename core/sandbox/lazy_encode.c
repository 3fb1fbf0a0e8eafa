// SPDX-License-Identifier: MIT
// Writes Lua values as JSON: untouched spans are copied, what is new follows sorted. Script host only.
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "json/json_write.h"
#include "sandbox/lazy_inside.h"

#define SCAN_LIMIT 4096u // names times keys that are compared without a table of names

// One call of lazy_encode. Nothing in it needs freeing, so errors may pass through.
struct encoder {
    struct lazy *lazy;
    lua_State *L;
    struct buf *out;
    const char *name;                     // the path's first word
    unsigned depth;                       // open containers
    struct lazy_key path[LAZY_DEPTH + 1]; // how we came to each
    const void *open[LAZY_DEPTH + 1];     // the tables, for cycles
};

// Bytes of the source that are to be copied when the run ends.
struct run {
    struct encoder *e;
    const struct json_doc *doc;
    uint32_t from, to;  // offsets
    bool is_contiguous; // what follows `to` in the source follows in the output, too
    bool has_any;       // a member or element has been written
};

// From here to encode_value functions call each other, a level of the value at a time; encode_table
// counts the levels, LAZY_DEPTH at most.
// NOLINTBEGIN(misc-no-recursion): see above
static bool encode_value(struct encoder *e, int index);

// ---- errors ----

static void append_path(struct luaL_Buffer *b, const struct encoder *e)
{
    luaL_addstring(b, e->name);
    for (unsigned i = 0; i < e->depth; i++) {
        const struct lazy_key *key = &e->path[i];
        char number[32];
        luaL_addchar(b, '.');
        if (!key->at) {
            snprintf(number, sizeof(number), "%lld", (long long)key->integer);
            luaL_addstring(b, number);
            continue;
        }
        for (size_t j = 0; j < key->len && j < LAZY_MESSAGE; j++) {
            if (key->at[j] == '.' || key->at[j] == '\\')
                luaL_addchar(b, '\\');
            luaL_addchar(b, key->at[j]);
        }
    }
}

// Leaves "path: what" on the stack, and is false.
static bool fail(struct encoder *e, const char *what)
{
    luaL_Buffer b;
    luaL_checkstack(e->L, LUA_MINSTACK, "too many levels of tables");
    luaL_buffinit(e->L, &b);
    append_path(&b, e);
    luaL_addstring(&b, ": ");
    luaL_addstring(&b, what);
    luaL_pushresult(&b);
    return false;
}

static bool fail_type(struct encoder *e, const char *before, const char *type, const char *after)
{
    char text[128];
    snprintf(text, sizeof(text), "%s%s%s", before, type, after);
    return fail(e, text);
}

// ---- scalars ----

static bool encode_string(struct encoder *e, int index)
{
    struct span text;
    text.at = lua_tolstring(e->L, index, &text.len);
    char unclear[LAZY_UNCLEAR_TEXT];
    if (lazy_is_unclear(e->lazy, e->L, index, unclear))
        return fail(e, unclear);
    if (lazy_push_half(e->lazy, e->L, index)) { // lexeme
        text.at = lua_tolstring(e->L, -1, &text.len);
        buf_append_span(e->out, text);
        lua_pop(e->L, 1); //
        return true;
    }
    size_t good = json_utf8_prefix(text);
    if (good < text.len) {
        char what[96];
        snprintf(what, sizeof(what), "not UTF-8 at byte %zu; encode bytes, for example as base64",
                 good + 1);
        return fail(e, what);
    }
    json_write_quoted(e->out, text);
    return true;
}

static bool encode_number(struct encoder *e, int index)
{
    char unclear[LAZY_UNCLEAR_TEXT];
    if (!lua_isinteger(e->L, index)) {
        double number = lua_tonumber(e->L, index);
        struct span lexeme;
        if (lazy_is_unclear(e->lazy, e->L, index, unclear))
            return fail(e, unclear);
        bool is_known = lazy_float_lexeme(e->lazy, number, &lexeme);
        if (!is_known && isnan(number))
            return fail(e, "NaN is not JSON");
        if (!is_known && isinf(number))
            return fail(e, "infinity is not JSON");
    }
    lazy_append_number(e->lazy, e->L, index, e->out);
    return true;
}

void lazy_append_number(struct lazy *lazy, lua_State *L, int index, struct buf *out)
{
    char text[JSON_DOUBLE_TEXT];
    if (lua_isinteger(L, index)) {
        int len = snprintf(text, sizeof(text), "%lld", (long long)lua_tointeger(L, index));
        buf_append(out, text, (size_t)len);
        return;
    }
    double number = lua_tonumber(L, index);
    struct span lexeme;
    if (lazy_float_lexeme(lazy, number, &lexeme))
        buf_append_span(out, lexeme);
    else
        buf_append(out, text, json_write_double_text(number, text));
}

// ---- runs ----

static void run_flush(struct run *r)
{
    buf_append(r->e->out, r->doc->source.at + r->from, r->to - r->from);
    r->from = r->to;
}

static void run_separate(struct run *r)
{
    if (r->has_any)
        buf_append_char(r->e->out, ',');
    r->has_any = true;
}

// The bytes from `from` on follow; white space and comma before them, if nothing was left out.
static void run_extend(struct run *r, uint32_t from, uint32_t to)
{
    if (!r->is_contiguous) {
        run_flush(r);
        run_separate(r);
        r->from = from;
        r->is_contiguous = true;
    }
    r->has_any = true;
    r->to = to;
}

// The value behind what has been taken is not the source's, which ends at `end`.
static bool run_replace(struct run *r, int index, uint32_t end)
{
    run_flush(r);
    r->from = end;
    r->to = end;
    return encode_value(r->e, index);
}

// What is left out may not be skipped by copying.
static void run_skip(struct run *r)
{
    r->is_contiguous = false;
}

static struct run run_begin(struct encoder *e, const struct json_doc *doc, uint32_t node)
{
    uint32_t start = doc->nodes[node].start;
    return (struct run){.e = e, .doc = doc, .from = start, .to = start + 1, .is_contiguous = true};
}

static void run_end(struct run *r, uint32_t node, char bracket)
{
    if (r->is_contiguous) {
        r->to = r->doc->nodes[node].end;
        run_flush(r);
        return;
    }
    run_flush(r);
    buf_append_char(r->e->out, bracket);
}

// ---- objects that were read ----

static void push_key(struct encoder *e, struct lazy_key key)
{
    e->path[e->depth - 1] = key;
}

static struct lazy_key key_of(lua_State *L, int index)
{
    struct lazy_key key = {0};
    key.at = lua_tolstring(L, index, &key.len);
    return key;
}

// Are the twins of this name to stay? Only if the last of them says what it said.
static bool are_twins_same(struct encoder *e, int table, uint32_t view, uint32_t last)
{
    uint8_t *flags = lazy_flags(e->lazy, view, last);
    if (!(*flags & (LAZY_SAME | LAZY_DIFFERENT))) {
        lazy_push_string(e->lazy, e->L, lazy_doc(e->lazy, view), last); // … name
        lua_rawget(e->L, table);                                        // … value
        bool is_same = lazy_is_same(e->lazy, e->L, lua_gettop(e->L), view, last + 1);
        lua_pop(e->L, 1); // …
        *flags |= is_same ? LAZY_SAME : LAZY_DIFFERENT;
    }
    return *flags & LAZY_SAME;
}

static void forget_twins(struct encoder *e, uint32_t view, uint32_t node)
{
    const struct json_doc *doc = lazy_doc(e->lazy, view);
    uint32_t at = node + 1;
    uint32_t name;
    uint32_t value;
    while (json_next_member(doc, node, &at, &name, &value))
        *lazy_flags(e->lazy, view, name) &= (uint8_t) ~(LAZY_SAME | LAZY_DIFFERENT);
}

// One member that the raw table decides about. `*matched` counts what was found there.
static bool encode_member(struct run *r, int table, uint32_t view, uint32_t name, size_t *matched)
{
    struct encoder *e = r->e;
    const struct json_doc *doc = r->doc;
    const struct json_node *value = &doc->nodes[name + 1];
    lazy_push_string(e->lazy, e->L, doc, name); // … name
    lua_pushvalue(e->L, -1);                    // … name name
    lua_rawget(e->L, table);                    // … name value
    int at = lua_gettop(e->L);
    bool is_ok = true;
    if (lua_isnil(e->L, at)) {
        run_skip(r);
    } else {
        ++*matched;
        bool is_container = value->type == JSON_ARRAY || value->type == JSON_OBJECT;
        push_key(e, key_of(e->L, at - 1));
        if (!is_container && lazy_is_same_here(e->lazy, e->L, at, view, name + 1)) {
            run_extend(r, doc->nodes[name].start, value->end);
        } else {
            run_extend(r, doc->nodes[name].start, value->start);
            is_ok = run_replace(r, at, value->end);
        }
    }
    if (is_ok)
        lua_pop(e->L, 2); // …
    return is_ok;
}

static bool encode_members(struct run *r, int table, uint32_t view, uint32_t node, size_t *matched)
{
    struct encoder *e = r->e;
    const struct json_doc *doc = r->doc;
    bool is_live = *lazy_flags(e->lazy, view, node) & LAZY_LIVE;
    bool is_odd = *lazy_flags(e->lazy, view, node) & LAZY_ODD;
    uint32_t at = node + 1;
    uint32_t name;
    uint32_t value;
    while (json_next_member(doc, node, &at, &name, &value)) {
        uint32_t last = is_odd ? doc->nodes[name].count : 0;
        if (last) {
            if (are_twins_same(e, table, view, last))
                run_extend(r, doc->nodes[name].start, doc->nodes[value].end);
            else
                run_skip(r);
        } else if (!is_live && !(*lazy_flags(e->lazy, view, name) & LAZY_GOT)) {
            run_extend(r, doc->nodes[name].start, doc->nodes[value].end);
        } else if (!encode_member(r, table, view, name, matched)) {
            return false;
        }
    }
    if (is_odd)
        forget_twins(e, view, node);
    return true;
}

// ---- keys that no document had ----

static const char *bad_key(lua_State *L, int index)
{
    switch (lua_type(L, index)) {
    case LUA_TNUMBER: return "list elements and members in one table";
    case LUA_TBOOLEAN: return "a key that is a boolean is not JSON";
    default: return "a key that is no string is not JSON";
    }
}

// Pushes a table with the names of an object as keys. [+1]
static void push_names(struct encoder *e, uint32_t view, uint32_t node)
{
    const struct json_doc *doc = lazy_doc(e->lazy, view);
    uint32_t at = node + 1;
    uint32_t name;
    uint32_t value;
    lua_createtable(e->L, 0, (int)doc->nodes[node].count); // … names
    while (json_next_member(doc, node, &at, &name, &value)) {
        lazy_push_string(e->lazy, e->L, doc, name); // … names name
        lua_pushboolean(e->L, true);                // … names name true
        lua_rawset(e->L, -3);                       // … names
    }
}

static bool stands_in(const struct json_doc *doc, uint32_t object, struct span text)
{
    return json_get(doc, object, text) != JSON_NONE;
}

// Adds string keys of the table that `node` (view LAZY_NONE: nothing) has not. False: pushed a
// message.
static bool collect_keys(struct encoder *e, int table, uint32_t view, uint32_t node, size_t keys)
{
    lua_State *L = e->L;
    const struct json_doc *doc = view == LAZY_NONE ? NULL : lazy_doc(e->lazy, view);
    int names = 0;
    if (doc && keys * doc->nodes[node].count > SCAN_LIMIT) {
        push_names(e, view, node); // … names
        names = lua_gettop(L);
    }
    lua_pushnil(L);              // … nil
    while (lua_next(L, table)) { // … key value
        lua_pop(L, 1);           // … key
        if (lua_type(L, -1) != LUA_TSTRING)
            return fail(e, bad_key(L, -1));
        struct lazy_key key = key_of(L, lua_gettop(L));
        bool is_known = false;
        if (names) {
            lua_pushvalue(L, -1);                        // … key key
            is_known = lua_rawget(L, names) != LUA_TNIL; // … key known
            lua_pop(L, 1);                               // … key
        } else if (doc) {
            is_known = stands_in(doc, node, span_make(key.at, key.len));
        }
        if (!is_known)
            *lazy_add_key(e->lazy, L) = key;
    }
    if (names)
        lua_pop(L, 1); // …
    return true;
}

static bool encode_new_member(struct encoder *e, int table, struct lazy_key key, bool *has_any)
{
    lua_State *L = e->L;
    push_key(e, key);
    struct span name = {key.at, key.len};
    if (json_utf8_prefix(name) < name.len)
        return fail(e, "a name that is not UTF-8");
    if (*has_any)
        buf_append_char(e->out, ',');
    *has_any = true;
    lua_pushlstring(L, key.at, key.len); // … name
    if (!encode_string(e, lua_gettop(L)))
        return false;
    buf_append_char(e->out, ':');
    lua_rawget(L, table); // … value
    if (!encode_value(e, lua_gettop(L)))
        return false;
    lua_pop(L, 1); // …
    return true;
}

static bool encode_new_members(struct encoder *e, int table, size_t first, bool *has_any)
{
    struct lazy *lazy = e->lazy;
    size_t end = lazy->key_count;
    if (end > first)
        qsort(&lazy->keys[first], end - first, sizeof(*lazy->keys), lazy_compare_keys);
    for (size_t i = first; i < end; i++) {
        // By value: the array may move while the member's own keys are sorted.
        if (!encode_new_member(e, table, lazy->keys[i], has_any))
            return false;
        lazy->key_count = end;
    }
    lazy->key_count = first;
    return true;
}

static bool encode_old_object(struct encoder *e, int table, uint32_t view, uint32_t node)
{
    struct run r = run_begin(e, lazy_doc(e->lazy, view), node);
    size_t matched = 0;
    if (!encode_members(&r, table, view, node, &matched))
        return false;
    size_t keys = lazy_count_keys(e->L, table);
    if (keys > matched) {
        size_t first = e->lazy->key_count;
        e->depth--; // a bad key is the table's fault
        bool is_ok = collect_keys(e, table, view, node, keys);
        e->depth++;
        if (!is_ok)
            return false;
        run_flush(&r);
        run_skip(&r);
        if (!encode_new_members(e, table, first, &r.has_any))
            return false;
    }
    run_end(&r, node, '}');
    return true;
}

// ---- lists ----

// How many elements, if the table is a list: false and a message when it is not. `*has_names`: it
// has only string keys, or none.
static bool measure(struct encoder *e, int table, lua_Integer *len, bool *has_names)
{
    lua_State *L = e->L;
    lua_Integer integers = 0;
    lua_Integer strings = 0;
    lua_Integer most = 0;
    bool is_bad = false;
    lua_pushnil(L);              // … nil
    while (lua_next(L, table)) { // … key value
        lua_pop(L, 1);           // … key
        if (lua_isinteger(L, -1)) {
            lua_Integer i = lua_tointeger(L, -1);
            integers++;
            is_bad = is_bad || i < 1;
            most = i > most ? i : most;
        } else if (lua_type(L, -1) == LUA_TSTRING) {
            strings++;
        } else {
            return fail(e, lua_type(L, -1) == LUA_TNUMBER ? "a key that is a fraction is not JSON"
                                                          : bad_key(L, -1));
        }
    }
    *len = integers;
    *has_names = strings > 0;
    if (integers == 0)
        return true;
    if (strings > 0)
        return fail(e, "list elements and members in one table");
    if (is_bad)
        return fail(e, "a list begins at 1");
    if (most == integers)
        return true;
    lua_Integer i = 1;
    while (lua_rawgeti(L, table, i) != LUA_TNIL) { // … value
        lua_pop(L, 1);                             // …
        i++;
    }
    lua_pop(L, 1); // …
    char what[96];
    snprintf(what, sizeof(what), "a list with a hole: element %lld is missing", (long long)i);
    return fail(e, what);
}

static bool encode_new_list(struct encoder *e, int table, lua_Integer len)
{
    buf_append_char(e->out, '[');
    for (lua_Integer i = 1; i <= len; i++) {
        if (i > 1)
            buf_append_char(e->out, ',');
        push_key(e, (struct lazy_key){.is_integer = true, .integer = i});
        lua_rawgeti(e->L, table, i); // … value
        if (!encode_value(e, lua_gettop(e->L)))
            return false;
        lua_pop(e->L, 1); // …
    }
    buf_append_char(e->out, ']');
    return true;
}

static bool encode_new_object(struct encoder *e, int table)
{
    size_t first = e->lazy->key_count;
    if (!collect_keys(e, table, LAZY_NONE, 0, 0))
        return false;
    buf_append_char(e->out, '{');
    bool has_any = false;
    if (!encode_new_members(e, table, first, &has_any))
        return false;
    buf_append_char(e->out, '}');
    return true;
}

// A table that came from no document, or from an empty container of one.
static bool encode_new_table(struct encoder *e, int table, bool is_marked, bool is_array)
{
    lua_Integer len;
    bool has_names;
    e->depth--; // what is wrong with its keys is the table's fault
    bool is_ok = measure(e, table, &len, &has_names);
    if (is_ok && is_marked && is_array && has_names)
        is_ok = fail(e, "a list cannot have members");
    if (is_ok && is_marked && !is_array && len > 0)
        is_ok = fail(e, "an object cannot have list elements");
    e->depth++;
    if (!is_ok)
        return false;
    if (len > 0 || (is_array && !has_names))
        return encode_new_list(e, table, len);
    return encode_new_object(e, table);
}

static bool encode_elements(struct run *r, int table, uint32_t view, uint32_t node, lua_Integer len)
{
    struct encoder *e = r->e;
    const struct json_doc *doc = r->doc;
    uint32_t at = node + 1;
    uint32_t value = JSON_NONE;
    for (lua_Integer i = 1; i <= len; i++) {
        bool is_old = json_next_element(doc, node, &at, &value);
        push_key(e, (struct lazy_key){.is_integer = true, .integer = i});
        lua_rawgeti(e->L, table, i); // … value
        int top = lua_gettop(e->L);
        if (!is_old) {
            run_flush(r);
            run_skip(r);
            run_separate(r);
            if (!encode_value(e, top))
                return false;
        } else {
            const struct json_node *old = &doc->nodes[value];
            bool is_container = old->type == JSON_ARRAY || old->type == JSON_OBJECT;
            if (!is_container && lazy_is_same_here(e->lazy, e->L, top, view, value)) {
                run_extend(r, old->start, old->end);
            } else {
                run_extend(r, old->start, old->start);
                if (!run_replace(r, top, old->end))
                    return false;
            }
        }
        lua_pop(e->L, 1); // …
    }
    if (json_next_element(doc, node, &at, &value))
        run_skip(r);
    return true;
}

static bool encode_old_array(struct encoder *e, int table, uint32_t view, uint32_t node)
{
    lua_Integer len;
    bool has_names;
    e->depth--; // see encode_new_table
    bool is_ok = measure(e, table, &len, &has_names);
    if (is_ok && has_names)
        is_ok = fail(e, "a list cannot have members");
    e->depth++;
    if (!is_ok)
        return false;
    lua_Integer shifted = lazy_find_shifted(e->lazy, e->L, table, view, node, len);
    if (shifted) { // writing it where it is new says why it cannot be
        push_key(e, (struct lazy_key){.is_integer = true, .integer = shifted});
        lua_rawgeti(e->L, table, shifted); // … value
        return encode_value(e, lua_gettop(e->L));
    }
    struct run r = run_begin(e, lazy_doc(e->lazy, view), node);
    if (!encode_elements(&r, table, view, node, len))
        return false;
    run_end(&r, node, ']');
    return true;
}

// ---- any value ----

static bool fail_depth(struct encoder *e)
{
    for (unsigned i = 0; i < e->depth; i++) {
        for (unsigned j = i + 1; j < e->depth; j++) {
            if (e->open[i] == e->open[j]) {
                e->depth = j;
                return fail(e, "the table contains itself");
            }
        }
    }
    char what[64];
    snprintf(what, sizeof(what), "deeper than %d levels", LAZY_DEPTH);
    e->depth = e->depth > 8 ? 8 : e->depth; // the whole path would help nobody
    return fail(e, what);
}

static bool encode_inner(struct encoder *e, int index, const struct lazy_entry *known)
{
    if (!known)
        return encode_new_table(e, index, false, false);
    if (known->view == LAZY_NONE)
        return encode_new_table(e, index, true, known->node == LAZY_ARRAY);
    struct lazy_entry entry = *known;
    const struct json_doc *doc = lazy_doc(e->lazy, entry.view);
    bool is_array = json_type(doc, entry.node) == JSON_ARRAY;
    if (doc->nodes[entry.node].count == 0) {
        lua_pushnil(e->L); // … nil
        if (lua_next(e->L, index)) {
            lua_pop(e->L, 2); // …
            return encode_new_table(e, index, false, is_array);
        }
        buf_append_span(e->out, json_raw(doc, entry.node));
        return true;
    }
    if (is_array)
        return encode_old_array(e, index, entry.view, entry.node);
    return encode_old_object(e, index, entry.view, entry.node);
}

static bool encode_table(struct encoder *e, int index)
{
    lua_State *L = e->L;
    lazy_look(L);
    const void *table = lua_topointer(L, index);
    const struct lazy_entry *entry = lazy_find(e->lazy, table);
    if (entry && entry->view != LAZY_NONE) {
        if (!(*lazy_flags(e->lazy, entry->view, entry->node) & (LAZY_PART | LAZY_LIVE))) {
            buf_append_span(e->out, json_raw(lazy_doc(e->lazy, entry->view), entry->node));
            return true;
        }
        // A list of which a name was asked: nothing has been read.
        bool is_live = *lazy_flags(e->lazy, entry->view, entry->node) & LAZY_LIVE;
        if (!is_live && json_type(lazy_doc(e->lazy, entry->view), entry->node) == JSON_ARRAY) {
            buf_append_span(e->out, json_raw(lazy_doc(e->lazy, entry->view), entry->node));
            return true;
        }
    } else if (!entry) {
        if (lazy_is_opaque(L, index))
            return fail(e, "not a plain table; copy what you need");
        lazy_fill_level(e->lazy, L, index);
    }
    if (e->depth >= LAZY_DEPTH)
        return fail_depth(e);
    luaL_checkstack(L, LUA_MINSTACK, "too many levels of tables");
    e->open[e->depth++] = table;
    if (!encode_inner(e, index, entry))
        return false;
    e->depth--;
    return true;
}

static bool encode_value(struct encoder *e, int index)
{
    if (e->out->is_full)
        return fail(e, "too much output");
    switch (lua_type(e->L, index)) {
    case LUA_TSTRING: return encode_string(e, index);
    case LUA_TNUMBER: return encode_number(e, index);
    case LUA_TBOOLEAN:
        buf_append_text(e->out, lua_toboolean(e->L, index) ? "true" : "false");
        return true;
    case LUA_TTABLE: return encode_table(e, index);
    case LUA_TNIL: return fail(e, "nil is not JSON; null is json.null");
    default: break;
    }
    if (lazy_is_null(e->L, index)) {
        buf_append_text(e->out, "null");
        return true;
    }
    return fail_type(e, "a ", luaL_typename(e->L, index), " is not JSON");
}

// NOLINTEND(misc-no-recursion)

bool lazy_encode(struct lazy *lazy, lua_State *L, int index, const char *name, struct buf *out)
{
    struct encoder e; // its arrays are filled as it goes deeper
    e.lazy = lazy;
    e.L = L;
    e.out = out;
    e.name = name;
    e.depth = 0;
    index = lua_absindex(L, index);
    int top = lua_gettop(L);
    luaL_checkstack(L, LUA_MINSTACK, "too many levels of tables");
    lazy->key_count = 0;
    bool is_ok = encode_value(&e, index);
    if (is_ok && out->is_full) {
        e.depth = 0;
        is_ok = fail(&e, "too much output");
    }
    if (!is_ok)
        lua_insert(L, top + 1); // message
    lua_settop(L, is_ok ? top : top + 1);
    return is_ok;
}
