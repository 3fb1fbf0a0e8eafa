// SPDX-License-Identifier: MIT
// The index over an object's names: a scan for few, an open-addressing table for many; any thread.
#include "json/json_names.h"

#include "base/check.h"
#include "base/mem.h"

#define SMALL_OBJECT 16 // up to so many members a scan is faster than hashing

// The decoded bytes; valid until the next call.
static struct span decoded(struct json_names *names, const struct json_doc *doc, uint32_t string)
{
    struct span raw = json_inside(doc, string);
    if (!doc->nodes[string].has_escape)
        return raw;
    if (names->scratch_size < raw.len) {
        names->scratch_size = raw.len * 2;
        xfree(names->scratch);
        names->scratch = xmalloc(names->scratch_size);
    }
    return span_make(names->scratch, json_decode_string(doc, string, names->scratch));
}

// The slot that holds the name, or the empty one where it belongs.
static struct json_names_entry *slot_of(const struct json_names *names, struct span name)
{
    size_t i = span_hash(name) & names->mask;
    while (names->slots[i].name != JSON_NONE &&
           !json_string_is(names->doc, names->slots[i].name, name))
        i = (i + 1) & names->mask;
    return &names->slots[i];
}

static struct json_names_entry scan(const struct json_names *names, uint32_t stop, struct span name)
{
    struct json_names_entry found = {.name = JSON_NONE};
    uint32_t ordinal = 0;
    uint32_t at = names->object + 1;
    uint32_t member;
    uint32_t value;
    while (at < stop && json_next_member(names->doc, names->object, &at, &member, &value)) {
        if (json_string_is(names->doc, member, name))
            found = (struct json_names_entry){.name = member, .ordinal = ordinal};
        ordinal++;
    }
    return found;
}

static void make_table(struct json_names *names, uint32_t count)
{
    size_t size = (size_t)4 * SMALL_OBJECT;
    while (size < (size_t)count * 2)
        size *= 2;
    names->slots = xmalloc(size * sizeof(*names->slots));
    memset(names->slots, 0xff, size * sizeof(*names->slots)); // all JSON_NONE
    names->mask = size - 1;
}

// Says whether the name stood before.
static bool add(struct json_names *names, struct json_names_entry entry)
{
    struct span name = decoded(names, names->doc, entry.name);
    if (!names->slots)
        return scan(names, entry.name, name).name != JSON_NONE;
    struct json_names_entry *slot = slot_of(names, name);
    bool is_twin = slot->name != JSON_NONE;
    *slot = entry; // the last one is found
    return is_twin;
}

void json_names_init(struct json_names *names, const struct json_doc *doc, uint32_t object)
{
    CHECK(json_type(doc, object) == JSON_OBJECT);
    *names = (struct json_names){.doc = doc, .object = object, .duplicate = JSON_NONE};
    if (doc->nodes[object].count > SMALL_OBJECT)
        make_table(names, doc->nodes[object].count);
    struct json_names_entry entry = {0};
    uint32_t at = object + 1;
    uint32_t value;
    for (; json_next_member(doc, object, &at, &entry.name, &value); entry.ordinal++) {
        if (add(names, entry) && names->duplicate == JSON_NONE)
            names->duplicate = entry.name;
    }
}

void json_names_deinit(struct json_names *names)
{
    xfree(names->slots);
    xfree(names->scratch);
    *names = (struct json_names){0};
}

struct json_names_entry json_names_find(struct json_names *names, const struct json_doc *doc,
                                        uint32_t string)
{
    struct span name = decoded(names, doc, string);
    if (!names->slots)
        return scan(names, UINT32_MAX, name);
    return *slot_of(names, name);
}
