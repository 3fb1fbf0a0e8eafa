// SPDX-License-Identifier: MIT
// Tests of send/guard: the edges of all ranges, in all embeddings, odd spellings, the allow list.
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include "send/guard.h"

struct row {
    const char *address;
    const char *why; // NULL: allowed
};

// First and last address of each range, and the neighbours outside.
static const struct row v4_rows[] = {
    {"0.0.0.0", "this network"},
    {"0.0.0.1", "this network"},
    {"0.255.255.255", "this network"},
    {"1.0.0.0", NULL},
    {"1.1.1.1", NULL},
    {"8.8.8.8", NULL},
    {"9.255.255.255", NULL},
    {"10.0.0.0", "private"},
    {"10.1.2.3", "private"},
    {"10.255.255.255", "private"},
    {"11.0.0.0", NULL},
    {"87.0.0.1", NULL},
    {"100.63.255.255", NULL},
    {"100.64.0.0", "carrier-grade NAT"},
    {"100.100.100.199", "carrier-grade NAT"},
    {"100.100.100.200", "metadata service"},
    {"100.127.255.255", "carrier-grade NAT"},
    {"100.128.0.0", NULL},
    {"126.255.255.255", NULL},
    {"127.0.0.0", "loopback"},
    {"127.0.0.1", "loopback"},
    {"127.1.1.1", "loopback"},
    {"127.255.255.255", "loopback"},
    {"128.0.0.0", NULL},
    {"168.63.129.15", NULL},
    {"168.63.129.16", "metadata service"},
    {"168.63.129.17", NULL},
    {"169.253.255.255", NULL},
    {"169.254.0.0", "link-local"},
    {"169.254.169.253", "link-local"},
    {"169.254.169.254", "metadata service"},
    {"169.254.170.2", "metadata service"},
    {"169.254.255.255", "link-local"},
    {"169.255.0.0", NULL},
    {"172.15.255.255", NULL},
    {"172.16.0.0", "private"},
    {"172.17.0.1", "private"},
    {"172.31.255.255", "private"},
    {"172.32.0.0", NULL},
    {"191.255.255.255", NULL},
    {"192.0.0.0", "reserved"},
    {"192.0.0.192", "metadata service"},
    {"192.0.0.255", "reserved"},
    {"192.0.1.0", NULL},
    {"192.0.1.255", NULL},
    {"192.0.2.0", "documentation"},
    {"192.0.2.255", "documentation"},
    {"192.0.3.0", NULL},
    {"192.88.98.255", NULL},
    {"192.88.99.0", "reserved"},
    {"192.88.99.255", "reserved"},
    {"192.88.100.0", NULL},
    {"192.167.255.255", NULL},
    {"192.168.0.0", "private"},
    {"192.168.255.255", "private"},
    {"192.169.0.0", NULL},
    {"198.17.255.255", NULL},
    {"198.18.0.0", "benchmarking"},
    {"198.19.255.255", "benchmarking"},
    {"198.20.0.0", NULL},
    {"198.51.99.255", NULL},
    {"198.51.100.0", "documentation"},
    {"198.51.100.255", "documentation"},
    {"198.51.101.0", NULL},
    {"203.0.112.255", NULL},
    {"203.0.113.0", "documentation"},
    {"203.0.113.255", "documentation"},
    {"203.0.114.0", NULL},
    {"223.255.255.255", NULL},
    {"224.0.0.0", "multicast"},
    {"239.255.255.255", "multicast"},
    {"240.0.0.0", "reserved"},
    {"255.255.255.254", "reserved"},
    {"255.255.255.255", "broadcast"},
};

static const struct row v6_rows[] = {
    {"::", "this network"},
    {"::1", "loopback"},
    {"::2", "reserved"},
    {"::ff", "reserved"},
    {"::ffff", "this network"},
    {"0:0:0:0:0:0:0:1", "loopback"},
    {"::1:0:0:0", "reserved"},
    {"100::", "discard only"},
    {"100::ffff:ffff:ffff:ffff", "discard only"},
    {"100:0:0:1::", "reserved"},
    {"64:ff9b:2::1", "reserved"},
    {"64:ff9a::808:808", "reserved"},
    {"64:ff9b:0:1::808:808", "reserved"},
    {"1fff:ffff::1", "reserved"},
    {"2000::", NULL},
    {"2000::1", NULL},
    {"2001:1::1", "reserved"},
    {"2001:2::", "benchmarking"},
    {"2001:2:0:ffff::", "benchmarking"},
    {"2001:3::1", "reserved"},
    {"2001:10::1", "reserved"},
    {"2001:1ff:ffff::", "reserved"},
    {"2001:200::", NULL},
    {"2001:db7:ffff::1", NULL},
    {"2001:db8::", "documentation"},
    {"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "documentation"},
    {"2001:db9::", NULL},
    {"2001:4860:4860::8888", NULL},
    {"2003::1", NULL},
    {"2600:1f18::1", NULL},
    {"2a00:1450:4001::1", NULL},
    {"3ffe:ffff::1", NULL},
    {"3fff::", "documentation"},
    {"3fff:fff:ffff::", "documentation"},
    {"3fff:1000::", NULL},
    {"3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
    {"4000::", "reserved"},
    {"5f00::", "reserved"},
    {"8000::1", "reserved"},
    {"fbff::1", "reserved"},
    {"fc00::", "unique local"},
    {"fd00::1", "unique local"},
    {"fd00:ec2::253", "unique local"},
    {"fd00:ec2::254", "metadata service"},
    {"fd20:ce::254", "metadata service"},
    {"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "unique local"},
    {"fe00::", "reserved"},
    {"fe80::", "link-local"},
    {"fe80::1", "link-local"},
    {"febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "link-local"},
    {"fec0::", "site-local"},
    {"feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "site-local"},
    {"ff00::", "multicast"},
    {"ff02::1", "multicast"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast"},
    // Embeddings with a life of their own.
    {"64:ff9b:1:7f00:0:100::", "loopback"}, // RFC 6052 /48: 127.0.0.1
    {"64:ff9b:1:7f:0:1::", "loopback"},     // /56: 127.0.0.1 as 7f 00 00 01
    {"64:ff9b:1:0:7f:0:100:0", "loopback"}, // /64: 127.0.0.1
    {"64:ff9b:1:fffe::7f00:1", "loopback"}, // /96
    {"64:ff9b:1:fffe::808:808", NULL},
    {"2001:0:7f00:1::8888:7777", "loopback"},     // Teredo by a local server
    {"2001:0:808:808:0:0:80ff:fffe", "loopback"}, // Teredo client 127.0.0.1
    {"2001:0:808:808:0:0:f7f7:f7f7", NULL},       // 8.8.8.8 by 8.8.8.8
};

static struct guard *make_guard(const char *const *allow, size_t count)
{
    struct guard *guard = NULL;
    struct errmsg message;
    struct span entries[64];
    assert_true(count <= 64);
    for (size_t i = 0; i < count; i++)
        entries[i] = span_of(allow[i]);
    if (guard_new(&guard, entries, count, &message) != OK)
        fail_msg("%s", message.text);
    return guard;
}

// Judges `address` at a port; the host name is another.
static bool judge(const struct guard *guard, const char *address, uint16_t port, const char *host,
                  const char **why)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (inet_pton(AF_INET, address, &in.sin_addr) == 1)
        memcpy(&storage, &in, sizeof in);
    else if (inet_pton(AF_INET6, address, &in6.sin6_addr) == 1)
        memcpy(&storage, &in6, sizeof in6);
    else
        fail_msg("%s is no address", address);
    *why = NULL;
    return guard_allows(guard, (struct sockaddr *)&storage, span_of(host), why);
}

static void check(const struct guard *guard, const char *address, const char *expected)
{
    const char *why = NULL;
    bool is_allowed = judge(guard, address, 443, "example.com", &why);
    if (is_allowed != (expected == NULL))
        fail_msg("%s: %s, expected %s", address, is_allowed ? "allowed" : why,
                 expected ? expected : "allowed");
    if (expected != NULL)
        assert_string_equal(why, expected);
}

static void test_ranges(void **state)
{
    (void)state;
    struct guard *guard = make_guard(NULL, 0);
    for (size_t i = 0; i < COUNT_OF(v4_rows); i++)
        check(guard, v4_rows[i].address, v4_rows[i].why);
    for (size_t i = 0; i < COUNT_OF(v6_rows); i++)
        check(guard, v6_rows[i].address, v6_rows[i].why);
    guard_free(guard);
}

static void test_embeddings(void **state)
{
    (void)state;
    struct guard *guard = make_guard(NULL, 0);
    for (size_t i = 0; i < COUNT_OF(v4_rows); i++) {
        uint8_t b[4];
        unsigned n[4];
        char text[64];
        assert_int_equal(inet_pton(AF_INET, v4_rows[i].address, b), 1);
        for (int j = 0; j < 4; j++)
            n[j] = b[j];
        static const struct {
            const char *before, *behind;
        } forms[] = {
            {"::ffff:", ""},
            {"::ffff:0:", ""},
            {"64:ff9b::", ""},
            {"64:ff9b:1::", ""},
            {"2002:", "::1"},
            {"2002:", ":1:2:3:4:5"},
            {"2001:0:", "::f7f7:f7f7"},
        };
        for (size_t form = 0; form < COUNT_OF(forms); form++) {
            snprintf(text, sizeof text, "%s%02x%02x:%02x%02x%s", forms[form].before, n[0], n[1],
                     n[2], n[3], forms[form].behind);
            // The local NAT64 prefix has other places too, where zeros stand here.
            const char *why = NULL;
            if (form != 3)
                check(guard, text, v4_rows[i].why);
            else if (v4_rows[i].why != NULL)
                assert_false(judge(guard, text, 443, "example.com", &why));
        }
        snprintf(text, sizeof text, "2001:0:0808:0808::%02x%02x:%02x%02x", n[0] ^ 255, n[1] ^ 255,
                 n[2] ^ 255, n[3] ^ 255);
        check(guard, text, v4_rows[i].why);
        snprintf(text, sizeof text, "::%02x%02x:%02x%02x", n[0], n[1], n[2], n[3]);
        if (n[0] + n[1] + n[2] > 0)
            check(guard, text, v4_rows[i].why);
    }
    guard_free(guard);
}

static void test_own_addresses(void **state)
{
    (void)state;
    struct guard *guard = make_guard(NULL, 0);
    struct ifaddrs *all = NULL;
    assert_int_equal(getifaddrs(&all), 0);
    for (struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
        if (i->ifa_addr == NULL ||
            (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
            continue;
        assert_false(guard_allows(guard, i->ifa_addr, SPAN("example.com"), NULL));
    }
    freeifaddrs(all);
    guard_free(guard);
}

static void test_other_families(void **state)
{
    (void)state;
    struct guard *guard = make_guard((const char *const[]){"0.0.0.0/0", "::/0"}, 2);
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/docker.sock"};
    const char *why = NULL;
    assert_false(guard_allows(guard, (struct sockaddr *)&un, SPAN("localhost"), &why));
    assert_string_equal(why, "no internet address");
    guard_free(guard);
}

static void test_ports(void **state)
{
    (void)state;
    static const struct {
        uint16_t port;
        bool is_allowed;
    } rows[] = {{0, false},   {1, false},   {22, false},  {25, false},  {79, false},  {80, true},
                {81, false},  {442, false}, {443, true},  {444, false}, {587, false}, {1023, false},
                {1024, true}, {6379, true}, {8080, true}, {8443, true}, {65535, true}};
    struct guard *guard = make_guard(NULL, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *why = NULL;
        bool is_allowed = judge(guard, "8.8.8.8", rows[i].port, "example.com", &why);
        assert_int_equal(is_allowed, rows[i].is_allowed);
        if (!is_allowed)
            assert_string_equal(why, "port");
    }
    guard_free(guard);
}

static void test_allow_list(void **state)
{
    (void)state;
    static const char *const allow[] = {
        "10.0.0.0/8",        "192.168.7.7",         "fd00::/8",      "[fe80::1]:8080",
        "Receiver.Internal", "mail.example.com:25", "172.16.0.9:22", " 169.254.169.254/32 ",
        "[fc00::5]",         "127.0.0.0/8:9000",    "old.internal.",
    };
    static const struct {
        const char *address, *host;
        uint16_t port;
        bool is_allowed;
    } rows[] = {
        {"10.0.0.0", "x", 80, true},
        {"10.255.255.255", "x", 8080, true},
        {"10.1.1.1", "x", 22, false},
        {"11.0.0.0", "x", 80, true}, // public
        {"::ffff:10.1.2.3", "x", 443, true},
        {"64:ff9b::a01:203", "x", 443, false}, // an embedding is no 10.1.2.3
        {"192.168.7.7", "x", 80, true},
        {"192.168.7.8", "x", 80, false},
        {"fd12::3", "x", 80, true},
        {"fe80::1", "x", 8080, true},
        {"fe80::1", "x", 8081, false},
        {"fe80::2", "x", 8080, false},
        {"192.168.1.1", "receiver.internal", 80, true},
        {"192.168.1.1", "RECEIVER.internal", 80, true},
        {"192.168.1.1", "receiver.internal.", 80, true},
        {"192.168.1.1", "receiver.internal", 22, false},
        {"192.168.1.1", "sub.receiver.internal", 80, false},
        {"192.168.1.1", "receiver.internal.evil.example", 80, false},
        {"192.168.1.1", "xreceiver.internal", 80, false},
        {"8.8.8.8", "mail.example.com", 25, true},
        {"8.8.8.8", "mail.example.com", 26, false},
        {"8.8.8.8", "other.example.com", 25, false},
        {"192.168.1.1", "mail.example.com", 25, true},
        {"192.168.1.1", "mail.example.com", 443, false},
        {"172.16.0.9", "x", 22, true},
        {"172.16.0.9", "x", 80, false},
        {"169.254.169.254", "x", 80, true},
        {"169.254.169.253", "x", 80, false},
        {"fc00::5", "x", 80, true},
        {"127.0.0.1", "x", 9000, true},
        {"127.0.0.1", "x", 9001, false},
        {"192.168.1.1", "old.internal", 80, true},
    };
    struct guard *guard = make_guard(allow, COUNT_OF(allow));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *why = NULL;
        if (judge(guard, rows[i].address, rows[i].port, rows[i].host, &why) != rows[i].is_allowed)
            fail_msg("row %zu: %s %s %u", i, rows[i].host, rows[i].address, rows[i].port);
    }
    guard_free(guard);
}

static void test_bad_allow_list(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        " ",
        "10.0.0",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/",
        "10.0.0.1/8",
        "fd00::/129",
        "fd00::1/8",
        "[fd00::1",
        "[fd00::1]x",
        "1.2.3.4:0",
        "1.2.3.4:x",
        "1.2.3.4:65536",
        "a b",
        "http://x/",
        "*.internal",
        "x..y",
        ".x",
        "host/8",
        "[host]:80:80",
        "1.2.3.4:80:80",
        "256.0.0.1",
        "::g",
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct guard *guard = NULL;
        struct errmsg message = {""};
        struct span entry = span_of(rows[i]);
        if (guard_new(&guard, &entry, 1, &message) != ERR_SYNTAX)
            fail_msg("\"%s\" was taken", rows[i]);
        assert_null(guard);
        assert_non_null(strstr(message.text, rows[i]));
        assert_non_null(strstr(message.text, "allow_targets"));
    }
}

struct url_row {
    const char *url;
    const char *message; // part of it; NULL: allowed
};

static const struct url_row url_rows[] = {
    {"http://example.com", NULL},
    {"https://example.com/", NULL},
    {"HTTPS://EXAMPLE.COM/Path?query=1", NULL},
    {"https://example.com:8443/x", NULL},
    {"https://example.com:80/", NULL},
    {"https://xn--bcher-kva.example/", NULL},
    {"https://b\xc3\xbc"
     "cher.example/",
     "ASCII"},
    {"http://8.8.8.8/", NULL},
    {"http://[2001:4860:4860::8888]/", NULL},
    {"http://0127.0.0.1/", NULL}, // octal: 87.0.0.1
    {"http://hooks.slack.com/services/T/B/x", NULL},
    {"http://localhost.example.com/", NULL},
    {"http://mylocalhost/", NULL},
    {"http://127.0.0.1.example.com/", NULL},
    // Not a URL, or not ours.
    {"", "1 to 2048"},
    {"example.com", "malformed"},
    {"//example.com/", "malformed"},
    {"http://", "malformed"},
    {"http:///x", "host name right behind"},
    {"http:/x", "host name right behind"},
    {"http:x", "malformed"},
    {"http:////127.0.0.1/", ""},
    {" http://example.com/", ""},
    {"http://example.com\\@127.0.0.1/", ""},
    {"ftp://example.com/", "http://"},
    {"file:///etc/passwd", "http://"},
    {"gopher://example.com/", "http://"},
    {"javascript:alert(1)", ""},
    {"unix:/run/x.sock", ""},
    {"http+unix://x/", "http://"},
    {"http://user@example.com/", "user information"},
    {"http://user:pw@example.com/", "user information"},
    {"http://:pw@example.com/", "user information"},
    {"http://@example.com/", ""},
    {"http://example.com@127.0.0.1/", "user information"},
    {"http://example.com#@127.0.0.1/", "fragment"},
    {"http://example.com/#x", "fragment"},
    {"http://example.com/x?y#z", "fragment"},
    {"http://exa mple.com/", "malformed"},
    {"http://example.com/\x01", "malformed"},
    {"http://example.com\r\nX: y/", "malformed"},
    {"http://example.com:0/", ""},
    {"http://example.com:65536/", ""},
    {"http://example.com:-1/", ""},
    {"http://example.com:x/", ""},
    {"http://exa%00mple.com/", ""},
    {"http://[::1/", "malformed"},
    {"http://[fe80::1%25eth0]/", "zone"},
    {"http://[fe80::1%eth0]/", "zone"},
    // Ports.
    {"http://example.com:22/", "add \"example.com:22\" to allow_targets"},
    {"http://example.com:25/", "port 25"},
    {"http://example.com:1023/", "port 1023"},
    {"http://[2001:4860:4860::8888]:25/", "add \"[2001:4860:4860::8888]:25\""},
    // Loopback, spelled by people who do not want to be seen.
    {"http://localhost/", "localhost is refused: loopback"},
    {"http://LOCALHOST/", "loopback"},
    {"http://localhost./", "loopback"},
    {"http://foo.localhost/", "loopback"},
    {"http://foo.bar.LocalHost:8080/", "loopback"},
    {"http://127.0.0.1/", "add \"127.0.0.1\" to allow_targets"},
    {"http://127.0.0.1:8080/", "loopback"},
    {"http://127.0.0.1./", "loopback"},
    {"http://2130706433/", "the address 127.0.0.1 is refused"},
    {"http://0x7f000001/", "loopback"},
    {"http://0X7F000001/", "loopback"},
    {"http://0x7f.1/", "loopback"},
    {"http://0x7f.0.0.1/", "loopback"},
    {"http://127.1/", "loopback"},
    {"http://127.0.1/", "loopback"},
    {"http://0177.0.0.1/", "loopback"},
    {"http://017700000001/", "loopback"},
    {"http://0/", "this network"},
    {"http://0.0.0.0/", "this network"},
    {"http://0x0/", "this network"},
    {"http://%31%32%37.0.0.1/", "loopback"},
    {"http://l%6fcalhost/", "loopback"},
    {"http://\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.\xe2\x93\xaa.\xe2\x93\xaa.\xe2\x91\xa0/",
     "ASCII"}, // digits in circles
    {"http://127\xe3\x80\x82"
     "0\xe3\x80\x82"
     "0\xe3\x80\x82"
     "1/",
     "ASCII"},                                                       // ideographic dots
    {"http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/", "ASCII"}, // full width
    {"http://\xe2\x85\xbcocalhost/", "ASCII"},                       // Roman numeral fifty
    {"http://[::1]/", "add \"::1\" to allow_targets"},
    {"http://[::1]:8080/", "loopback"},
    {"http://[0:0:0:0:0:0:0:1]/", "loopback"},
    {"http://[::ffff:127.0.0.1]/", "loopback"},
    {"http://[::ffff:7f00:1]/", "loopback"},
    {"http://[::127.0.0.1]/", "loopback"},
    {"http://[::ffff:0:127.0.0.1]/", "loopback"},
    {"http://[64:ff9b::127.0.0.1]/", "loopback"},
    {"http://[64:ff9b:1::7f00:1]/", "loopback"},
    {"http://[2002:7f00:1::]/", "loopback"},
    {"http://[2001:0:7f00:1::]/", "loopback"},
    {"http://[::]/", "this network"},
    // Metadata and private networks.
    {"http://169.254.169.254/latest/meta-data/", "metadata service"},
    {"http://2852039166/", "metadata service"},
    {"http://0xa9fea9fe/", "metadata service"},
    {"http://0251.0376.0251.0376/", "metadata service"},
    {"http://169.254.43518/", "metadata service"},
    {"http://[::ffff:169.254.169.254]/", "metadata service"},
    {"http://[fd00:ec2::254]/", "metadata service"},
    {"http://100.100.100.200/", "metadata service"},
    {"http://168.63.129.16/", "metadata service"},
    {"http://192.0.0.192/", "metadata service"},
    {"http://10.0.0.1/", "private"},
    {"http://167772161/", "private"},
    {"http://012.0.0.1/", "private"},
    {"http://172.16.0.1/", "private"},
    {"http://192.168.0.1/", "private"},
    {"http://0xc0a80001/", "private"},
    {"http://192.168.1/", "private"},
    {"http://[fc00::1]/", "unique local"},
    {"http://[fe80::1]/", "link-local"},
    {"http://[fec0::1]/", "site-local"},
    {"http://[ff02::1]/", "multicast"},
    {"http://255.255.255.255/", "broadcast"},
    {"http://4294967295/", "broadcast"},
};

static void test_urls(void **state)
{
    (void)state;
    struct guard *guard = make_guard(NULL, 0);
    for (size_t i = 0; i < COUNT_OF(url_rows); i++) {
        struct errmsg message = {""};
        bool is_allowed = guard_allows_url(guard, span_of(url_rows[i].url), &message);
        if (is_allowed != (url_rows[i].message == NULL))
            fail_msg("\"%s\": %s %s", url_rows[i].url, is_allowed ? "allowed" : "refused",
                     message.text);
        if (!is_allowed && strstr(message.text, url_rows[i].message) == NULL)
            fail_msg("\"%s\": \"%s\"", url_rows[i].url, message.text);
    }
    guard_free(guard);
}

static void test_long_urls(void **state)
{
    (void)state;
    struct guard *guard = make_guard(NULL, 0);
    struct errmsg message;
    char url[GUARD_MAX_URL + 2];
    memset(url, 'a', sizeof url);
    memcpy(url, "http://h/", 9);
    assert_true(guard_allows_url(guard, (struct span){url, GUARD_MAX_URL}, &message));
    assert_false(guard_allows_url(guard, (struct span){url, GUARD_MAX_URL + 1}, &message));
    assert_false(guard_allows_url(guard, (struct span){"http://a\0b/", 11}, &message));
    // Host names: 253 bytes are fine, 254 are not, whatever libuv and libc cut off.
    memcpy(url, "http://", 7);
    for (size_t i = 0; i < 253; i++)
        url[7 + i] = i % 2 ? '.' : 'a';
    url[7 + 253] = '/';
    assert_true(guard_allows_url(guard, (struct span){url, 7 + 254}, &message));
    url[7 + 253] = 'b';
    url[7 + 254] = '/';
    assert_false(guard_allows_url(guard, (struct span){url, 7 + 255}, &message));
    assert_non_null(strstr(message.text, "253"));
    guard_free(guard);
}

static void test_allowed_urls(void **state)
{
    (void)state;
    static const char *const allow[] = {"127.0.0.1", "[::1]:8080", "localhost", "db.internal:5432",
                                        "mail.example.com:25"};
    static const struct url_row rows[] = {
        {"http://127.0.0.1/", NULL},           {"http://127.0.0.2/", "loopback"},
        {"http://0x7f.1:8080/", NULL},         {"http://127.0.0.1:25/", "port 25"},
        {"http://[::1]:8080/", NULL},          {"http://[::1]:8081/", "loopback"},
        {"http://localhost/", NULL},           {"http://foo.localhost/", NULL}, // 127.0.0.1
        {"http://mail.example.com:25/", NULL}, {"http://mail.example.com:26/", "port"},
        {"http://db.internal:5432/", NULL},
    };
    struct guard *guard = make_guard(allow, COUNT_OF(allow));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct errmsg message = {""};
        bool is_allowed = guard_allows_url(guard, span_of(rows[i].url), &message);
        if (is_allowed != (rows[i].message == NULL))
            fail_msg("\"%s\": %s", rows[i].url, message.text);
    }
    guard_free(guard);
}

static void test_parse_url(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host;
        uint16_t port;
        bool is_literal, is_tls;
    } rows[] = {
        {"http://Example.COM/x", "example.com", 80, false, false},
        {"https://example.com./", "example.com", 443, false, true},
        {"https://example.com:08443", "example.com", 8443, false, true},
        {"http://127.1:8080/", "127.0.0.1", 8080, true, false},
        {"http://[2001:DB8:0:0::1]:81/", "2001:db8::1", 81, true, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct guard_target target;
        struct errmsg message;
        assert_true(guard_parse_url(span_of(rows[i].url), &target, &message));
        assert_string_equal(target.host, rows[i].host);
        assert_int_equal(target.port, rows[i].port);
        assert_int_equal(target.is_literal, rows[i].is_literal);
        assert_int_equal(target.is_tls, rows[i].is_tls);
    }
}

static void test_reload(void **state)
{
    (void)state;
    const struct span loopback[] = {SPAN("127.0.0.0/8")};
    const struct span bad[] = {SPAN("10.0.0.0/40")};
    struct guard *guard = NULL;
    struct errmsg message;
    const char *why = NULL;
    assert_int_equal(guard_new(&guard, NULL, 0, &message), OK);
    assert_false(guard_was_reloaded(guard));
    assert_false(guard_allows_text(guard, "127.0.0.1", 8080, SPAN("127.0.0.1"), &why));
    assert_string_equal(why, "loopback");
    assert_int_equal(guard_reload(guard, loopback, 1, &message), OK);
    assert_true(guard_was_reloaded(guard));
    assert_true(guard_allows_text(guard, "127.0.0.1", 8080, SPAN("127.0.0.1"), &why));
    assert_int_equal(guard_reload(guard, bad, 1, &message), ERR_SYNTAX); // the old one stays
    assert_true(guard_allows_text(guard, "127.0.0.1", 8080, SPAN("127.0.0.1"), &why));
    assert_int_equal(guard_reload(guard, NULL, 0, &message), OK);
    assert_false(guard_allows_text(guard, "127.0.0.1", 8080, SPAN("127.0.0.1"), &why));
    guard_free(guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),         cmocka_unit_test(test_embeddings),
        cmocka_unit_test(test_own_addresses),  cmocka_unit_test(test_other_families),
        cmocka_unit_test(test_ports),          cmocka_unit_test(test_allow_list),
        cmocka_unit_test(test_bad_allow_list), cmocka_unit_test(test_urls),
        cmocka_unit_test(test_long_urls),      cmocka_unit_test(test_allowed_urls),
        cmocka_unit_test(test_parse_url),      cmocka_unit_test(test_reload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
