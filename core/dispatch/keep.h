// SPDX-License-Identifier: MIT
// A small object of one webhook that the store keeps over restarts: saved, removed, tried again when
// the store refuses; main only.
//
// Its content is asked for when it is written: several changes while one operation is under way make
// one more. A crash within the milliseconds until it is written loses the change.
#pragma once

#include "dispatch/hook.h"
#include "store/catalogue.h"

#define KEEP_MAX_JSON 16384 // bytes of an object

struct keep;

// What kind of object, as one static table.
struct keep_rules {
    enum object_kind kind;
    const char *name;          // "quarantine", for people
    const char *put_action;    // for the audit
    const char *remove_action; // likewise
    // Writes the object; false: there is nothing to keep now.
    bool (*print)(struct keep *keep, struct json_writer *w);
};

// Part of its owner, which lives as long as the hook. Begin with zeros, `hook` and `rules`.
struct keep {
    const struct keep_rules *rules;
    struct hook *hook;             // borrowed: lives as long as the dispatch
    uint32_t number, revision;     // of the object; 0: there is none
    bool is_saving;                // an operation is on its way
    bool is_dirty;                 // and more has changed meanwhile
    struct list_node unsaved_node; // in dispatch.unsaved after one that failed
};

// Something has changed. `by` is for the audit.
void keep_save(struct dispatch *d, struct keep *keep, struct span by);
// What the store refused is written again.
void keep_save_again(struct dispatch *d);
// At start: the webhook of a stored object; NULL: it was deleted at the very end of the last run.
struct hook *keep_hook(const struct dispatch *d, const struct object *object);
void keep_on_stored(struct keep *keep, const struct object *object);
// Members of such an object, for those that read one.
struct span keep_text(const struct json_doc *doc, const char *name, struct arena *arena);
int64_t keep_int(const struct json_doc *doc, const char *name); // 0: it is not there
void keep_deinit(struct keep *keep);
