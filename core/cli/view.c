// SPDX-License-Identifier: MIT
// How values and times of the API's answers look to people; the main thread.
#include "cli/view.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/date.h"

void view_init(struct view *view, const struct json_doc *doc)
{
    *view = (struct view){
        .doc = doc,
        .has_colour = term_has_colour(stdout),
        .width = term_width(stdout),
        .now_ms = clock_wall_ms(),
    };
    arena_init(&view->arena, VIEW_MAX);
    buf_init(&view->out, VIEW_MAX);
}

void view_deinit(struct view *view)
{
    arena_deinit(&view->arena);
    buf_deinit(&view->out);
}

void view_flush(struct view *view)
{
    if (view->out.len > 0)
        (void)fwrite(view->out.at, 1, view->out.len, stdout);
    buf_clear(&view->out);
}

// ---- members -----------------------------------------------------------------------------------

uint32_t view_member(const struct view *view, uint32_t object, const char *name)
{
    uint32_t node = json_get(view->doc, object, span_of(name));
    if (node != JSON_NONE && json_type(view->doc, node) == JSON_NULL)
        return JSON_NONE;
    return node;
}

struct span view_node_text(struct view *view, uint32_t node)
{
    if (node == JSON_NONE)
        return (struct span){0};
    switch (json_type(view->doc, node)) {
    case JSON_STRING: {
        char *text = arena_alloc(&view->arena, json_inside(view->doc, node).len + 1);
        return span_make(text, json_decode_string(view->doc, node, text));
    }
    case JSON_NUMBER:
    case JSON_TRUE:
    case JSON_FALSE: return json_raw(view->doc, node);
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT: break;
    }
    return (struct span){0};
}

struct span view_text(struct view *view, uint32_t object, const char *name)
{
    return view_node_text(view, view_member(view, object, name));
}

int64_t view_int(const struct view *view, uint32_t object, const char *name)
{
    uint32_t node = view_member(view, object, name);
    int64_t number = 0;
    if (node == JSON_NONE || json_type(view->doc, node) != JSON_NUMBER ||
        !json_to_int64(view->doc, node, &number))
        return 0;
    return number;
}

bool view_is_true(const struct view *view, uint32_t object, const char *name)
{
    uint32_t node = view_member(view, object, name);
    return node != JSON_NONE && json_type(view->doc, node) == JSON_TRUE;
}

struct span view_joined(struct view *view, uint32_t array, const char *between)
{
    struct buf text;
    uint32_t element = JSON_NONE;
    if (array == JSON_NONE || json_type(view->doc, array) != JSON_ARRAY)
        return (struct span){0};
    buf_init(&text, 65536);
    for (uint32_t at = array + 1; json_next_element(view->doc, array, &at, &element);) {
        (void)buf_append_text(&text, text.len > 0 ? between : "");
        (void)buf_append_span(&text, view_node_text(view, element));
    }
    struct span kept = arena_copy(&view->arena, buf_span(&text));
    buf_deinit(&text);
    return kept;
}

// ---- words -------------------------------------------------------------------------------------

struct span view_ago(struct view *view, struct span time)
{
    static const struct {
        int64_t below_s, unit_s;
        const char *name;
    } units[] = {{120, 1, "s"}, {7200, 60, "min"}, {172800, 3600, "h"}, {INT64_MAX, 86400, "d"}};
    int64_t at_ms = 0;
    if (!date_parse_ms(time, &at_ms))
        return (struct span){0};
    int64_t seconds = (view->now_ms - at_ms) / 1000;
    int64_t distance = seconds < 0 ? -seconds : seconds;
    size_t i = 0;
    while (distance >= units[i].below_s)
        i++;
    return span_of(arena_format(&view->arena, "%s%" PRId64 " %s%s", seconds < 0 ? "in " : "",
                                distance / units[i].unit_s, units[i].name,
                                seconds < 0 ? "" : " ago"));
}

struct span view_count(struct view *view, int64_t number)
{
    char digits[32];
    char text[64];
    size_t used = 0;
    int len = snprintf(digits, sizeof digits, "%" PRId64, number);
    for (int i = 0; i < len; i++) {
        if (i > 0 && digits[i - 1] != '-' && (len - i) % 3 == 0)
            text[used++] = ',';
        text[used++] = digits[i];
    }
    return arena_copy(&view->arena, span_make(text, used));
}

enum term_style view_style(struct span state)
{
    static const struct {
        const char *name;
        enum term_style style;
    } styles[] = {
        {"active", TERM_GOOD},   {"delivered", TERM_GOOD}, {"held", TERM_WAIT},
        {"paused", TERM_WAIT},   {"pending", TERM_WAIT},   {"disabled", TERM_BAD},
        {"dead", TERM_BAD},      {"inactive", TERM_DIM},   {"filtered", TERM_DIM},
        {"cancelled", TERM_DIM},
    };
    for (size_t i = 0; i < COUNT_OF(styles); i++) {
        if (span_is(state, styles[i].name))
            return styles[i].style;
    }
    return TERM_PLAIN;
}

// ---- output ------------------------------------------------------------------------------------

void view_put(struct view *view, struct span text)
{
    term_append_safe(&view->out, text, false);
}

void view_put_styled(struct view *view, enum term_style style, struct span text)
{
    bool has_style = view->has_colour && style != TERM_PLAIN;
    (void)buf_append_text(&view->out, term_style(style, has_style));
    view_put(view, text);
    (void)buf_append_text(&view->out, term_style(TERM_PLAIN, has_style));
}

void view_format(struct view *view, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)buf_append_text(&view->out, text);
}

void view_put_field(struct view *view, const char *name, struct span value)
{
    if (value.len == 0)
        return;
    view_format(view, "  %-15s ", name);
    view_put(view, value);
    view_format(view, "\n");
}
