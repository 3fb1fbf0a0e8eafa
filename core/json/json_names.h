// SPDX-License-Identifier: MIT
// An index over the names of one object, compared decoded: finds a member in O(1); any thread.
//
// Small objects are searched as they are. Larger ones get a hash table, keyed per process, so that
// names chosen by strangers do not collide on purpose.
#pragma once

#include "json/json.h"

struct json_names_entry {
    uint32_t name;    // node, or JSON_NONE; the member's value is the node behind it
    uint32_t ordinal; // which member of the object, from 0
};

struct json_names {
    const struct json_doc *doc; // borrowed
    uint32_t object;            // node
    uint32_t duplicate; // name node of the first member whose name stood before, or JSON_NONE
    struct json_names_entry *slots; // owned; NULL for a small object
    size_t mask;                    // slots - 1
    char *scratch;                  // owned; for a name with escapes
    size_t scratch_size;            // bytes
};

// `object` must be one, and `doc` outlive the index.
void json_names_init(struct json_names *names, const struct json_doc *doc, uint32_t object);
void json_names_deinit(struct json_names *names);
// The last member whose decoded name is that of `string` in `doc` (any document); its name is
// JSON_NONE when there is none.
struct json_names_entry json_names_find(struct json_names *names, const struct json_doc *doc,
                                        uint32_t string);
