// SPDX-License-Identifier: MIT
// A change of what is active: checked in a host with its golden tests, held against the options of
// every webhook that uses it, written to the store as one, and then true at once; main only.
//
// One change runs at a time, others wait. While webhooks are looked at, none is checked that is to
// be saved, so that nobody slips through between.
#pragma once

#include "base/list.h"
#include "model/problem.h"
#include "script/library.h"
#include "script/pool.h"
#include "store/store.h"

struct script;
struct change;

// One step of it. Texts are owned.
struct change_item {
    struct change *change;
    char *tenant, *name;
    enum script_origin origin;
    char *source; // NULL: a removal
    size_t len;
    char hash[LIBRARY_HASH_LEN + 1];
    char seen[LIBRARY_HASH_LEN + 1]; // file that this is about; "": none
    bool is_activated;               // false: it is only kept
    bool is_refresh;                 // the active version is checked again for this engine
    bool is_optional;                // that it is refused does not hold up the others
    const char *action;              // static; for the audit; "": none
    struct pool_visit visit;         // the check
    struct library_version *version; // one reference; NULL: not checked yet, or refused
    char *why;                       // refused; owned; NULL: it is not
    bool is_collateral;              // refused because of another one only
};

#define CHANGE_MAGIC 0x4348414eu
struct change {
    uint32_t magic;
    struct list_node node; // in the queue of those that wait
    struct script *script; // borrowed
    struct change_item *items;
    size_t count, room;
    bool is_all_or_none;       // one that is refused takes the others with it
    char *by, *note;           // owned
    int64_t at_ms;             // wall clock
    struct problems *problems; // the caller's: what is wrong, for people; NULL: not wanted
    enum change_stage { CHANGE_NEW, CHANGE_CHECKING, CHANGE_WAITING, CHANGE_FITTING } stage_at;
    size_t open;               // visits that are not answered
    struct webhook **webhooks; // owned array of references: those that are looked at
    size_t webhook_count, webhook_at;
    struct library_stage stage; // owned arrays
    struct store_scripts op;
    struct script_step *steps;              // owned
    enum err err;                           // of the store
    void (*on_done)(struct change *change); // later, on main; frees it
    void *context;
};

// Nothing to do yet. `by` and `note` are copied.
struct change *change_new(struct script *script, struct span by, struct span note,
                          void (*on_done)(struct change *change), void *context);
void change_free(struct change *change);
// A new item; pointers to items are good until the next. Takes `source` (NULL: a removal).
struct change_item *change_add(struct change *change, const struct script_place *place,
                               char *source, size_t len);
// on_done is called in any case, never from within.
void change_start(struct change *change);
// Of its items, how many were refused or became active.
size_t change_refused(const struct change *change);
size_t change_activated(const struct change *change);
// Checks of webhooks are done: the change that waited for that goes on.
void change_go_on(struct script *script);
// Ends those that wait, with ERR_CLOSED.
void change_stop_all(struct script *script);

// ---- between change.c and change_fit.c ----
struct script_place change_place(const struct change_item *item);
void change_advance(struct change *change); // one step is done
// The first reason is the one that counts.
void change_refuse(struct change_item *item, struct span why);
void change_refuse_more(struct change_item *item, const char *why); // appended, bounded
void change_complain(const struct change *change, const char *field, struct span message);
void change_fit(struct change *change);
