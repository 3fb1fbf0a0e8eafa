// SPDX-License-Identifier: MIT
// Names and versions of scripts, as far as they are in memory: the active ones, and those that
// webhooks pin; main only. (lua.md, Where scripts come from)
//
// A version is immutable and named by the SHA-256 of its source. A place (tenant, origin, name) has
// one active version; a name resolves stored (of the webhook's tenant) → scripts_dir → built in.
// Which versions there were, and who made them active when, is in the store.
#pragma once

#include "base/err.h"
#include "base/map.h"
#include "base/span.h"
#include "script/account.h"
#include "store/scripts.h"

#define LIBRARY_HASH_LEN   SCRIPT_HASH_LEN
#define LIBRARY_SHORT      8 // hex digits of a version where it is shown
#define LIBRARY_MIN_PIN    6 // hex digits that name one
#define LIBRARY_MAX_SOURCE (256 * 1024)

// One version. Borrowed pointers live as long as a reference.
struct library_version {
    uint32_t refs;
    uint32_t number;         // for hosts; unique in this process
    struct library *library; // borrowed; NULL: it is in none
    char *name;              // owned; "slack"
    char *tenant;            // owned; "" unless stored
    enum script_origin origin;
    char hash[LIBRARY_HASH_LEN + 1];
    char *source; // owned
    size_t len;
    uint32_t functions;     // set of 1u << enum frame_function
    char *description;      // owned: JSON as a host gave it, checked to be that
    struct span help;       // decoded; in `help_text`
    struct span options;    // JSON array; in `description`
    char *help_text;        // owned
    struct account account; // of this version
};

// A name of one origin that has an active version.
struct library_place {
    struct library_version *active; // one reference
    char seen[LIBRARY_HASH_LEN +
              1];  // file of scripts_dir, or of the binary, that was looked at last
    char *by;      // owned: who made it active
    int64_t at_ms; // when; 0: not known
    bool is_stale; // another version of the engine has checked it
};

struct library;
struct library *library_new(void);
void library_free(struct library *library); // when no reference is left
struct library_version *library_ref(struct library_version *version);
void library_unref(struct library_version *version); // NULL is fine

// SHA-256 in hex. Any thread.
void library_hash(struct span source, char out[LIBRARY_HASH_LEN + 1]);
// [a-z0-9][a-z0-9-]*, at most 64 bytes.
bool library_is_name(struct span name);

// The active version of a name for a tenant, or the one that `pin` (hex digits) begins, active or
// held; NULL: there is none in memory.
struct library_version *library_find(const struct library *library, struct span tenant,
                                     struct span name, struct span pin);
struct library_version *library_by_number(const struct library *library, uint32_t number);
// Changes whenever library_find may answer otherwise than before.
uint32_t library_generation(const struct library *library);
// NULL: it has no active version.
struct library_place *library_place(const struct library *library,
                                    const struct script_place *place);
// All places, by name, then tenant, then origin.
size_t library_count(const struct library *library);
const struct library_place *library_at(const struct library *library, size_t index);

// What a version is made of.
struct library_source {
    struct script_place place;
    struct span source;
    uint32_t functions;
    struct span description; // JSON object with an array "options", and maybe "help"
};
// One reference; active nowhere yet. NULL: the description is not what a host may give.
struct library_version *library_make(struct library *library, const struct library_source *from);
// It becomes the active one of its place. `seen`: NULL: as before. One that it replaces stays held.
void library_activate(struct library *library, struct library_version *version, const char *seen,
                      struct span by, int64_t at_ms);
// The place has no active version any more.
void library_give_up(struct library *library, const struct script_place *place);
// Found by its hash from now on, until library_drop does not want it: a webhook pins it.
void library_hold(struct library *library, struct library_version *version);
// Lets go of held versions that nobody wants.
void library_drop(struct library *library,
                  bool (*is_wanted)(void *context, const struct library_version *version),
                  void *context);

// While it is looked at whether webhooks fit: what library_find would answer after a change.
// `versions` become active, `places` are given up; both borrowed until library_unstage.
struct library_stage {
    struct library_version *const *versions;
    size_t version_count;
    const struct script_place *places;
    size_t place_count;
};
struct library_version *library_find_staged(const struct library *library,
                                            const struct library_stage *stage, struct span tenant,
                                            struct span name, struct span pin);
