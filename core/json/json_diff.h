// SPDX-License-Identifier: MIT
// Where two JSON documents differ, path by path; any thread.
//
// Paths are those of scripts: names joined by dots, elements by their number from 1, "\." for a dot
// in a name; empty for the whole. Work is bounded: documents that differ too much are given up on.
#pragma once

#include "json/json.h"

#define JSON_DIFF_PATH  512     // bytes of a path, with its NUL; longer ones are cut
#define JSON_DIFF_STEPS 1000000 // values and names that are looked at

enum json_diff_how {
    JSON_DIFF_VALUES = 0,      // 1.0 is 1, "\u0041" is "A", members in any order
    JSON_DIFF_SPELLING = 1,    // numbers and strings byte for byte
    JSON_DIFF_EMPTY_ALIKE = 2, // an empty object in `a` is also an empty array
};

struct json_difference {
    const char *path; // borrowed
    uint32_t a, b;    // nodes; JSON_NONE: is not there
};
// False: enough, stop.
typedef bool json_diff_fn(void *context, const struct json_difference *difference);

// Reports the differences in document order of `a`; of an object, what only `b` has comes last.
// `how` is a set of json_diff_how. False: given up, or stopped by `on_difference`. Both documents
// have been parsed and are not empty.
bool json_diff(const struct json_doc *a, const struct json_doc *b, unsigned how,
               json_diff_fn *on_difference, void *context);
