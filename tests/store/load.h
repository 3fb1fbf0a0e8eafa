// SPDX-License-Identifier: MIT
// A random load on a journal, what it was told, and whether the file agrees; test's thread.
#pragma once

#include "fixture.h"

enum { LOAD_EVENTS = 60000, LOAD_PLACES = 3, LOAD_BATCH = 40 };

// One thing that was committed.
struct load_note {
    enum { LOAD_APPEND = 1, LOAD_FINAL, LOAD_PENDING } kind;
    uint64_t id; // seq, or delivery
};

// Makes commits of its own: appends (some with a key), settles new and old ones.
struct load {
    struct fixture *f;
    struct append appends[LOAD_BATCH];
    struct settlement settlements[LOAD_BATCH];
    struct load_note notes[LOAD_BATCH * 2]; // of the last commit that succeeded
    size_t append_count, settlement_count, note_count;
    uint64_t *open; // owned: deliveries without a final row
    size_t open_count;
    uint8_t *has_row; // owned: by place in `open`
};
struct load *load_new(struct fixture *f);
void load_free(struct load *load);
// Takes up what is owed and what waits, as dispatch does at its start.
enum err load_start(struct load *load);
enum err load_commit(struct load *load);
// No more numbers.
bool load_is_over(const struct load *load);

// What was acknowledged.
struct load_truth {
    uint8_t is_stored;
    uint8_t final[LOAD_PLACES];
    uint8_t pending[LOAD_PLACES]; // and nothing was told after it
};
void load_apply(struct load_truth *truths, const struct load_note *note);
// Opens the file, compares, closes it: the number of things that are not as they were told. The
// truth is then what was found: what was in doubt is known.
size_t load_compare(struct load_truth *truths, struct fixture *f);
