// SPDX-License-Identifier: MIT
// In which line of a configuration file an option is set: a small scanner of Lua's tokens; main only.
#include <ctype.h>

#include "config/config_build.h"

// Where the scanner is, and the best place so far.
struct scan {
    struct span source;
    size_t at;        // offset of the next byte
    int line;         // of that byte, from 1
    int depth;        // open braces
    bool is_indexed;  // the last token was [
    struct span name; // what is looked for
    int found_line;   // 0: nothing yet
    int found_rank;   // of that place; lower is better
};

static char peek(const struct scan *s, size_t ahead)
{
    return s->at + ahead < s->source.len ? s->source.at[s->at + ahead] : '\0';
}

static void step(struct scan *s)
{
    if (s->at < s->source.len && s->source.at[s->at++] == '\n')
        s->line++;
}

static void skip_to_line_end(struct scan *s)
{
    while (s->at < s->source.len && peek(s, 0) != '\n')
        step(s);
}

// At a [: skips a long bracket ([[…]], [=[…]=]) as a whole; false when it is none.
static bool skip_long_bracket(struct scan *s)
{
    size_t level = 0;
    while (peek(s, 1 + level) == '=')
        level++;
    if (peek(s, 0) != '[' || peek(s, 1 + level) != '[')
        return false;
    for (size_t i = 0; i < level + 2; i++)
        step(s);
    for (; s->at < s->source.len; step(s)) {
        size_t i = 0;
        if (peek(s, 0) != ']')
            continue;
        while (i < level && peek(s, 1 + i) == '=')
            i++;
        if (i == level && peek(s, 1 + level) == ']')
            break;
    }
    for (size_t i = 0; i < level + 2; i++)
        step(s);
    return true;
}

// White space and comments.
static void skip_blank(struct scan *s)
{
    for (;;) {
        while (s->at < s->source.len && isspace((unsigned char)peek(s, 0)))
            step(s);
        if (peek(s, 0) != '-' || peek(s, 1) != '-')
            return;
        s->at += 2;
        if (peek(s, 0) != '[' || !skip_long_bracket(s))
            skip_to_line_end(s);
    }
}

// A word or ["word"] that stands before = is a place; the last one of a rank is what counts in Lua.
static void consider(struct scan *s, struct span word, int line)
{
    if (!span_eq(word, s->name) || peek(s, 0) != '=' || peek(s, 1) == '=')
        return;
    int rank = s->depth == 1 ? 0 : s->depth == 0 ? 1 : s->depth;
    if (s->found_line != 0 && rank > s->found_rank)
        return;
    s->found_line = line;
    s->found_rank = rank;
}

static void take_word(struct scan *s)
{
    int line = s->line;
    size_t start = s->at;
    while (isalnum((unsigned char)peek(s, 0)) || peek(s, 0) == '_')
        s->at++;
    struct span word = span_make(s->source.at + start, s->at - start);
    skip_blank(s);
    consider(s, word, line);
}

static void take_string(struct scan *s)
{
    char quote = peek(s, 0);
    int line = s->line;
    step(s);
    size_t start = s->at;
    while (s->at < s->source.len && peek(s, 0) != quote && peek(s, 0) != '\n') {
        if (peek(s, 0) == '\\')
            step(s);
        step(s);
    }
    struct span word = span_make(s->source.at + start, s->at - start);
    if (peek(s, 0) == quote)
        step(s);
    if (!s->is_indexed)
        return;
    skip_blank(s);
    if (peek(s, 0) != ']')
        return;
    step(s);
    skip_blank(s);
    consider(s, word, line);
}

static void take_sign(struct scan *s)
{
    char c = peek(s, 0);
    if (c == '[' && skip_long_bracket(s))
        return;
    s->depth += c == '{' ? 1 : c == '}' ? -1 : 0;
    s->is_indexed = c == '[';
    step(s);
}

int config_line_of(struct span source, struct span name)
{
    struct scan s = {.source = source, .line = 1, .name = name};
    for (skip_blank(&s); s.at < source.len; skip_blank(&s)) {
        char c = peek(&s, 0);
        if (isalpha((unsigned char)c) || c == '_')
            take_word(&s);
        else if (c == '"' || c == '\'')
            take_string(&s);
        else {
            take_sign(&s);
            continue; // keeps is_indexed
        }
        s.is_indexed = false;
    }
    return s.found_line;
}
