// SPDX-License-Identifier: MIT
// "NAME,option=value,…": a script with its options as JSON of the types that it declares; the main
// thread.
#pragma once

#include "json/json.h"
#include "json/json_write.h"

// Appends {"name":…,"options":{…}}. `scripts`: the answer of GET /scripts, may be empty. A name
// that is repeated makes a list, "map.member=value" a member, "\," is a comma, "=@FILE" and "=-"
// read a secret from a file or standard input. ERR_SYNTAX, ERR_IO with a message.
MUST_CHECK enum err script_argument_print(struct span argument, const struct json_doc *scripts,
                                          struct json_writer *w, struct errmsg *message);
