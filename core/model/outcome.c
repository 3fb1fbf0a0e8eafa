// SPDX-License-Identifier: MIT
// Outcomes of attempts: names, and what a status means; any thread.
#include "model/outcome.h"

#include "base/check.h"

static const char *const names[OUTCOME_COUNT] = {
    NULL,
#define X(name, text, breaker, disable) text,
#include "model/outcome.def"
#undef X
};

const char *outcome_name(enum outcome outcome)
{
    CHECK(outcome < OUTCOME_COUNT);
    return names[outcome];
}

bool outcome_parse(struct span name, enum outcome *out)
{
    for (int i = 1; i < OUTCOME_COUNT; i++) {
        if (span_is(name, names[i])) {
            *out = (enum outcome)i;
            return true;
        }
    }
    return false;
}

enum outcome outcome_of_status(int status)
{
    switch (status) {
    case 410: return OUTCOME_HTTP_410;
    case 429: return OUTCOME_HTTP_429;
    case 503: return OUTCOME_HTTP_503;
    }
    switch (status / 100) {
    case 2: return OUTCOME_DELIVERED;
    case 3: return OUTCOME_HTTP_3XX;
    case 4: return OUTCOME_HTTP_4XX;
    case 5: return OUTCOME_HTTP_5XX;
    }
    return OUTCOME_BAD_RESPONSE;
}
