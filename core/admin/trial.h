// SPDX-License-Identifier: MIT
// A trial: scripts run against events as a webhook would run them, and nothing is sent; main only.
// (lua.md, Trying before trusting)
//
// Visits go to the host for checks, one at a time, under the limits of real ones. What was really sent
// is rendered again with the versions and the revision that are on record; the record's hash of the
// body proves that these are the bytes. The command line runs trials without an engine, too.
#pragma once

#include "json/json.h"
#include "json/json_write.h"
#include "model/delivery.h"
#include "script/script_draft.h"

#define TRIAL_MAX_EVENTS 100
#define TRIAL_MAX_MS     20000 // then the events that are left are left out

struct trial_event {
    struct event *event;     // one reference
    bool has_record;         // it has been tried to send it to this webhook
    struct uid delivery_uid; // the rest is set only then
    uint64_t delivery;
    struct attempt record;   // the last attempt; spans in the trial's arena
    struct webhook *sent_by; // one reference: the revision on record; NULL: not to be had
};

// An answer that `response` functions are to judge. When none is given, they judge what is on record.
struct trial_answer {
    bool is_given;
    int status;
    struct header *headers; // in the trial's arena, as all spans
    uint32_t header_count;
    struct span body;
};

struct trial_sums {
    size_t events, changed, same, unknown, filtered, errors, left_out;
};

#define TRIAL_MAGIC 0x5452494cu
struct trial {
    uint32_t magic;
    struct arena arena;         // for whoever prepares it
    struct script *script;      // borrowed
    struct script_draft *draft; // owned; NULL: all scripts are versions
    struct webhook *webhook;    // one reference: as it is to be tried; its number is 0
    const struct hook_env *env; // borrowed; NULL: none
    const struct guard *guard;  // borrowed; NULL: no engine, whose allow_targets would decide
    struct trial_event *events; // in the arena
    size_t event_count;
    struct trial_answer answer;
    struct span tests;                    // of a draft: results of its golden tests, JSON
    struct json_writer *json;             // borrowed: rows are written here as they come
    bool (*must_stop)(struct trial *);    // asked before each event; NULL: never
    void (*on_done)(struct trial *trial); // may free it
    void *context;
    // What came of it.
    struct problems problems; // why the options do not fit; then nothing was written
    struct trial_sums sums;
    // Its own.
    struct script_visit visit;
    size_t at; // event
    int64_t began_ms;
    struct attempt *now, *was; // owned
    bool is_judged;            // the answer given, or the one on record
    enum script_result now_result, was_result;
    struct webhook *was_webhook; // one reference
    struct span was_note;        // why what was sent cannot be shown
};

struct trial *trial_new(struct script *script);
void trial_free(struct trial *trial); // NULL is fine
// Checks the options, then writes an object for each event. Always ends with on_done, later.
void trial_run(struct trial *trial);
// {"events":3,"changed":1,…}
void trial_write_sums(const struct trial *trial, struct json_writer *w);

// The webhook that stands in when none is named: that of golden tests, with one script. NULL:
// `problems` says why.
struct webhook *trial_default_webhook(struct span tenant, struct span script, struct span options,
                                      struct problems *problems);
// A copy of `webhook` with that script tried: in the place of all of its name (the webhook's options,
// with `options` merged into them), else behind the others; `is_alone`: instead of them. `pin`: a
// version; empty: the active one, or a draft. NULL: there are too many scripts.
struct webhook *trial_webhook(const struct webhook *webhook, struct span script, struct span pin,
                              struct span options, bool is_alone);
// {"status":200,"headers":{…},"body":"…"} (a body that is no string: its JSON) into the trial's answer.
bool trial_read_answer(struct trial *trial, const struct json_doc *doc, uint32_t object,
                       struct problems *problems);

// Was a request made at that attempt, or did its scripts end it? (trial.c)
bool trial_had_request(const struct attempt *record);
// ---- trial_row.c ----
// Writes the row of the event at hand, and counts it.
void trial_write_row(struct trial *trial);
// ---- trial_mask.c ----
// `text` without the secrets of the webhook, its options and hook_env; in the trial's arena if it has
// any.
struct span trial_mask(struct trial *trial, struct span text);
