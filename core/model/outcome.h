// SPDX-License-Identifier: MIT
// Outcomes of attempts: the list is outcome.def; any thread.
#pragma once

#include "base/span.h"

// The numbers are stored: new ones go to the end of outcome.def.
enum outcome {
    OUTCOME_NONE = 0, // not tried yet
#define X(name, text, breaker, disable) OUTCOME_##name,
#include "model/outcome.def"
#undef X
    OUTCOME_COUNT
};

// "http_4xx"; NULL for OUTCOME_NONE.
const char *outcome_name(enum outcome outcome);
bool outcome_parse(struct span name, enum outcome *out);
// The outcome of a complete answer: 200-299 delivered, 410, 429 and 503 their own, else by class;
// a status outside 200-599 is bad_response.
enum outcome outcome_of_status(int status);
