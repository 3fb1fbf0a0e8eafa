// SPDX-License-Identifier: MIT
// application/x-www-form-urlencoded, and what may stand in an address; any thread.
#pragma once

#include "base/buf.h"
#include "json/json.h"

// Writes the object at `node` as a=1&b=2, in its order: strings decoded, numbers as written, true
// and false, null as nothing; a list of these repeats its name. ERR_SYNTAX with a message that
// names the member when something else is in it.
MUST_CHECK enum err form_encode(struct buf *out, const struct json_doc *doc, uint32_t node,
                                struct errmsg *message);
// All but letters, digits and -._~ as %XX; with `is_form`, a blank as +.
void form_escape(struct buf *out, struct span text, bool is_form);

struct form_url {
    struct span scheme, userinfo, host, path, query, fragment; // host without the brackets of IPv6
    int port;                                                  // -1: none
    bool has_userinfo, has_query, has_fragment;
};
// Splits an absolute address; NULL, or what is wrong with it (static).
const char *form_parse_url(struct span text, struct form_url *out);
// May a request go there, as far as its spelling tells? NULL, or why not.
const char *form_check_target(struct span text);
