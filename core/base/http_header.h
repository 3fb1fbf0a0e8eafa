// SPDX-License-Identifier: MIT
// What may be a header's name and value (RFC 9110), and which names nobody may set; any thread.
//
// The list of names is http_header.def. Used by the model (when a webhook is saved) and inside the
// script host (when a script sets one), so that both decide alike.
#pragma once

#include "base/span.h"

enum http_header_verdict {
    HTTP_HEADER_OK,
    HTTP_HEADER_BAD_NAME,   // no RFC 9110 token
    HTTP_HEADER_BAD_VALUE,  // holds CR, LF or NUL
    HTTP_HEADER_FORBIDDEN,  // Host, Content-Length, Transfer-Encoding, … Proxy-*
    HTTP_HEADER_ENGINE_OWN, // webhook-id, webhook-timestamp
};

enum http_header_verdict http_header_check(struct span name, struct span value);
// "is set by the engine and cannot be changed"; static, completes "header \"X\" ".
const char *http_header_reason(enum http_header_verdict verdict);

#define HTTP_HEADER_MAX_COUNT 64
#define HTTP_HEADER_MAX_BYTES 8192
