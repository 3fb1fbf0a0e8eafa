// SPDX-License-Identifier: MIT
// Proves a parsed document against its source: every byte is accounted for; unit tests and fuzzers.
#pragma once

#include "json/json.h"

struct json_check {
    const struct json_doc *doc;
    uint32_t pos;                      // offset: what is before it is accounted for
    unsigned depth;                    // open containers
    uint32_t open[JSON_MAX_DEPTH * 2]; // their nodes
    uint32_t left[JSON_MAX_DEPTH * 2]; // children still to come; an object's names count too
};

static inline void json_check_space(struct json_check *c)
{
    while (c->pos < c->doc->source.len && strchr(" \t\r\n", c->doc->source.at[c->pos]) &&
           c->doc->source.at[c->pos])
        c->pos++;
}

static inline bool json_check_char(struct json_check *c, char expected)
{
    json_check_space(c);
    return c->pos < c->doc->source.len && c->doc->source.at[c->pos++] == expected;
}

// What has to stand between the node before and this one.
static inline bool json_check_before(struct json_check *c)
{
    if (c->depth == 0)
        return c->pos == 0;
    const struct json_node *parent = &c->doc->nodes[c->open[c->depth - 1]];
    bool is_object = parent->type == JSON_OBJECT;
    uint32_t left = c->left[c->depth - 1];
    if (left == parent->count << is_object)
        return true;
    return json_check_char(c, is_object && left % 2 == 1 ? ':' : ',');
}

static inline bool json_check_first_byte(const struct json_doc *doc, const struct json_node *node)
{
    static const char *const first[] = {"n", "f", "t", "-0123456789", "\"", "[", "{"};
    return node->type <= JSON_OBJECT && node->end > node->start && node->end <= doc->source.len &&
           strchr(first[node->type], doc->source.at[node->start]);
}

// Behind a whole value: closes what ends here.
static inline bool json_check_behind(struct json_check *c, uint32_t next)
{
    while (c->depth > 0 && --c->left[c->depth - 1] == 0) {
        const struct json_node *node = &c->doc->nodes[c->open[--c->depth]];
        if (!json_check_char(c, node->type == JSON_OBJECT ? '}' : ']'))
            return false;
        if (node->end != c->pos || node->next != next)
            return false;
    }
    return true;
}

static inline bool json_check_node(struct json_check *c, uint32_t i)
{
    const struct json_node *node = &c->doc->nodes[i];
    bool is_container = node->type == JSON_ARRAY || node->type == JSON_OBJECT;
    bool is_name = c->depth > 0 && c->doc->nodes[c->open[c->depth - 1]].type == JSON_OBJECT &&
                   c->left[c->depth - 1] % 2 == 0;
    if (!json_check_before(c))
        return false;
    json_check_space(c);
    if (c->pos != node->start || !json_check_first_byte(c->doc, node))
        return false;
    if (is_name && node->type != JSON_STRING)
        return false;
    if (is_container && node->count > 0) {
        c->pos++;
        c->left[c->depth] = node->count << (node->type == JSON_OBJECT);
        c->open[c->depth++] = i;
        return true;
    }
    if (is_container) {
        c->pos++;
        if (!json_check_char(c, node->type == JSON_OBJECT ? '}' : ']'))
            return false;
    } else {
        c->pos = node->end;
    }
    return node->count == 0 && node->next == i + 1 && node->end == c->pos &&
           json_check_behind(c, i + 1);
}

// True if nodes, white space and punctuation together are exactly the source.
static inline bool json_check(const struct json_doc *doc)
{
    struct json_check c = {.doc = doc};
    for (uint32_t i = 0; i < doc->count; i++) {
        if (!json_check_node(&c, i))
            return false;
    }
    json_check_space(&c);
    return doc->count > 0 && c.depth == 0 && c.pos == doc->source.len;
}
