// SPDX-License-Identifier: MIT
// What scripts used and how they failed: per version, per webhook, per name; main only. (lua.md,
// Limits)
//
// Figures count from the start of the engine. All tables are bounded: a webhook has a row for each
// version that it uses now, and names have no bound but ACCOUNT_MAX_NAMES, because metrics show them.
#pragma once

#include "base/map.h"
#include "base/span.h"
#include "script/frame.h"

#define ACCOUNT_MAX_NAMES 2000     // then all others are one
#define ACCOUNT_STORED    "stored" // the name of what is made through the API: those have no bound

enum account_failure {
    ACCOUNT_ERROR,
    ACCOUNT_TIMEOUT,
    ACCOUNT_MEMORY,
    ACCOUNT_KILLED,
    ACCOUNT_FAILURES
};
const char *account_failure_name(enum account_failure failure); // "error", "timeout" …

struct account {
    uint64_t calls; // visits in which one of its functions ran
    uint64_t cpu_us;
    uint64_t memory_bytes;               // the highest peak of a visit
    uint64_t failures[ACCOUNT_FAILURES]; // visits that it ended so
};
uint64_t account_failures(const struct account *account); // of all kinds

// What one visit adds to one script's accounts. An untrusted host said so: clamp it first.
struct account_visit {
    uint32_t cpu_us, memory_bytes;
    enum script_result result; // SCRIPT_DONE unless this script is to blame
};
void account_add(struct account *account, const struct account_visit *visit);

struct accounts {
    struct map webhooks; // number → struct account_rows * (owned)
    struct strmap names; // → struct account * (owned)
};
void account_init(struct accounts *accounts);
void account_deinit(struct accounts *accounts);

// From now on the webhook uses these versions, by number (0: not to be had). What it had on record
// for others is forgotten.
void account_use(struct accounts *accounts, uint32_t webhook, const uint32_t *versions,
                 uint32_t count);
// NULL: that webhook has not used that version.
const struct account *account_of_webhook(const struct accounts *accounts, uint32_t webhook,
                                         uint32_t version);
// Adds to the webhook's row, if it has one, and to the name's.
void account_note(struct accounts *accounts, uint32_t webhook, uint32_t version, struct span name,
                  const struct account_visit *visit);
// The next name in no order; NULL at the end. Start with *at = 0.
const struct account *account_next_name(const struct accounts *accounts, size_t *at,
                                        struct span *name);
