// SPDX-License-Identifier: MIT
// Walks two JSON documents side by side and tells where they differ; any thread.
#include "json/json_diff.h"

#include <stdio.h>

#include "base/mem.h"

struct walk {
    const struct json_doc *a, *b;
    unsigned how;
    json_diff_fn *on_difference;
    void *context;
    size_t steps; // that are left
    bool is_over; // told to stop, or given up
    char path[JSON_DIFF_PATH];
};

static void compare(struct walk *w, uint32_t a, uint32_t b, size_t path);

// ---- paths ----

// Appends to the path; the new length.
static size_t append(struct walk *w, size_t path, struct span text)
{
    for (size_t i = 0; i < text.len && path + 1 < sizeof(w->path); i++)
        w->path[path++] = text.at[i];
    w->path[path] = '\0';
    return path;
}

// A member's name as it stands in a path; a name with an escape as it was written.
static size_t append_name(struct walk *w, size_t path, struct span inside)
{
    if (path > 0)
        path = append(w, path, SPAN("."));
    for (size_t i = 0; i < inside.len; i++) {
        if (inside.at[i] == '.')
            path = append(w, path, SPAN("\\"));
        path = append(w, path, span_make(inside.at + i, 1));
    }
    return path;
}

static size_t append_number(struct walk *w, size_t path, uint32_t number)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%s%u", path > 0 ? "." : "", number);
    return append(w, path, span_make(text, (size_t)len));
}

static void tell(struct walk *w, uint32_t a, uint32_t b, size_t path)
{
    struct json_difference difference = {.path = w->path, .a = a, .b = b};
    w->path[path] = '\0';
    if (!w->is_over && !w->on_difference(w->context, &difference))
        w->is_over = true;
}

static bool may_go_on(struct walk *w, size_t cost)
{
    if (w->steps < cost)
        w->is_over = true;
    else
        w->steps -= cost;
    return !w->is_over;
}

// ---- scalars ----

static bool is_same_number(const struct walk *w, uint32_t a, uint32_t b)
{
    int64_t left = 0;
    int64_t right = 0;
    double x = 0;
    double y = 0;
    if (json_to_int64(w->a, a, &left) && json_to_int64(w->b, b, &right))
        return left == right;
    return json_to_double(w->a, a, &x) && json_to_double(w->b, b, &y) && x == y;
}

static bool is_same_string(const struct json_doc *doc_a, uint32_t a, const struct json_doc *doc_b,
                           uint32_t b)
{
    struct span inside = json_inside(doc_a, a);
    if (!doc_a->nodes[a].has_escape)
        return json_string_is(doc_b, b, inside);
    char *text = xmalloc(inside.len + 1);
    bool is_same = json_string_is(doc_b, b, span_make(text, json_decode_string(doc_a, a, text)));
    xfree(text);
    return is_same;
}

static bool is_same_scalar(const struct walk *w, uint32_t a, uint32_t b)
{
    if (span_eq(json_raw(w->a, a), json_raw(w->b, b)))
        return true;
    if (w->how & JSON_DIFF_SPELLING)
        return false;
    if (json_type(w->a, a) == JSON_NUMBER)
        return is_same_number(w, a, b);
    return json_type(w->a, a) == JSON_STRING && is_same_string(w->a, a, w->b, b);
}

// ---- containers ----

// NOLINTNEXTLINE(misc-no-recursion): bounded by the parser's depth
static void compare_lists(struct walk *w, uint32_t a, uint32_t b, size_t path)
{
    uint32_t at_a = a + 1;
    uint32_t at_b = b + 1;
    for (uint32_t i = 1; !w->is_over; i++) {
        uint32_t left = JSON_NONE;
        uint32_t right = JSON_NONE;
        bool has_left = json_next_element(w->a, a, &at_a, &left);
        bool has_right = json_next_element(w->b, b, &at_b, &right);
        if (!has_left && !has_right)
            return;
        size_t inner = append_number(w, path, i);
        if (has_left && has_right)
            compare(w, left, right, inner);
        else
            tell(w, has_left ? left : JSON_NONE, has_right ? right : JSON_NONE, inner);
    }
}

// The value of that member in the other document: first where the walk stands there, since members
// are mostly in the same order.
static uint32_t find_member(struct walk *w, const struct json_doc *from, uint32_t name,
                            const struct json_doc *in, uint32_t object, uint32_t *hint)
{
    uint32_t at = *hint;
    uint32_t found = JSON_NONE;
    uint32_t value = JSON_NONE;
    if (json_next_member(in, object, &at, &found, &value) &&
        is_same_string(from, name, in, found)) {
        *hint = at;
        return value;
    }
    if (!may_go_on(w, in->nodes[object].count))
        return JSON_NONE;
    struct span inside = json_inside(from, name);
    if (!from->nodes[name].has_escape)
        return json_get(in, object, inside);
    char *text = xmalloc(inside.len + 1);
    value = json_get(in, object, span_make(text, json_decode_string(from, name, text)));
    xfree(text);
    return value;
}

// NOLINTNEXTLINE(misc-no-recursion): bounded by the parser's depth
static void compare_objects(struct walk *w, uint32_t a, uint32_t b, size_t path)
{
    uint32_t at = a + 1;
    uint32_t hint = b + 1;
    uint32_t name = JSON_NONE;
    uint32_t value = JSON_NONE;
    uint32_t found = 0; // members of `a` that `b` has too
    while (!w->is_over && json_next_member(w->a, a, &at, &name, &value)) {
        uint32_t other = find_member(w, w->a, name, w->b, b, &hint);
        size_t inner = append_name(w, path, json_inside(w->a, name));
        found += other != JSON_NONE;
        if (w->is_over)
            return;
        if (other == JSON_NONE)
            tell(w, value, JSON_NONE, inner);
        else
            compare(w, value, other, inner);
    }
    if (found == w->b->nodes[b].count)
        return;
    at = b + 1;
    hint = a + 1;
    while (!w->is_over && json_next_member(w->b, b, &at, &name, &value)) {
        uint32_t other = find_member(w, w->b, name, w->a, a, &hint);
        if (other == JSON_NONE && !w->is_over)
            tell(w, JSON_NONE, value, append_name(w, path, json_inside(w->b, name)));
    }
}

static bool are_empty_alike(const struct walk *w, uint32_t a, uint32_t b)
{
    return (w->how & JSON_DIFF_EMPTY_ALIKE) != 0 && json_type(w->a, a) == JSON_OBJECT &&
           json_type(w->b, b) == JSON_ARRAY && w->a->nodes[a].count == 0 &&
           w->b->nodes[b].count == 0;
}

// NOLINTNEXTLINE(misc-no-recursion): bounded by the parser's depth
static void compare(struct walk *w, uint32_t a, uint32_t b, size_t path)
{
    enum json_type type = json_type(w->a, a);
    if (!may_go_on(w, 1) || are_empty_alike(w, a, b))
        return;
    if (type != json_type(w->b, b))
        tell(w, a, b, path);
    else if (type == JSON_ARRAY)
        compare_lists(w, a, b, path);
    else if (type == JSON_OBJECT)
        compare_objects(w, a, b, path);
    else if (!is_same_scalar(w, a, b))
        tell(w, a, b, path);
}

bool json_diff(const struct json_doc *a, const struct json_doc *b, unsigned how,
               json_diff_fn *on_difference, void *context)
{
    struct walk w = {.a = a,
                     .b = b,
                     .how = how,
                     .on_difference = on_difference,
                     .context = context,
                     .steps = JSON_DIFF_STEPS};
    compare(&w, 0, 0, 0);
    return !w.is_over;
}
