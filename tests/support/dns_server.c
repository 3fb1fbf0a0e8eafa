// SPDX-License-Identifier: MIT
// The name server: UDP on 127.0.0.1:53, one thread.
#include "support/dns_server.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_ASKED 4096
#define MAX_NAME  256
#define TYPE_A    1

static struct {
    int fd;
    pthread_t thread;
    pthread_mutex_t lock; // guards what follows
    char asked[MAX_ASKED][MAX_NAME];
    unsigned count;
    bool is_stopping;
} dns = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    return file != NULL && fputs(text, file) >= 0 && fclose(file) == 0;
}

static bool unshare_all(void)
{
    char map[64];
    unsigned uid = getuid();
    unsigned gid = getgid();
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) == 0)
        return true;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) != 0)
        return false;
    write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", uid);
    if (!write_file("/proc/self/uid_map", map))
        return false;
    snprintf(map, sizeof map, "0 %u 1", gid);
    return write_file("/proc/self/gid_map", map);
}

bool dns_server_enter(void)
{
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    char path[] = "/tmp/test_resolvXXXXXX";
    if (!unshare_all())
        return false;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    bool is_up = ioctl(fd, SIOCSIFFLAGS, &loopback) == 0;
    close(fd);
    fd = mkstemp(path);
    bool is_mounted = fd >= 0 &&
                      write_file(path, "nameserver 127.0.0.1\noptions timeout:3 attempts:1\n") &&
                      mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                      mount(path, "/etc/resolv.conf", NULL, MS_BIND, NULL) == 0;
    if (fd >= 0) {
        close(fd);
        unlink(path);
    }
    return is_up && is_mounted;
}

static unsigned count_asked(const char *prefix, bool is_distinct)
{
    unsigned count = 0;
    pthread_mutex_lock(&dns.lock);
    for (unsigned i = 0; i < dns.count; i++) {
        bool is_new = strncmp(dns.asked[i], prefix, strlen(prefix)) == 0;
        for (unsigned j = 0; is_distinct && is_new && j < i; j++)
            is_new = strcmp(dns.asked[i], dns.asked[j]) != 0;
        count += is_new;
    }
    pthread_mutex_unlock(&dns.lock);
    return count;
}

unsigned dns_server_asked(const char *prefix)
{
    return count_asked(prefix, false);
}

unsigned dns_server_names(const char *prefix)
{
    return count_asked(prefix, true);
}

// "www.x.test" from the question; the length of question name, type and class.
static size_t parse_question(const uint8_t *packet, size_t len, char name[MAX_NAME])
{
    size_t at = 12;
    size_t out = 0;
    while (at < len && packet[at] != 0 && out + packet[at] + 2 < MAX_NAME) {
        memcpy(name + out, packet + at + 1, packet[at]);
        out += packet[at];
        name[out++] = '.';
        at += packet[at] + 1U;
    }
    name[out > 0 ? out - 1 : 0] = '\0';
    return at + 5 - 12;
}

static unsigned addresses_of(char *name, uint32_t out[4])
{
    unsigned count = 0;
    if (strncmp(name, "a-", 2) == 0) {
        char *at = strchr(name, '-');
        while (count < 4 && at != NULL) {
            uint32_t address = 0;
            for (int i = 0; i < 4; i++)
                address = address << 8 | (uint32_t)strtoul(at + 1, &at, 10);
            out[count++] = htonl(address);
            at = at[0] == '-' ? at + 1 : NULL;
        }
        return count;
    }
    unsigned before = count_asked(name, false); // this one included
    out[0] = htonl(INADDR_LOOPBACK);
    if (strncmp(name, "turn", 4) == 0 && before % 2 == 0)
        out[0] = htonl(0x0a000001);
    if (strncmp(name, "late", 4) == 0 && before == 1)
        out[0] = htonl(0x7f00004d);
    return 1;
}

static size_t build_answer(uint8_t *packet, size_t question, char *name, bool is_a)
{
    uint32_t addresses[4];
    unsigned count = is_a ? addresses_of(name, addresses) : 0;
    bool is_unknown = strncmp(name, "nx", 2) == 0;
    if (is_unknown)
        count = 0;
    packet[2] = 0x81; // an answer, recursion desired
    packet[3] = is_unknown ? 0x83 : 0x80;
    memset(packet + 6, 0, 6);
    packet[7] = (uint8_t)count;
    size_t at = 12 + question;
    for (unsigned i = 0; i < count; i++) {
        static const uint8_t head[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4};
        memcpy(packet + at, head, sizeof head);
        memcpy(packet + at + sizeof head, &addresses[i], 4);
        at += sizeof head + 4;
    }
    return at;
}

static void answer(uint8_t *packet, size_t len, const struct sockaddr_in *from)
{
    char name[MAX_NAME];
    size_t question = parse_question(packet, len, name);
    bool is_a = packet[12 + question - 3] == TYPE_A;
    if (is_a) {
        pthread_mutex_lock(&dns.lock);
        if (dns.count < MAX_ASKED)
            memcpy(dns.asked[dns.count++], name, MAX_NAME);
        pthread_mutex_unlock(&dns.lock);
    }
    if (strncmp(name, "hang", 4) == 0)
        return;
    if (strncmp(name, "slow", 4) == 0 && is_a)
        poll(NULL, 0, 300);
    len = build_answer(packet, question, name, is_a);
    sendto(dns.fd, packet, len, 0, (const struct sockaddr *)from, sizeof *from);
}

static void *serve(void *unused)
{
    (void)unused;
    for (;;) {
        uint8_t packet[1024];
        struct sockaddr_in from;
        socklen_t from_len = sizeof from;
        struct pollfd ready = {.fd = dns.fd, .events = POLLIN};
        pthread_mutex_lock(&dns.lock);
        bool is_stopping = dns.is_stopping;
        pthread_mutex_unlock(&dns.lock);
        if (is_stopping)
            return NULL;
        if (poll(&ready, 1, 20) <= 0)
            continue;
        ssize_t len = recvfrom(dns.fd, packet, 512, 0, (struct sockaddr *)&from, &from_len);
        if (len > 17)
            answer(packet, (size_t)len, &from);
    }
}

void dns_server_start(void)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    dns.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    dns.is_stopping = false;
    dns.count = 0;
    if (bind(dns.fd, (struct sockaddr *)&at, sizeof at) != 0 ||
        pthread_create(&dns.thread, NULL, serve, NULL) != 0)
        abort();
}

void dns_server_stop(void)
{
    pthread_mutex_lock(&dns.lock);
    dns.is_stopping = true;
    pthread_mutex_unlock(&dns.lock);
    pthread_join(dns.thread, NULL);
    close(dns.fd);
}
