// SPDX-License-Identifier: MIT
// Judges addresses, ports and URLs by the table guard.def and the operator's list; any thread.
#include "send/guard.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>

#include "base/mem.h"

#define PORT_FIRST_FREE 1024 // from here on every port is fine
#define MAX_OWN         1024 // own addresses that are looked at
#define LINE            "to allow it, add \"%s\" to allow_targets"

// An address of either family; IPv4-mapped ones are always kept as IPv4.
struct address {
    int family;        // AF_INET or AF_INET6
    uint8_t bytes[16]; // 4 or 16 of them, network order
};

struct range {
    struct address network;
    unsigned prefix;    // bits that must be equal
    const char *reason; // static; NULL in an allow entry
};

struct allow {
    struct range range; // family 0: it is a name
    char *name;         // owned, lower case; NULL: it is a range
    uint16_t port;      // 0: the usual ones
};

// One version of the rules. Readers on other threads hold one only within a call; those before are
// kept until the guard goes, because nobody counts readers. Reloads are rare and rules small.
struct rules {
    struct rules *before; // owned
    struct range *ranges; // owned: guard.def
    size_t range_count;
    struct address *own; // owned: addresses of this machine
    size_t own_count;
    struct allow *allow; // owned
    size_t allow_count;
};

struct guard {
    struct rules *now; // owned; atomic
};

// ---- addresses -------------------------------------------------------------

static size_t address_len(const struct address *a)
{
    return a->family == AF_INET ? 4 : 16;
}

static struct address address_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct address){.family = AF_INET, .bytes = {a, b, c, d}};
}

static bool has_prefix(const uint8_t *bytes, const char *prefix, size_t len)
{
    return memcmp(bytes, prefix, len) == 0;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

// v4-mapped is IPv4 in another spelling.
static void address_unmap(struct address *a)
{
    if (a->family != AF_INET6 || !has_prefix(a->bytes, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12))
        return;
    memcpy(a->bytes, a->bytes + 12, 4);
    memset(a->bytes + 4, 0, 12);
    a->family = AF_INET;
}

static bool address_parse(const char *text, struct address *out)
{
    struct address a = {0};
    if (inet_pton(AF_INET, text, a.bytes) == 1)
        a.family = AF_INET;
    else if (inet_pton(AF_INET6, text, a.bytes) == 1)
        a.family = AF_INET6;
    else
        return false;
    address_unmap(&a);
    *out = a;
    return true;
}

// False: neither IPv4 nor IPv6.
static bool address_of(const struct sockaddr *from, struct address *out, uint16_t *port)
{
    struct address a = {.family = from->sa_family};
    if (from->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, from, sizeof in);
        memcpy(a.bytes, &in.sin_addr, 4);
        *port = ntohs(in.sin_port);
    } else if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, from, sizeof in6);
        memcpy(a.bytes, &in6.sin6_addr, 16);
        *port = ntohs(in6.sin6_port);
    } else {
        return false;
    }
    address_unmap(&a);
    *out = a;
    return true;
}

static bool range_has(const struct range *range, const struct address *a)
{
    if (range->network.family != a->family)
        return false;
    size_t whole = range->prefix / 8;
    unsigned rest = range->prefix % 8;
    if (memcmp(range->network.bytes, a->bytes, whole) != 0)
        return false;
    if (rest == 0)
        return true;
    unsigned mask = 0xffU & (0xffU << (8 - rest));
    return ((range->network.bytes[whole] ^ a->bytes[whole]) & mask) == 0;
}

// ---- embedded addresses ----------------------------------------------------

#define MAX_EMBEDDED 4

static void embed_v4(struct address *out, size_t *count, const uint8_t *b, const uint8_t at[4])
{
    out[(*count)++] = address_v4(b[at[0]], b[at[1]], b[at[2]], b[at[3]]);
}

// RFC 6052 puts the address in one of four places, by a prefix length that only the network's
// operator knows: every place that could be it counts.
static void embed_nat64_local(struct address *out, size_t *count, const uint8_t *b)
{
    static const struct {
        uint8_t at[4]; // where the bytes are
        uint8_t end;   // what follows is zero
    } places[] = {{{6, 7, 9, 10}, 11}, {{7, 9, 10, 11}, 12}, {{9, 10, 11, 12}, 13}};
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        if (b[8] == 0 && is_zero(b + places[i].end, 16U - places[i].end))
            embed_v4(out, count, b, places[i].at);
    }
}

// The IPv4 addresses that an IPv6 address stands for; their number.
static size_t embedded(const struct address *a, struct address out[MAX_EMBEDDED])
{
    static const uint8_t last[4] = {12, 13, 14, 15};
    const uint8_t *b = a->bytes;
    size_t count = 0;
    if (a->family != AF_INET6)
        return 0;
    bool is_compatible = is_zero(b, 12) && !is_zero(b + 12, 3);
    bool is_translated = has_prefix(b, "\0\0\0\0\0\0\0\0\xff\xff\0\0", 12);
    bool is_nat64 = has_prefix(b, "\0\x64\xff\x9b\0\0\0\0\0\0\0\0", 12);
    bool is_nat64_local = has_prefix(b, "\0\x64\xff\x9b\0\x01", 6);
    if (is_nat64_local)
        embed_nat64_local(out, &count, b);
    if (is_compatible || is_translated || is_nat64 || is_nat64_local)
        embed_v4(out, &count, b, last);
    if (has_prefix(b, "\x20\x02", 2)) // 6to4
        embed_v4(out, &count, b, (const uint8_t[4]){2, 3, 4, 5});
    if (has_prefix(b, "\x20\x01\0\0", 4)) { // Teredo: the server, and the client, inverted
        embed_v4(out, &count, b, (const uint8_t[4]){4, 5, 6, 7});
        embed_v4(out, &count, b, last);
        for (size_t i = 0; i < 4; i++)
            out[count - 1].bytes[i] ^= 0xff;
    }
    return count;
}

// NULL: nothing against this very address.
static const char *judge_plain(const struct rules *rules, const struct address *a)
{
    for (size_t i = 0; i < rules->range_count; i++) {
        if (range_has(&rules->ranges[i], a))
            return rules->ranges[i].reason;
    }
    for (size_t i = 0; i < rules->own_count; i++) {
        if (rules->own[i].family == a->family &&
            memcmp(rules->own[i].bytes, a->bytes, address_len(a)) == 0)
            return "this machine's own address";
    }
    return NULL;
}

static const char *judge(const struct rules *rules, const struct address *a)
{
    struct address inside[MAX_EMBEDDED];
    size_t count = embedded(a, inside);
    for (size_t i = 0; i < count; i++) {
        const char *why = judge_plain(rules, &inside[i]);
        if (why != NULL)
            return why;
    }
    if (count > 0)
        return NULL;
    const char *why = judge_plain(rules, a);
    if (why == NULL && a->family == AF_INET6 && (a->bytes[0] & 0xe0U) != 0x20)
        return "reserved";
    return why;
}

// ---- the operator's list ---------------------------------------------------

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static struct span without_dot(struct span host)
{
    if (host.len > 1 && host.at[host.len - 1] == '.')
        host.len--;
    return host;
}

static bool is_name(struct span s)
{
    bool has_letter = false; // in the last label; else it is half an address
    if (s.len == 0 || s.len > GUARD_MAX_HOST)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = lower(s.at[i]);
        bool is_letter = (c >= 'a' && c <= 'z') || c == '_';
        if (!is_letter && !(c >= '0' && c <= '9') && c != '-' && c != '.')
            return false;
        has_letter = c != '.' && (has_letter || is_letter);
        if (c == '.' && (i == 0 || s.at[i - 1] == '.'))
            return false;
    }
    return has_letter;
}

static bool parse_port(struct span s, uint16_t *out)
{
    uint64_t port = 0;
    if (!span_to_uint64(s, &port) || port == 0 || port > UINT16_MAX)
        return false;
    *out = (uint16_t)port;
    return true;
}

// Takes ":port" and brackets off; false when there is something else.
static bool split_port(struct span *entry, uint16_t *port)
{
    const char *close =
        entry->len > 0 && entry->at[0] == '[' ? memchr(entry->at, ']', entry->len) : NULL;
    if (close != NULL) {
        struct span rest = {close + 1, (size_t)(entry->at + entry->len - close - 1)};
        *entry = (struct span){entry->at + 1, (size_t)(close - entry->at - 1)};
        if (rest.len == 0)
            return true;
        return rest.at[0] == ':' && parse_port((struct span){rest.at + 1, rest.len - 1}, port);
    }
    const char *first = memchr(entry->at, ':', entry->len);
    if (first == NULL)
        return true;
    struct span rest = {first + 1, (size_t)(entry->at + entry->len - first - 1)};
    if (memchr(rest.at, ':', rest.len) != NULL)
        return true; // an IPv6 address
    entry->len = (size_t)(first - entry->at);
    return parse_port(rest, port);
}

static bool has_host_bits(const struct range *range)
{
    struct address a = range->network;
    for (unsigned bit = range->prefix; bit < address_len(&a) * 8; bit++) {
        if (a.bytes[bit / 8] & (0x80U >> bit % 8))
            return true;
    }
    return false;
}

static bool parse_range(struct span s, struct range *out)
{
    char text[INET6_ADDRSTRLEN];
    struct span part = s;
    const char *slash = memchr(s.at, '/', s.len);
    if (slash != NULL)
        part.len = (size_t)(slash - s.at);
    if (part.len >= sizeof text)
        return false;
    memcpy(text, part.at, part.len);
    text[part.len] = '\0';
    struct range range = {0};
    if (!address_parse(text, &range.network))
        return false;
    size_t bits = address_len(&range.network) * 8;
    uint64_t prefix = bits;
    if (slash != NULL) {
        struct span rest = {slash + 1, s.len - part.len - 1};
        if (!span_to_uint64(rest, &prefix) || prefix > bits)
            return false;
    }
    range.prefix = (unsigned)prefix;
    *out = range;
    return true;
}

static char *copy_lower(struct span s)
{
    char *copy = xmemdup0(s.at, s.len);
    for (size_t i = 0; i < s.len; i++)
        copy[i] = lower(copy[i]);
    return copy;
}

static enum err parse_allow(struct span entry, struct allow *out, struct errmsg *message)
{
    struct allow allow = {0};
    struct span rest = span_trim(entry);
    if (rest.len > 0 && split_port(&rest, &allow.port)) {
        if (parse_range(rest, &allow.range)) {
            if (has_host_bits(&allow.range)) {
                errmsg_set(message,
                           "allow_targets: \"%.*s\" has bits behind its prefix of %u; "
                           "write the network's first address",
                           SPAN_ARGS(entry), allow.range.prefix);
                return ERR_SYNTAX;
            }
            *out = allow;
            return OK;
        }
        rest = without_dot(rest);
        if (is_name(rest)) {
            allow.name = copy_lower(rest);
            *out = allow;
            return OK;
        }
    }
    errmsg_set(message,
               "allow_targets: \"%.*s\" is neither an address, a network such as 10.0.0.0/8, nor a "
               "host name (each may end in :port)",
               SPAN_ARGS(entry));
    return ERR_SYNTAX;
}

// ---- the guard ---------------------------------------------------------------

static void load_ranges(struct rules *rules)
{
    static const struct {
        int family;
        const char *network;
        unsigned prefix;
        const char *reason;
    } table[] = {
#define X(family, network, prefix, reason) {family, network, prefix, reason},
#include "send/guard.def"
#undef X
    };
    rules->ranges = xcalloc(COUNT_OF(table), sizeof *rules->ranges);
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct range *range = &rules->ranges[rules->range_count++];
        CHECK(address_parse(table[i].network, &range->network));
        CHECK(range->network.family == table[i].family);
        range->prefix = table[i].prefix;
        range->reason = table[i].reason;
    }
}

static void load_own(struct rules *rules)
{
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) != 0)
        return;
    rules->own = xcalloc(MAX_OWN, sizeof *rules->own);
    for (struct ifaddrs *i = all; i != NULL && rules->own_count < MAX_OWN; i = i->ifa_next) {
        uint16_t port = 0;
        if (i->ifa_addr != NULL && address_of(i->ifa_addr, &rules->own[rules->own_count], &port))
            rules->own_count++;
    }
    freeifaddrs(all);
}

static void rules_free(struct rules *rules)
{
    for (size_t i = 0; i < rules->allow_count; i++)
        xfree(rules->allow[i].name);
    xfree(rules->allow);
    xfree(rules->own);
    xfree(rules->ranges);
    xfree(rules);
}

static enum err rules_new(struct rules **out, const struct span *allow, size_t count,
                          struct errmsg *message)
{
    struct rules *rules = xcalloc(1, sizeof *rules);
    load_ranges(rules);
    load_own(rules);
    rules->allow = xcalloc(count > 0 ? count : 1, sizeof *rules->allow);
    for (size_t i = 0; i < count; i++) {
        enum err err = parse_allow(allow[i], &rules->allow[i], message);
        if (err != OK) {
            rules_free(rules);
            return err;
        }
        rules->allow_count++;
    }
    *out = rules;
    return OK;
}

enum err guard_new(struct guard **out, const struct span *allow, size_t count,
                   struct errmsg *message)
{
    struct rules *rules = NULL;
    enum err err = rules_new(&rules, allow, count, message);
    if (err != OK)
        return err;
    struct guard *guard = xcalloc(1, sizeof *guard);
    guard->now = rules;
    *out = guard;
    return OK;
}

enum err guard_reload(struct guard *guard, const struct span *allow, size_t count,
                      struct errmsg *message)
{
    struct rules *rules = NULL;
    enum err err = rules_new(&rules, allow, count, message);
    if (err != OK)
        return err;
    rules->before = guard->now;
    __atomic_store_n(&guard->now, rules, __ATOMIC_RELEASE);
    return OK;
}

static const struct rules *rules_of(const struct guard *guard)
{
    return __atomic_load_n(&guard->now, __ATOMIC_ACQUIRE);
}

void guard_free(struct guard *guard)
{
    if (guard == NULL)
        return;
    while (guard->now != NULL) {
        struct rules *before = guard->now->before;
        rules_free(guard->now);
        guard->now = before;
    }
    xfree(guard);
}

static bool port_is_usual(uint16_t port)
{
    return port == 80 || port == 443 || port >= PORT_FIRST_FREE;
}

static bool entry_matches(const struct allow *entry, const struct address *a, struct span host)
{
    if (entry->name != NULL)
        return span_eq_nocase(span_of(entry->name), without_dot(host));
    return a != NULL && range_has(&entry->range, a);
}

// NULL: allowed. `a` is NULL when only the name and the port are known.
static const char *refusal(const struct rules *rules, const struct address *a, uint16_t port,
                           struct span host)
{
    bool is_listed = false;
    bool is_port_listed = false;
    for (size_t i = 0; i < rules->allow_count; i++) {
        const struct allow *entry = &rules->allow[i];
        if (!entry_matches(entry, a, host))
            continue;
        if (entry->port == port)
            is_port_listed = true;
        if (entry->port == 0 || entry->port == port)
            is_listed = true;
    }
    const char *why = is_listed || a == NULL ? NULL : judge(rules, a);
    if (why == NULL && !is_port_listed && !port_is_usual(port))
        why = "port";
    return why;
}

bool guard_was_reloaded(const struct guard *guard)
{
    return rules_of(guard)->before != NULL;
}

bool guard_allows_text(const struct guard *guard, const char *address, uint16_t port,
                       struct span host, const char **why)
{
    struct address a;
    const char *reason = "no internet address";
    if (address_parse(address, &a))
        reason = refusal(rules_of(guard), &a, port, host);
    if (reason != NULL && why != NULL)
        *why = reason;
    return reason == NULL;
}

bool guard_allows(const struct guard *guard, const struct sockaddr *address, struct span host,
                  const char **why)
{
    struct address a;
    uint16_t port = 0;
    const char *reason = "no internet address";
    if (address_of(address, &a, &port))
        reason = refusal(rules_of(guard), &a, port, host);
    if (reason != NULL && why != NULL)
        *why = reason;
    return reason == NULL;
}

// ---- URLs ------------------------------------------------------------------

// One part of a URL, owned by libcurl; NULL when there is none.
static char *url_part(CURLU *url, CURLUPart part, unsigned flags)
{
    char *text = NULL;
    return curl_url_get(url, part, &text, flags) == CURLUE_OK ? text : NULL;
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = url_part(url, part, 0);
    curl_free(text);
    return text != NULL;
}

// NULL, or what is wrong with the host. International names are not converted here: libcurl would
// do it by the locale of the process, and some of them become addresses ("127" in circled digits).
static const char *copy_host(CURLU *url, struct guard_target *out)
{
    char *host = url_part(url, CURLUPART_HOST, 0);
    const char *fault = NULL;
    struct span s = span_of(host);
    if (s.len > 1 && s.at[0] == '[')
        s = (struct span){s.at + 1, s.len - 2};
    out->has_final_dot = s.len > 1 && s.at[s.len - 1] == '.';
    s = without_dot(s);
    if (s.len == 0 || s.len > GUARD_MAX_HOST)
        fault = "has a host name that is empty or longer than 253 bytes";
    for (size_t i = 0; fault == NULL && i < s.len; i++) {
        out->host[i] = lower(s.at[i]);
        out->host[i + 1] = '\0';
        if ((uint8_t)s.at[i] >= 0x80)
            fault = "has an international host name; write its ASCII form (xn--...)";
    }
    curl_free(host);
    return fault;
}

static const char *url_fault(CURLU *url)
{
    if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD))
        return "holds user information (user:password@), which is not supported";
    if (has_part(url, CURLUPART_FRAGMENT))
        return "holds a fragment (#...), which is never sent";
    if (has_part(url, CURLUPART_ZONEID))
        return "holds a zone id (%...), which is not supported";
    return NULL;
}

static bool fill_target(CURLU *url, struct guard_target *out, struct errmsg *message)
{
    struct guard_target target = {.port = 0};
    struct address ignored;
    char *scheme = url_part(url, CURLUPART_SCHEME, 0);
    char *port = url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    const char *fault = url_fault(url);
    target.is_tls = span_is(span_of(scheme), "https");
    if (!target.is_tls && !span_is(span_of(scheme), "http"))
        fault = "must begin with http:// or https://";
    if (fault == NULL)
        fault = copy_host(url, &target);
    if (fault == NULL && (port == NULL || !parse_port(span_of(port), &target.port)))
        fault = "has a malformed port";
    curl_free(scheme);
    curl_free(port);
    if (fault != NULL) {
        errmsg_set(message, "the URL %s", fault);
        return false;
    }
    target.is_literal = address_parse(target.host, &ignored);
    *out = target;
    return true;
}

// libcurl also takes one slash, or three; then the same text would lead elsewhere by other readers.
static bool has_plain_start(const char *text)
{
    const char *colon = strchr(text, ':');
    return colon != NULL && strncmp(colon, "://", 3) == 0 && strchr("/?#\\@", colon[3]) == NULL;
}

bool guard_parse_url(struct span url, struct guard_target *out, struct errmsg *message)
{
    char text[GUARD_MAX_URL + 1];
    if (url.len == 0 || url.len > GUARD_MAX_URL || memchr(url.at, '\0', url.len) != NULL) {
        errmsg_set(message, "the URL must be 1 to %d bytes long", GUARD_MAX_URL);
        return false;
    }
    memcpy(text, url.at, url.len);
    text[url.len] = '\0';
    CURLU *parsed = curl_url();
    CHECK(parsed != NULL);
    CURLUcode code = curl_url_set(parsed, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME);
    bool is_fine = false;
    if (code != CURLUE_OK)
        errmsg_set(message, "the URL is malformed: %s", curl_url_strerror(code));
    else if (!has_plain_start(text))
        errmsg_set(message, "the URL needs a host name right behind http:// or https://");
    else
        is_fine = fill_target(parsed, out, message);
    curl_url_cleanup(parsed);
    return is_fine;
}

static bool is_localhost(struct span host)
{
    static const struct span tail = {".localhost", sizeof ".localhost" - 1};
    if (span_is(host, "localhost"))
        return true;
    return host.len > tail.len &&
           span_eq((struct span){host.at + host.len - tail.len, tail.len}, tail);
}

bool guard_allows_url(const struct guard *guard, struct span url, struct errmsg *message)
{
    struct guard_target target;
    if (!guard_parse_url(url, &target, message))
        return false;
    struct address a = address_v4(127, 0, 0, 1);
    struct span host = span_of(target.host);
    bool is_known = is_localhost(host) || address_parse(target.host, &a);
    const char *why = refusal(rules_of(guard), is_known ? &a : NULL, target.port, host);
    if (why == NULL)
        return true;
    if (strcmp(why, "port") == 0) {
        bool is_v6 = strchr(target.host, ':') != NULL;
        char line[GUARD_MAX_HOST + 10];
        snprintf(line, sizeof line, is_v6 ? "[%s]:%u" : "%s:%u", target.host, target.port);
        errmsg_set(message, "port %u is refused (80, 443 and 1024-65535 are not); " LINE,
                   target.port, line);
    } else {
        errmsg_set(message, "the address %s is refused: %s; " LINE, target.host, why, target.host);
    }
    return false;
}
