// SPDX-License-Identifier: MIT
// Makes Lua's messages say what to do, for people who write scripts; any thread.
#include "sandbox/advice.h"

#include <stdio.h>

#include "base/nearest.h"

#define MAX_NAMES 256

static const struct {
    const char *module;
    const char *name;
    const char *arguments;
} offered[] = {
#define X(module, name, arguments, help, types) {#module, #name, arguments},
#include "sandbox/api.def"
#undef X
};

// What scripts are given, by the names that they write.
static const char *const given[] = {
    "event",   "id",       "tenant",        "key",    "time",   "data",    "form",     "ctx",
    "webhook", "options",  "attempt",       "env",    "secret", "secrets", "uuid",     "name",
    "target",  "metadata", "extra_payload", "number", "method", "url",     "headers",  "body",
    "status",  "json",     "truncated",     "hook",   "fields", "request", "response", "override"};

// What is not there on purpose, and what there is instead.
static const struct {
    const char *name;
    const char *instead;
} absent[] = {
    {"os", "there is no os: the time is ctx.attempt.time, settings are ctx.options and ctx.env"},
    {"io", "there are no files: keep texts in the script or in an option"},
    {"load", "there is no load: scripts are compiled once"},
    {"loadstring", "there is no loadstring: scripts are compiled once"},
    {"loadfile", "there are no files: modules come by require"},
    {"dofile", "there are no files: modules come by require"},
    {"package", "there is no package: modules come by require"},
    {"debug", "there is no debug: write with print"},
    {"coroutine", "there are no coroutines: a visit is one call"},
    {"collectgarbage", "there is no collectgarbage: a visit has its own memory limit"},
    {"xpcall", "there is no xpcall: use pcall"},
    {"rawset", "there is no rawset: t[key] = value"},
    {"rawget", "there is no rawget: t[key]"},
    {"rawlen", "there is no rawlen: #t"},
    {"random", "there is no randomness: an attempt must give the same bytes again"},
    {"randomseed", "there is no randomness: an attempt must give the same bytes again"},
    {"dump", "there is no string.dump"},
    {"unpack", "it is table.unpack"},
    {"getn", "the length of a list is #t"},
    {"setfenv", "there is no setfenv in Lua 5.4"},
    {"getfenv", "there is no getfenv in Lua 5.4"},
    {"pow", "x to the power of y is x ^ y"},
    {"trim", "a string without blanks around it is s:match(\"^%s*(.-)%s*$\")"},
    {"split", "walk the parts of a string with s:gmatch(\"[^,]+\")"},
    {"startswith", "compare s:sub(1, n)"},
    {"endswith", "compare s:sub(-n)"},
    {"contains", "search a text with s:find(text, 1, true)"},
};

// ---- reading a message ----

static bool has(struct span text, const char *part)
{
    return text.len && memmem(text.at, text.len, part, strlen(part)) != NULL;
}

// What stands between the first `open` and the `close` behind it; empty when there is none.
static struct span between(struct span text, const char *open, const char *close)
{
    const char *from = text.len ? memmem(text.at, text.len, open, strlen(open)) : NULL;
    if (!from)
        return (struct span){0};
    from += strlen(open);
    size_t rest = text.len - (size_t)(from - text.at);
    const char *to = rest ? memmem(from, rest, close, strlen(close)) : NULL;
    return to ? span_make(from, (size_t)(to - from)) : (struct span){0};
}

// The only userdata that a script can hold is json.null.
static void write_null(struct buf *out, struct span message)
{
    static const char *const names[] = {"a light userdata value", "a userdata value",
                                        "light userdata", "userdata"};
    while (message.len) {
        size_t used = 0;
        for (size_t i = 0; i < COUNT_OF(names) && !used; i++)
            used = span_starts_with(message, span_of(names[i])) ? strlen(names[i]) : 0;
        if (used)
            buf_append_text(out, "null");
        else
            buf_append_char(out, *message.at);
        used = used ? used : 1;
        message = span_make(message.at + used, message.len - used);
    }
}

// ---- hints ----

static bool is_global(size_t i)
{
    return strcmp(offered[i].module, "_G") == 0;
}

static bool is_own_library(const char *module)
{
    return strcmp(module, "string") == 0 || strcmp(module, "table") == 0 ||
           strcmp(module, "math") == 0 || strcmp(module, "utf8") == 0;
}

static bool is_module(struct span name)
{
    for (size_t i = 0; i < COUNT_OF(offered); i++) {
        if (!is_global(i) && span_is(name, offered[i].module))
            return true;
    }
    return false;
}

static bool hint_absent(struct buf *out, struct span name)
{
    for (size_t i = 0; i < COUNT_OF(absent); i++) {
        if (span_is(name, absent[i].name)) {
            buf_append_format(out, "; %s", absent[i].instead);
            return true;
        }
    }
    return false;
}

// A name that is nothing.
static void hint_global(struct buf *out, struct span name, bool is_call)
{
    const char *names[MAX_NAMES];
    char hint[NEAREST_HINT_LEN];
    size_t count = 0;
    bool needs_require = is_module(name);
    if (needs_require && !span_is(name, "cjson")) {
        buf_append_format(out, "; write local %.*s = require \"grapnel.%.*s\" at the top",
                          SPAN_ARGS(name), SPAN_ARGS(name));
        return;
    }
    if (hint_absent(out, name))
        return;
    for (size_t i = 0; i < COUNT_OF(offered); i++) {
        bool is_first = i == 0 || strcmp(offered[i].module, offered[i - 1].module) != 0;
        if (is_global(i))
            names[count++] = offered[i].name;
        else if (is_first)
            names[count++] = offered[i].module;
    }
    nearest_hint(name, names, count, hint);
    if (hint[0])
        buf_append_text(out, hint);
    else if (is_call)
        buf_append_text(out, "; a local function must stand above the line that calls it");
    else
        buf_append_format(out,
                          "; nothing is called %.*s here: is it a member, as in event.data, or "
                          "a local of another function?",
                          SPAN_ARGS(name));
}

// A function that a table does not have.
static void hint_function(struct buf *out, struct span name)
{
    size_t best = COUNT_OF(offered);
    const char *names[COUNT_OF(offered)];
    if (hint_absent(out, name))
        return;
    for (size_t i = 0; i < COUNT_OF(offered); i++)
        names[i] = offered[i].name;
    const char *nearest = nearest_name(name, names, COUNT_OF(offered));
    for (size_t i = 0; nearest && i < COUNT_OF(offered) && best == COUNT_OF(offered); i++)
        best = strcmp(offered[i].name, nearest) == 0 ? i : best;
    if (best == COUNT_OF(offered) || is_global(best))
        return;
    if (span_is(name, nearest)) // it exists, of another table
        buf_append_format(out, "; there is %s.%s", offered[best].module, nearest);
    else
        buf_append_format(out, "; did you mean %s.%s?", offered[best].module, nearest);
}

// A step into nothing.
static void hint_index(struct buf *out, struct span name)
{
    char hint[NEAREST_HINT_LEN] = "";
    bool is_given = false;
    for (size_t i = 0; i < COUNT_OF(given); i++)
        is_given = is_given || span_is(name, given[i]);
    if (!is_given)
        nearest_hint(name, given, COUNT_OF(given), hint);
    if (hint[0])
        buf_append_text(out, hint);
    else
        buf_append_text(out, "; where a step may be missing, json.get(t, \"a.b\") gives nil, and "
                             "json.set makes the steps");
}

static void hint_arguments(struct buf *out, struct span message, struct span function)
{
    bool is_found = false;
    if (span_is(function, "string.format")) {
        buf_append_text(out, "; it is string.format(format, ...)");
        return;
    }
    if (span_is(function, "hmac") && has(message, "#2") &&
        (has(message, "got nil") || has(message, "got no value"))) {
        buf_append_text(out, "; the key is nil: ctx.secret is there in sign only, and only if the "
                             "webhook has a secret");
        return;
    }
    if (has(message, "expected, got nil") &&
        (span_is(function, "ipairs") || span_is(function, "pairs") ||
         span_is(function, "for iterator"))) {
        buf_append_text(out, "; where the list may be missing, write (t or {})");
        return;
    }
    for (size_t i = 0; i < COUNT_OF(offered); i++) {
        if (!span_is(function, offered[i].name) || !offered[i].arguments[0])
            continue;
        bool is_plain = is_global(i);
        buf_append_format(out, "%s%s%s%s(%s)", is_found ? ", or " : "; it is ",
                          is_plain ? "" : offered[i].module, is_plain ? "" : ".", offered[i].name,
                          offered[i].arguments);
        is_found = true;
    }
}

static void hint_value(struct buf *out, struct span message, struct span name)
{
    bool is_null = has(message, "userdata");
    struct span nothing = {NULL, 0};
    if (has(message, "to index"))
        hint_index(out, is_null ? nothing : name);
    else if (has(message, "to call"))
        hint_function(out, name);
    else if (is_null)
        buf_append_text(out, "; null is a value: json.get(t, \"a.b\") gives nil for it");
    else if (has(message, "to concatenate"))
        buf_append_text(out, "; where it may be missing, write (x or \"\")");
    else if (has(message, "get length"))
        buf_append_text(out, "; where the list may be missing, write #(t or {})");
    else if (has(message, "arithmetic"))
        buf_append_text(out, "; where it may be missing, write (x or 0)");
}

static void hint_syntax(struct buf *out, struct span message)
{
    if (has(message, "near '!'") || has(message, "near '!='"))
        buf_append_text(out, "; in Lua, not equal is ~= and not is not");
    else if (has(message, "near '+'") || has(message, "near '-'"))
        buf_append_text(out, "; in Lua, x += 1 is x = x + 1");
    else if (has(message, "near '&'") || has(message, "near '|'"))
        buf_append_text(out, "; in Lua, && is and, || is or");
    else if (has(message, "<eof> expected"))
        buf_append_text(out, "; return is the last statement of a file");
    else if (has(message, "'}' expected"))
        buf_append_text(out, "; is a comma missing on the line before?");
}

void advice_write(struct buf *out, struct span message)
{
    struct span function = between(message, "bad argument #", ")");
    struct span variable = between(message, "value (", ")");
    struct span name = between(variable, "'", "'");
    bool is_attempt = has(message, ": attempt to ");
    if (is_attempt || function.len || has(message, "invalid value (userdata)"))
        write_null(out, message);
    else
        buf_append_span(out, message);
    if (function.len) {
        hint_arguments(out, message, between(message, "to '", "'"));
    } else if (is_attempt && span_starts_with(variable, SPAN("global"))) {
        hint_global(out, name, has(message, "to call"));
    } else if (is_attempt && (has(message, "a nil value") || has(message, "userdata"))) {
        hint_value(out, message, name);
    } else if (is_attempt && has(message, "compare") &&
               (has(message, "nil") || has(message, "userdata"))) {
        buf_append_text(out, has(message, "userdata")
                                 ? "; null is a value: json.get(t, \"a.b\") gives nil for it"
                                 : "; see that it is there first: if x and x > 1 then");
    } else if (has(message, "for 'concat'")) {
        buf_append_text(out, "; the list must hold strings and numbers: tostring(x)");
    } else if (has(message, " near ")) {
        hint_syntax(out, message);
    }
}

// ---- modules ----

void advice_module(struct buf *out, struct span name, const char *const *files)
{
    char full[MAX_NAMES][40];
    const char *names[MAX_NAMES];
    size_t count = 0;
    names[count++] = "cjson";
    for (size_t i = 0; i < COUNT_OF(offered) && count < MAX_NAMES; i++) {
        bool is_first = i == 0 || strcmp(offered[i].module, offered[i - 1].module) != 0;
        if (!is_first || is_global(i) || is_own_library(offered[i].module) ||
            strcmp(offered[i].module, "cjson") == 0)
            continue;
        (void)snprintf(full[count], sizeof(full[count]), "grapnel.%s", offered[i].module);
        names[count] = full[count];
        count++;
    }
    for (; *files && count < MAX_NAMES; files++) {
        (void)snprintf(full[count], sizeof(full[count]), "grapnel.%s", *files);
        names[count] = full[count];
        count++;
    }
    char hint[NEAREST_HINT_LEN];
    for (size_t i = 1; i < count; i++) {
        if (span_is(name, names[i] + strlen("grapnel."))) {
            buf_append_format(out, "; did you mean \"%s\"?", names[i]);
            return;
        }
    }
    nearest_hint(name, names, count, hint);
    buf_append_text(out, hint);
    for (size_t i = 0; !hint[0] && i < count; i++)
        buf_append_format(out, "%s%s", i ? ", " : "; there are ", names[i]);
}
