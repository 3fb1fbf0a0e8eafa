// SPDX-License-Identifier: MIT
// What may be a header's name and value (RFC 9110), and which names nobody may set; any thread.
#include "base/http_header.h"

#include "base/check.h"

static const struct {
    const char *name;                 // static
    bool is_prefix;                   // of all names that begin so
    enum http_header_verdict verdict; // on them
} reserved[] = {
// clang-format off
#define X(name, is_prefix, verdict) {name, is_prefix, verdict},
#include "base/http_header.def"
#undef X
    // clang-format on
};

// RFC 9110, 5.6.2: tchar.
static bool is_token_char(char c)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_token(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!is_token_char(name.at[i]))
            return false;
    }
    return name.len > 0;
}

static bool is_reserved(struct span name, size_t i)
{
    struct span own = span_of(reserved[i].name);
    if (reserved[i].is_prefix && name.len > own.len)
        name.len = own.len;
    return span_eq_nocase(name, own);
}

enum http_header_verdict http_header_check(struct span name, struct span value)
{
    if (!is_token(name))
        return HTTP_HEADER_BAD_NAME;
    for (size_t i = 0; i < COUNT_OF(reserved); i++) {
        if (is_reserved(name, i))
            return reserved[i].verdict;
    }
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];
        if (c == '\r' || c == '\n' || c == '\0')
            return HTTP_HEADER_BAD_VALUE;
    }
    return HTTP_HEADER_OK;
}

const char *http_header_reason(enum http_header_verdict verdict)
{
    switch (verdict) {
    case HTTP_HEADER_OK: return "is fine";
    case HTTP_HEADER_BAD_NAME: return "has a name that is no token of RFC 9110";
    case HTTP_HEADER_BAD_VALUE: return "has a value with a line break or NUL";
    case HTTP_HEADER_FORBIDDEN: return "belongs to the connection and cannot be set";
    case HTTP_HEADER_ENGINE_OWN: return "is set by the engine and cannot be changed";
    }
    return "is unknown";
}
