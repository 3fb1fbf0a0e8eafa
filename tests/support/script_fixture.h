// SPDX-License-Identifier: MIT
// A running `script` with a folder of scripts, and visits to it; the hosts are the test's own program, started again.
#pragma once

#include "script/script.h"

struct fixture {
    uv_loop_t loop;
    uv_timer_t pulse;
    int64_t deadline_ns; // of the wait under way
    struct script *script;
    char folder[64]; // scripts_dir
    char self[128];  // program of the hosts
    bool is_stopped;
};

// First thing in main: true when the process is to be a script host, and has been.
bool fixture_was_host(int argc, char **argv, int *status);

// A folder without scripts; nothing runs yet.
struct fixture *fixture_new(void);
void fixture_write(struct fixture *f, const char *name, const char *source);
void fixture_remove(struct fixture *f, const char *name);
// Hosts are copies of this program called "evil-" + deed (support/evil_host.h).
void fixture_use_evil(struct fixture *f, const char *deed);
MUST_CHECK enum err fixture_try_start(struct fixture *f, uint32_t cpu_ms, struct errmsg *message);
void fixture_start(struct fixture *f, uint32_t cpu_ms);
// Stops; no process, no handle, no file is left.
void fixture_free(struct fixture *f);

// Turns the loop, at most a minute, until the condition holds.
#define WAIT_FOR(f, condition) \
    do {                       \
        fixture_begin_wait(f); \
        while (!(condition))   \
            fixture_turn(f);   \
        fixture_end_wait(f);   \
    } while (0)
void fixture_begin_wait(struct fixture *f);
void fixture_turn(struct fixture *f);
void fixture_end_wait(struct fixture *f);

// `scripts`: members of the JSON list.
struct webhook *fixture_webhook(const char *tenant, const char *scripts);
struct webhook *fixture_webhook_with(const char *script_name);

struct ask {
    struct script_visit visit;
    struct event *event;
    struct webhook *webhook;
    struct attempt *attempt;
    bool is_done;
    uint32_t *done; // counted here too, if not NULL
};
// An attempt for an event {"a":1e14}; a response visit is made of it by the caller.
void ask_init(struct ask *ask, struct webhook *webhook);
void ask_submit(struct fixture *f, struct ask *ask, struct webhook *webhook);
void ask_free(struct ask *ask);
// Waits for it.
void ask_once(struct fixture *f, struct ask *ask, const char *script_name);
void ask_expect_reason(const struct ask *ask, const char *part);
// One visit to a webhook with that script ends so.
void ask_expect(struct fixture *f, const char *script_name, enum script_result result,
                const char *reason);
struct script_stats fixture_stats(struct fixture *f);
