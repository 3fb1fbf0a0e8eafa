// SPDX-License-Identifier: MIT
// Named places where a test may kill the engine or make a call fail; any thread.
#include "base/failpoint.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/span.h"

static const char *const names[] = {
#define X(name, text, where) [FAILPOINT_##name] = text,
#include "base/failpoint.def"
#undef X
};

bool failpoint_is_armed;

// Written by failpoint_init only.
static enum failpoint armed_point;
static bool does_kill;         // otherwise the passage answers true
static uint64_t wanted;        // the passage that is hit; 0: each
static _Atomic uint64_t count; // passages of armed_point so far

// Nothing changes the environment while threads run.
static const char *environment(const char *name)
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): see above
    return getenv(name);
}

bool failpoint_is_test_run(void)
{
    const char *text = environment("GRAPNEL_TEST");
    return text != NULL && strcmp(text, "1") == 0;
}

static bool find(struct span name, enum failpoint *out)
{
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (span_is(name, names[i])) {
            *out = (enum failpoint)i;
            return true;
        }
    }
    return false;
}

enum err failpoint_init(struct errmsg *message)
{
    failpoint_is_armed = false;
    const char *text = environment("GRAPNEL_FAILPOINT");
    if (text == NULL || text[0] == '\0')
        return OK;
    if (!failpoint_is_test_run()) {
        errmsg_set(message, "GRAPNEL_FAILPOINT is for tests: unset it, or set GRAPNEL_TEST=1 too");
        return ERR_DENIED;
    }
    struct span rest = span_of(text);
    struct span name = {0};
    struct span action = {0};
    struct span number = {0};
    enum failpoint point = FAILPOINT_COUNT;
    (void)span_split(&rest, ':', &name);
    if (!find(name, &point)) {
        errmsg_set(message,
                   "GRAPNEL_FAILPOINT: there is no failpoint \"%.*s\"; the names are in "
                   "core/base/failpoint.def",
                   SPAN_ARGS(name));
        return ERR_NOT_FOUND;
    }
    bool has_action = span_split(&rest, ':', &action);
    bool is_kill = span_is(action, "kill");
    uint64_t passage = 0;
    bool has_number = span_split(&rest, ':', &number);
    bool is_number = has_number && span_to_uint64(number, &passage) && passage > 0;
    if (!has_action || !(is_kill || span_is(action, "error")) || has_number != is_number ||
        rest.at != NULL) {
        errmsg_set(message,
                   "GRAPNEL_FAILPOINT: \"%s\" is not NAME:kill:N, NAME:error:N or "
                   "NAME:error, with N counting from 1",
                   text);
        return ERR_SYNTAX;
    }
    armed_point = point;
    does_kill = is_kill;
    wanted = passage;
    atomic_store(&count, 0);
    failpoint_is_armed = true;
    return OK;
}

bool failpoint_pass(enum failpoint point)
{
    if (!failpoint_is_armed || point != armed_point)
        return false;
    uint64_t passage = atomic_fetch_add(&count, 1) + 1;
    if (wanted != 0 && passage != wanted)
        return false;
    if (does_kill) {
        (void)kill(getpid(), SIGKILL);
        for (;;) // it may be another thread that dies first
            (void)pause();
    }
    return true;
}
