// SPDX-License-Identifier: MIT
// One merge for all: walks target and patch side by side and copies spans; any thread.
//
// The objects under merge are a stack of levels, at most as many as the patch is deep; a level
// first walks the target's members, then the patch's that found no twin there.
#include "json/json_edit.h"

#include "base/check.h"
#include "base/mem.h"
#include "json/json_names.h"

#define MAX_LEVELS (JSON_MAX_DEPTH * 2)

enum mode {
    SHALLOW, // every value of the patch is taken as it is
    DEEP,    // RFC 7396: null removes, an object is merged
};

// One object of the target (or none) with one object of the patch.
struct level {
    uint32_t target;         // object node, or JSON_NONE: there is nothing to merge with
    uint32_t patch;          // object node
    uint32_t target_at;      // the target's next member
    uint32_t patch_at;       // the patch's next member
    uint32_t done;           // offset in the target's source: what is before it is settled
    bool is_started;         // a member was written
    bool is_cut;             // the target's member before `done` was not written
    struct json_names names; // of the patch's object
    uint32_t
        *twins; // owned; by member of the patch: the last of that name in the target, or JSON_NONE
};

struct merge {
    struct buf *out;
    const struct json_doc *doc;
    const struct json_doc *patch;
    enum mode mode;
    unsigned depth;  // levels in use
    struct span run; // bytes of the target's source that are to be copied next
    struct level levels[MAX_LEVELS];
};

// ---- output ----

static void flush(struct merge *m)
{
    if (m->run.len)
        buf_append_span(m->out, m->run);
    m->run = (struct span){0};
}

// Copies from the target; neighbouring pieces become one copy.
static void copy(struct merge *m, uint32_t from, uint32_t to)
{
    const char *at = m->doc->source.at + from;
    if (m->run.len && m->run.at + m->run.len != at)
        flush(m);
    if (!m->run.len)
        m->run.at = at;
    m->run.len += to - from;
}

static void append(struct merge *m, struct span text)
{
    flush(m);
    buf_append_span(m->out, text);
}

// ---- levels ----

// Notes for each member of the patch the last one of that name in the target.
static void find_twins(struct merge *m, struct level *l)
{
    uint32_t count = m->patch->nodes[l->patch].count;
    l->twins = xmalloc((count + (size_t)1) * sizeof(*l->twins));
    for (uint32_t i = 0; i < count; i++)
        l->twins[i] = JSON_NONE;
    uint32_t at = l->target + 1;
    uint32_t name;
    uint32_t value;
    while (l->target != JSON_NONE && json_next_member(m->doc, l->target, &at, &name, &value)) {
        struct json_names_entry found = json_names_find(&l->names, m->doc, name);
        if (found.name != JSON_NONE)
            l->twins[found.ordinal] = name;
    }
}

// `target` may be JSON_NONE, or anything that is no object: the patch is merged into an empty one.
static void push(struct merge *m, uint32_t target, uint32_t patch)
{
    CHECK(m->depth < MAX_LEVELS);
    if (target != JSON_NONE && json_type(m->doc, target) != JSON_OBJECT)
        target = JSON_NONE;
    struct level *l = &m->levels[m->depth++];
    *l = (struct level){
        .target = target, .patch = patch, .target_at = target + 1, .patch_at = patch + 1};
    json_names_init(&l->names, m->patch, patch);
    find_twins(m, l);
    if (target == JSON_NONE) {
        append(m, SPAN("{"));
        return;
    }
    l->done = m->doc->nodes[target].start + 1;
    copy(m, l->done - 1, l->done);
}

static void pop(struct merge *m)
{
    struct level *l = &m->levels[--m->depth];
    json_names_deinit(&l->names);
    xfree(l->twins);
}

// ---- members ----

static bool removes(const struct merge *m, uint32_t patch_value)
{
    return m->mode == DEEP && json_type(m->patch, patch_value) == JSON_NULL;
}

static void put_value(struct merge *m, uint32_t target, uint32_t patch_value)
{
    if (m->mode == DEEP && json_type(m->patch, patch_value) == JSON_OBJECT)
        push(m, target, patch_value);
    else
        append(m, json_raw(m->patch, patch_value));
}

// Copies what stands between the member before and the value of this one: white space, a comma if
// one is due, the name and its colon.
static void lead_in(struct merge *m, struct level *l, uint32_t value)
{
    if (l->is_cut) {
        const char *source = m->doc->source.at;
        while (source[l->done] != ',')
            l->done++;
        l->done++;
        if (l->is_started)
            append(m, SPAN(","));
    }
    copy(m, l->done, m->doc->nodes[value].start);
    l->is_started = true;
    l->is_cut = false;
}

// The next member of the target: kept, replaced, merged or left out. False when there is none.
static bool target_member(struct merge *m, struct level *l)
{
    uint32_t name;
    uint32_t value;
    if (l->target == JSON_NONE ||
        !json_next_member(m->doc, l->target, &l->target_at, &name, &value))
        return false;
    const struct json_node *node = &m->doc->nodes[value];
    struct json_names_entry patched = json_names_find(&l->names, m->doc, name);
    if (patched.name == JSON_NONE) {
        lead_in(m, l, value);
        copy(m, node->start, node->end);
        l->done = node->end;
        return true;
    }
    // Of several members of that name the last one lives on: it is the one that readers see.
    if (l->twins[patched.ordinal] != name || removes(m, patched.name + 1)) {
        l->is_cut = true;
        l->done = node->end;
        return true;
    }
    lead_in(m, l, value);
    l->done = node->end;
    put_value(m, value, patched.name + 1);
    return true;
}

// The next member of the patch, if the target had none of that name. False when there is none.
static bool patch_member(struct merge *m, struct level *l)
{
    uint32_t name;
    uint32_t value;
    if (!json_next_member(m->patch, l->patch, &l->patch_at, &name, &value))
        return false;
    struct json_names_entry last = json_names_find(&l->names, m->patch, name);
    if (last.name != name || l->twins[last.ordinal] != JSON_NONE || removes(m, value))
        return true;
    if (l->is_started)
        append(m, SPAN(","));
    l->is_started = true;
    append(m, json_raw(m->patch, name));
    append(m, SPAN(":"));
    put_value(m, JSON_NONE, value);
    return true;
}

static void end_level(struct merge *m, struct level *l)
{
    if (l->target == JSON_NONE)
        append(m, SPAN("}"));
    else
        copy(m, l->done, m->doc->nodes[l->target].end);
    pop(m);
}

static void run(struct merge *m, uint32_t target, uint32_t patch)
{
    push(m, target, patch);
    while (m->depth > 0) {
        struct level *l = &m->levels[m->depth - 1];
        if (!target_member(m, l) && !patch_member(m, l))
            end_level(m, l);
    }
    flush(m);
}

static enum err merge(struct buf *out, const struct json_doc *doc, uint32_t target,
                      const struct json_doc *patch, uint32_t patch_object, enum mode mode)
{
    struct merge m;
    m.out = out;
    m.doc = doc;
    m.patch = patch;
    m.mode = mode;
    m.depth = 0;
    m.run = (struct span){0};
    run(&m, target, patch_object);
    return out->is_full ? ERR_FULL : OK;
}

enum err json_edit_merge(struct buf *out, const struct json_doc *doc, uint32_t object,
                         const struct json_doc *patch, uint32_t patch_object)
{
    CHECK(json_type(doc, object) == JSON_OBJECT);
    CHECK(json_type(patch, patch_object) == JSON_OBJECT);
    return merge(out, doc, object, patch, patch_object, SHALLOW);
}

enum err json_edit_merge_into(struct buf *out, const struct json_doc *doc, uint32_t object,
                              uint32_t member_value, const struct json_doc *patch,
                              uint32_t patch_object)
{
    struct span whole = json_raw(doc, object);
    struct span value = json_raw(doc, member_value);
    CHECK(value.at > whole.at && value.at + value.len < whole.at + whole.len);
    const char *behind = value.at + value.len;
    buf_append(out, whole.at, (size_t)(value.at - whole.at));
    enum err err = json_edit_merge(out, doc, member_value, patch, patch_object);
    if (err)
        return err;
    return buf_append(out, behind, (size_t)(whole.at + whole.len - behind));
}

enum err json_edit_merge_patch(struct buf *out, const struct json_doc *doc, uint32_t value,
                               const struct json_doc *patch, uint32_t patch_value)
{
    if (json_type(patch, patch_value) != JSON_OBJECT)
        return buf_append_span(out, json_raw(patch, patch_value));
    return merge(out, doc, value, patch, patch_value, DEEP);
}
