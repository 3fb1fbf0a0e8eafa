// SPDX-License-Identifier: MIT
// What the files of the golden tests share. Script host only.
#pragma once

#include "sandbox/golden.h"
#include "sandbox/pipeline_inside.h"

#define GOLDEN_TESTS   256                       // of a script
#define GOLDEN_HEADERS 64                        // of a request, an answer, an expectation
#define GOLDEN_SECRETS 16                        // of a webhook, and names of its env
#define GOLDEN_ANSWER  ((size_t)64 * 1024)       // bytes of an answer's body that response sees
#define GOLDEN_TEXT    ((size_t)8 * 1024 * 1024) // bytes of one test

// What a test expects; what it does not name is not compared.
struct golden_expect {
    bool has_body, is_body_json;
    struct span body;                            // exact bytes, or JSON
    struct visit_header headers[GOLDEN_HEADERS]; // is_set_by_sign: absent is expected
    size_t header_count;
    bool has_url, has_method, has_filtered, is_filtered, has_verdict, has_error, has_invalid;
    bool has_reason; // of the verdict
    struct span url, method, filtered, error, reason;
    enum visit_verdict verdict;
    int64_t seconds;
    struct visit_header invalid[GOLDEN_HEADERS]; // option, text
    size_t invalid_count;
};

// One test, read from the script's table into plain data. All spans are in `arena`.
struct golden_test {
    struct arena arena;
    size_t used; // bytes of GOLDEN_TEXT
    struct span name;
    const char *where;       // while reading: what names the field in a message, "event."
    struct span traceparent; // empty: none
    struct visit_in in;
    struct visit_script use; // of in.scripts; the script is set for each run
    struct visit_header headers[GOLDEN_HEADERS];
    struct visit_header response_headers[GOLDEN_HEADERS];
    struct visit_header env[GOLDEN_SECRETS];
    struct span secrets[GOLDEN_SECRETS];
    struct golden_expect expect;
};

// ---- golden_test.c ----
// Reads test `number` (from 1) of a script that was loaded with keep_tests. Throws what is wrong
// with it. [0]
void golden_read(struct golden_test *test, struct pipeline_script *script, lua_State *L,
                 lua_Integer number);
struct span golden_keep(struct golden_test *test, lua_State *L, struct span text);

// What the value is, for a message: "a string".
const char *golden_kind(lua_State *L, int index);

// ---- golden_request.c ----
// Builds the request as the engine does, then puts what the test's `request` names in its place.
// Stack: the test's `webhook` and `request`, each a table or nil, at these indices.
void golden_build_request(struct golden_test *test, lua_State *L, int webhook, int request);

// ---- golden_compare.c ----
// Says what differs from the expectation, a line each; nothing when all is as expected.
void golden_compare(const struct golden_test *test, const struct visit_out *out,
                    struct buf *report);
