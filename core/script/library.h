// SPDX-License-Identifier: MIT
// Names and versions of scripts: built in, and read from scripts_dir; main only. (lua.md, Where
// scripts come from)
//
// A version is immutable and named by the SHA-256 of its source. It becomes active when a host has
// loaded it and run its golden tests; one that fails never does, and the one before stays. Earlier
// versions stay while something pins or uses them. Reading scripts_dir touches the disk, at start
// and on reload only.
#pragma once

#include "base/err.h"
#include "base/map.h"
#include "base/span.h"
#include "script/account.h"

#define LIBRARY_HASH_LEN   64
#define LIBRARY_SHORT      8 // hex digits of a version where it is shown
#define LIBRARY_MIN_PIN    6 // hex digits that name one
#define LIBRARY_MAX_SOURCE (256 * 1024)
#define LIBRARY_MAX_FILES  1000

// One version. Borrowed pointers live as long as a reference.
struct library_version {
    uint32_t refs;
    uint32_t number;    // for hosts; unique in this process
    char *name;         // owned; "slack"
    const char *origin; // static: "builtin", "scripts_dir"
    char hash[LIBRARY_HASH_LEN + 1];
    char *source; // owned
    size_t len;
    uint32_t functions;     // set of 1u << enum frame_function
    char *description;      // owned: JSON as a host gave it, checked to be that
    struct span help;       // decoded; in `description_text`
    struct span options;    // JSON array; in `description`
    char *help_text;        // owned
    struct account account; // of this version
};

struct library;
struct library *library_new(void);
void library_free(struct library *library);
struct library_version *library_ref(struct library_version *version);
void library_unref(struct library_version *version);

// The active version of a name, or the one that `pin` (hex digits) begins; NULL: there is none.
struct library_version *library_find(const struct library *library, struct span name,
                                     struct span pin);
struct library_version *library_by_number(const struct library *library, uint32_t number);
// Changes whenever library_find may answer otherwise than before.
uint32_t library_generation(const struct library *library);
// Active ones, sorted by name.
size_t library_count(const struct library *library);
struct library_version *library_at(const struct library *library, size_t index);

// A source that may become a version.
struct library_candidate {
    char *name;         // owned; without ".lua"
    const char *origin; // static
    char *source;       // owned
    size_t len;
    bool is_builtin;
};
struct library_candidates {
    struct library_candidate *list; // owned
    size_t count;
};
// Built-in ones, and those of `folder` (NULL: none), which hide built-in ones of their name. What
// cannot be read or is no script's name is reported and left out. ERR_NOT_FOUND, ERR_IO …: the
// folder cannot be read.
MUST_CHECK enum err library_read(struct library_candidates *out, const char *folder,
                                 void (*on_refused)(void *context, const char *name,
                                                    const char *why),
                                 void *context, struct errmsg *message);
void library_candidates_free(struct library_candidates *candidates);

// Is it active as it stands?
bool library_has(const struct library *library, const struct library_candidate *candidate);
// A host has checked it: it becomes the active version of its name. Takes its source. False: the
// description is not what a host may give.
bool library_activate(struct library *library, struct library_candidate *candidate,
                      uint32_t functions, struct span description);
// Names that are not among the candidates any more are not active any more.
void library_retain(struct library *library, const struct library_candidates *candidates);
