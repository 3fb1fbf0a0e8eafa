// SPDX-License-Identifier: MIT
// Makes the JSON that adds or changes a webhook out of command line options; the main thread.
#pragma once

#include "cli/args.h"
#include "json/json.h"
#include "json/json_write.h"

#define WEBHOOK_JSON_MAX (1 << 20) // bytes

// The object for POST (`is_patch` false) or PATCH /webhooks. What the engine checks is passed on
// as it is, so that its refusal shows; what is no JSON, number or duration at all is refused here,
// with the option's name. `scripts`: the answer of GET /scripts, for the types of options; may be
// empty (they are then passed on as strings).
MUST_CHECK enum err webhook_json_print(const struct args *args, bool is_patch,
                                       const struct json_doc *scripts, struct buf *out,
                                       struct errmsg *message);
// Is there a --script with options, so that their types are needed?
bool webhook_json_needs_scripts(const struct args *args);
