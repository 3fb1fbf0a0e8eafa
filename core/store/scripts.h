// SPDX-License-Identifier: MIT
// Versions of scripts as a backend keeps them: rows that are read, and changes that are written as
// one. Plain data; whoever holds it.
//
// A version is immutable: a name's source, named by its SHA-256. A place (tenant, origin, name) says
// which of its versions is active. A name resolves stored → scripts_dir → built in.
#pragma once

#include "base/span.h"

#define SCRIPT_HASH_LEN 64 // hex digits

enum script_origin { SCRIPT_BUILTIN = 1, SCRIPT_DIR, SCRIPT_STORED };
// "builtin", "scripts_dir", "stored".
const char *script_origin_name(enum script_origin origin);

struct script_place {
    enum script_origin origin;
    struct span tenant; // empty unless stored
    struct span name;
};

// A version as it is read; spans live until the callback returns.
struct script_row {
    struct script_place place;
    uint32_t number;         // unique, in order of arrival
    struct span hash;        // SCRIPT_HASH_LEN
    struct span source;      // not in lists
    struct span by;          // who brought it: "uid:0", "scripts_dir"
    struct span note;        // for people; may be empty
    int64_t at_ms;           // when it arrived
    int64_t active_ms;       // when it last became active; 0: never
    bool is_active;          // it is now
    uint32_t functions;      // what a host said of it: set of 1u << enum frame_function
    struct span description; // JSON: help, options
    struct span checked_by;  // the engine's version that asked the host
    struct span active_by;   // who made it active; empty when it is not
    struct span seen;        // hash of the file that was decided on; empty: not of scripts_dir
};

// One step of a change. The version is made unless the place has one with that hash.
struct script_step {
    struct script_place place;
    struct span hash;   // empty: the place is given up, its versions stay
    struct span source; // empty: the version must be there (ERR_NOT_FOUND)
    uint32_t functions;
    struct span description, checked_by; // empty: as before
    bool is_activated;                   // becomes the active one
    struct span seen;                    // empty: as before
    struct span action;                  // for the audit: "add", "activate", "reload", "remove"
};

// All steps or none, in one transaction.
struct script_change {
    const struct script_step *steps;
    size_t count;
    struct span by, note;
    int64_t at_ms;
};
