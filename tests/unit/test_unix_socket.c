// SPDX-License-Identifier: MIT
// Listening sockets: modes, stale and foreign files, locks, hand-over by systemd; one thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka.h needs the four above.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/unix_socket.h"
#include "support/child.h"

static char folder[64];
static char path[96];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/grapnel-socket-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/x.sock", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    // NOLINTNEXTLINE(cert-env33-c,concurrency-mt-unsafe): a test's own folder
    return system(command);
}

static struct unix_socket_options options(void)
{
    return (struct unix_socket_options){path, 0660, "", "ingest"};
}

static void expect_error(const struct unix_socket_options *o, enum err wanted, const char *text)
{
    struct unix_socket s;
    struct errmsg message = {""};
    assert_int_equal(unix_socket_listen(&s, o, &message), wanted);
    if (strstr(message.text, text) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", text, message.text);
}

static int connect_to(const char *where)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, where, strlen(where) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static void test_listens_with_its_mode(void **state)
{
    (void)state;
    static const unsigned modes[] = {0660, 0600, 0666, 0777};
    mode_t old = umask(0027);
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        struct unix_socket s;
        struct errmsg message;
        struct stat status;
        struct unix_socket_options o = options();
        o.mode = modes[i];
        assert_int_equal(unix_socket_listen(&s, &o, &message), OK);
        assert_int_equal(lstat(path, &status), 0);
        assert_int_equal(status.st_mode & 07777, modes[i]);
        assert_int_equal(fcntl(s.fd, F_GETFD), FD_CLOEXEC);
        assert_true((fcntl(s.fd, F_GETFL) & O_NONBLOCK) != 0);
        int fd = connect_to(path);
        assert_true(fd >= 0);
        int peer = accept(s.fd, NULL, NULL);
        uint32_t uid = 0;
        uint32_t pid = 0;
        unix_socket_peer(peer, &uid, &pid);
        assert_int_equal(uid, getuid());
        assert_int_equal(pid, getpid());
        close(peer);
        close(fd);
        unix_socket_close(&s);
        unix_socket_close(&s); // fine
        assert_int_not_equal(access(path, F_OK), 0);
    }
    assert_int_equal(umask(old), 0027); // as it was
}

static void test_makes_the_last_folder(void **state)
{
    (void)state;
    struct unix_socket s;
    struct errmsg message;
    struct stat status;
    struct unix_socket_options o = options();
    (void)snprintf(path, sizeof path, "%s/run/x.sock", folder);
    assert_int_equal(unix_socket_listen(&s, &o, &message), OK);
    unix_socket_close(&s);
    path[strlen(path) - strlen("/x.sock")] = '\0';
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0027, 0);
    (void)snprintf(path, sizeof path, "%s/no/such/x.sock", folder);
    expect_error(&o, ERR_NOT_FOUND, "the folder is missing");
}

static void test_group(void **state)
{
    (void)state;
    struct unix_socket s;
    struct errmsg message;
    struct stat status;
    char number[32];
    struct unix_socket_options o = options();
    (void)snprintf(number, sizeof number, "%u", (unsigned)getgid());
    o.group = number;
    assert_int_equal(unix_socket_listen(&s, &o, &message), OK);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_gid, getgid());
    unix_socket_close(&s);
    o.group = "no such group";
    expect_error(&o, ERR_NOT_FOUND, "there is no group \"no such group\" here");
    assert_int_not_equal(access(path, F_OK), 0);
}

static void test_replaces_only_what_is_stale(void **state)
{
    (void)state;
    struct unix_socket s;
    struct errmsg message;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct unix_socket_options o = options();
    memcpy(address.sun_path, path, strlen(path) + 1);
    // Somebody listens: it is left alone.
    int other = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(other, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(other, 1), 0);
    expect_error(&o, ERR_BUSY, "another process listens on");
    int fd = connect_to(path);
    assert_true(fd >= 0);
    close(fd);
    // Now nobody does.
    close(other);
    assert_int_equal(unix_socket_listen(&s, &o, &message), OK);
    // A second engine finds the lock.
    expect_error(&o, ERR_BUSY, "another engine listens on");
    // What took our place meanwhile is not ours to remove.
    assert_int_equal(unlink(path), 0);
    int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    close(file);
    unix_socket_close(&s);
    assert_int_equal(access(path, F_OK), 0);
    // A file, and a link, are no sockets.
    expect_error(&o, ERR_EXISTS, "exists and is no socket");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    expect_error(&o, ERR_EXISTS, "exists and is no socket");
    assert_int_equal(access("/etc/passwd", F_OK), 0);
}

static void test_path_that_is_too_long(void **state)
{
    (void)state;
    char name[200];
    struct unix_socket_options o = options();
    memset(name, 'x', sizeof name - 1);
    name[0] = '/';
    name[sizeof name - 1] = '\0';
    o.path = name;
    expect_error(&o, ERR_RANGE, "too long for a socket: at most 107 bytes");
}

// ---- hand-over ---------------------------------------------------------------------------------

struct hand_over {
    const char *names;  // LISTEN_FDNAMES; NULL: none
    int count;          // sockets that are handed over
    const char *wanted; // name that is asked for
    bool is_own_path;   // the second socket's path is asked for
    bool is_wrong_pid;  // meant for another process
    int expected;       // descriptor, or -1: binds its own
};

static void listen_at(int fd, const char *where)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, where, strlen(where) + 1);
    int made = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(bind(made, (struct sockaddr *)&address, sizeof address) == 0 && listen(made, 1) == 0);
    CHECK(dup2(made, fd) == fd);
    if (made != fd)
        close(made);
}

// In a child: exits with the descriptor, or 100.
static void take_over(void *context)
{
    const struct hand_over *h = context;
    char text[32];
    char where[128];
    for (int i = 0; i < h->count; i++) {
        (void)snprintf(where, sizeof where, "%s/given-%d.sock", folder, i);
        listen_at(3 + i, where);
    }
    (void)snprintf(text, sizeof text, "%d", (int)getpid() + h->is_wrong_pid);
    setenv("LISTEN_PID", text, 1);
    (void)snprintf(text, sizeof text, "%d", h->count);
    setenv("LISTEN_FDS", text, 1);
    if (h->names != NULL)
        setenv("LISTEN_FDNAMES", h->names, 1);
    struct unix_socket s;
    struct errmsg message;
    struct unix_socket_options o = options();
    (void)snprintf(where, sizeof where, "%s/given-1.sock", folder);
    o.name = h->wanted;
    if (h->is_own_path)
        o.path = where;
    CHECK(unix_socket_listen(&s, &o, &message) == OK);
    int fd = s.fd;
    CHECK(s.is_handed_over == (s.path[0] == '\0'));
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC && (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    bool is_handed_over = s.is_handed_over;
    unix_socket_close(&s);
    (void)snprintf(where, sizeof where, "%s/given-0.sock", folder);
    CHECK(access(where, F_OK) == 0); // systemd's, not ours to remove
    _exit(is_handed_over ? fd : 100);
}

static void test_hand_over(void **state)
{
    (void)state;
    static const struct hand_over cases[] = {
        {NULL, 1, "ingest", false, false, 3},
        {"grapnel.socket", 1, "ingest", false, false, 3},
        {"ingest", 1, "ingest", false, false, 3},
        {"admin:ingest", 2, "ingest", false, false, 4},
        {"admin:ingest", 2, "admin", false, false, 3},
        {NULL, 2, "ingest", true, false, 4}, // by its path
        {NULL, 2, "ingest", false, false, -1},
        {"admin", 1, "ingest", false, false, -1}, // is for somebody else
        {NULL, 1, "admin", false, false, -1},     // the only one is for producers
        {NULL, 1, "ingest", false, true, -1},     // another process's
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct child_end *end = calloc(1, sizeof *end);
        struct hand_over h = cases[i];
        child_run(take_over, &h, end);
        int wanted = cases[i].expected < 0 ? 100 : cases[i].expected;
        if (end->exit_code != wanted)
            fail_msg("case %zu: %d, %s", i, end->exit_code, end->text);
        free(end);
        char where[128];
        for (int k = 0; k < 2; k++) {
            (void)snprintf(where, sizeof where, "%s/given-%d.sock", folder, k);
            (void)unlink(where);
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_listens_with_its_mode),
        TEST(test_makes_the_last_folder),
        TEST(test_group),
        TEST(test_replaces_only_what_is_stale),
        TEST(test_path_that_is_too_long),
        TEST(test_hand_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
