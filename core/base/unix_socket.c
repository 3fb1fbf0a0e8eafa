// SPDX-License-Identifier: MIT
// Listening Unix sockets: bound without a race, or handed over by systemd; main, at start.
#include "base/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/span.h"

#define FIRST_HANDED_OVER 3
#define BACKLOG           4096 // the kernel cuts it to net.core.somaxconn
#define GROUP_BYTES       16384

// ---- handed over -------------------------------------------------------------------------------

static bool environment_number(const char *name, int64_t *out)
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment after the start
    const char *text = getenv(name);
    return text != NULL && span_to_int64(span_of(text), out);
}

static bool is_listening(int fd)
{
    int value = 0;
    socklen_t len = sizeof value;
    struct sockaddr_un address = {.sun_family = AF_UNSPEC};
    socklen_t address_len = sizeof address;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) == 0 && value != 0 &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &len) == 0 && value == SOCK_STREAM &&
           getsockname(fd, (struct sockaddr *)&address, &address_len) == 0 &&
           address.sun_family == AF_UNIX;
}

static bool has_path(int fd, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNSPEC};
    socklen_t len = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
        len <= offsetof(struct sockaddr_un, sun_path))
        return false;
    size_t room = len - offsetof(struct sockaddr_un, sun_path);
    return span_is(span_make(address.sun_path, strnlen(address.sun_path, room)), path);
}

// The descriptor that is meant for us, or -1.
static int find_handed_over(const struct unix_socket_options *options)
{
    int64_t pid = 0;
    int64_t count = 0;
    if (!environment_number("LISTEN_PID", &pid) || pid != (int64_t)getpid() ||
        !environment_number("LISTEN_FDS", &count) || count < 1 || count > 64)
        return -1;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment after the start
    struct span names = span_of(getenv("LISTEN_FDNAMES"));
    bool is_named_for_another = false;
    int by_path = -1;
    for (int fd = FIRST_HANDED_OVER; fd < FIRST_HANDED_OVER + (int)count; fd++) {
        struct span name = {0};
        (void)span_split(&names, ':', &name);
        if (!is_listening(fd))
            continue;
        if (span_is(name, options->name))
            return fd;
        is_named_for_another = span_is(name, "ingest") || span_is(name, "admin");
        if (!is_named_for_another && has_path(fd, options->path))
            by_path = fd;
    }
    bool is_only_one = count == 1 && !is_named_for_another && is_listening(FIRST_HANDED_OVER);
    return by_path < 0 && is_only_one && span_is(span_of(options->name), "ingest")
               ? FIRST_HANDED_OVER
               : by_path;
}

static enum err take_over(struct unix_socket *s, int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return err_from_errno(errno);
    s->fd = fd;
    s->is_handed_over = true;
    return OK;
}

// ---- bound -------------------------------------------------------------------------------------

// Only the last folder: a missing /run or /var/lib is a mistake that we should not hide.
static void make_folder(const char *path)
{
    char folder[sizeof((struct unix_socket *)NULL)->path];
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return;
    size_t len = (size_t)(slash - path);
    memcpy(folder, path, len);
    folder[len] = '\0';
    (void)mkdir(folder, 0750); // what is wrong shows when the lock is made
}

static enum err take_lock(struct unix_socket *s, struct errmsg *message)
{
    char path[sizeof s->path + sizeof ".lock"];
    (void)snprintf(path, sizeof path, "%s.lock", s->path);
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->lock_fd < 0) {
        enum err err = err_from_errno(errno);
        errmsg_set(message, "cannot make %s: %s", path,
                   errno == ENOENT ? "the folder is missing" : err_text(err));
        return err;
    }
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return OK;
    errmsg_set(message, "another engine listens on %s (it holds %s)", s->path, path);
    return ERR_BUSY;
}

static void fill_address(struct sockaddr_un *address, const char *path)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, path, strlen(path) + 1);
}

// Takes away a socket file that nobody listens on.
static enum err remove_stale(const char *path, struct errmsg *message)
{
    struct stat status;
    if (lstat(path, &status) != 0)
        return errno == ENOENT ? OK : err_from_errno(errno);
    if (!S_ISSOCK(status.st_mode)) {
        errmsg_set(message, "%s exists and is no socket: move it away, or choose another path",
                   path);
        return ERR_EXISTS;
    }
    struct sockaddr_un address;
    fill_address(&address, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_from_errno(errno);
    int error = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
    close(fd);
    if (error == ECONNREFUSED)
        return unlink(path) == 0 || errno == ENOENT ? OK : err_from_errno(errno);
    if (error == ENOENT)
        return OK;
    if (error == 0 || error == EAGAIN) {
        errmsg_set(message, "another process listens on %s", path);
        return ERR_BUSY;
    }
    errmsg_set(message, "cannot tell who listens on %s: %s", path, err_text(err_from_errno(error)));
    return err_from_errno(error);
}

static enum err find_group(const char *name, gid_t *out, struct errmsg *message)
{
    int64_t number = 0;
    char buffer[GROUP_BYTES];
    struct group entry;
    struct group *found = NULL;
    if (getgrnam_r(name, &entry, buffer, sizeof buffer, &found) == 0 && found != NULL) {
        *out = found->gr_gid;
        return OK;
    }
    if (span_to_int64(span_of(name), &number) && number >= 0 && number < UINT32_MAX) {
        *out = (gid_t)number;
        return OK;
    }
    errmsg_set(message, "there is no group \"%s\" here", name);
    return ERR_NOT_FOUND;
}

// The mode comes from the umask, and the group before listen(): nobody can connect in between.
static enum err bind_and_listen(struct unix_socket *s, const struct unix_socket_options *options,
                                struct errmsg *message)
{
    struct sockaddr_un address;
    struct stat status;
    gid_t group = (gid_t)-1;
    fill_address(&address, s->path);
    if (options->group[0] != '\0') {
        enum err err = find_group(options->group, &group, message);
        if (err != OK)
            return err;
    }
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->fd < 0)
        return err_from_errno(errno);
    mode_t old = umask((mode_t)(0777 & ~options->mode));
    int error = bind(s->fd, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
    (void)umask(old);
    if (error == 0 && lstat(s->path, &status) == 0) {
        s->device = status.st_dev;
        s->inode = status.st_ino;
    } else if (error == 0) {
        error = errno;
    }
    if (error == 0 && group != (gid_t)-1 && lchown(s->path, (uid_t)-1, group) != 0) {
        error = errno;
        errmsg_set(message, "cannot give %s to the group %s: %s", s->path, options->group,
                   err_text(err_from_errno(error)));
    }
    if (error == 0 && listen(s->fd, BACKLOG) != 0)
        error = errno;
    return err_from_errno(error);
}

enum err unix_socket_listen(struct unix_socket *out, const struct unix_socket_options *options,
                            struct errmsg *message)
{
    struct unix_socket s = {.fd = -1, .lock_fd = -1};
    int handed_over = find_handed_over(options);
    enum err err = OK;
    if (handed_over >= 0) {
        err = take_over(&s, handed_over);
        if (err == OK)
            *out = s;
        else
            errmsg_set(message, "the socket that was handed over: %s", err_text(err));
        return err;
    }
    if (strlen(options->path) >= sizeof s.path) {
        errmsg_set(message, "%s: too long for a socket: at most %zu bytes", options->path,
                   sizeof s.path - 1);
        return ERR_RANGE;
    }
    memcpy(s.path, options->path, strlen(options->path) + 1);
    // What fails without a message of its own gets this one.
    struct errmsg why = {""};
    make_folder(s.path);
    err = take_lock(&s, &why);
    if (err == OK)
        err = remove_stale(s.path, &why);
    if (err == OK)
        err = bind_and_listen(&s, options, &why);
    if (err != OK) {
        if (why.text[0] == '\0')
            errmsg_set(&why, "cannot listen on %s: %s", s.path, err_text(err));
        errmsg_set(message, "%s", why.text);
        unix_socket_close(&s);
        return err;
    }
    *out = s;
    return OK;
}

void unix_socket_close(struct unix_socket *s)
{
    struct stat status;
    if (s->inode != 0 && lstat(s->path, &status) == 0 && status.st_dev == s->device &&
        status.st_ino == s->inode)
        (void)unlink(s->path);
    if (s->fd >= 0)
        close(s->fd);
    // The lock's file stays: removing it could let two engines hold two locks of one name.
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    s->inode = 0;
    s->fd = s->lock_fd = -1;
}

void unix_socket_peer(int fd, uint32_t *uid, uint32_t *pid)
{
    struct ucred peer = {0};
    socklen_t len = sizeof peer;
    bool is_known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0;
    *uid = is_known ? (uint32_t)peer.uid : UINT32_MAX;
    *pid = is_known ? (uint32_t)peer.pid : UINT32_MAX;
}
