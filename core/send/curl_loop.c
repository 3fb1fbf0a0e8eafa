// SPDX-License-Identifier: MIT
// libcurl multi handles on a uv loop, sockets polled lazily; runs on a sender thread.
//
// Callbacks in firing order: on_multi_timer and on_multi_socket (libcurl wants something), on_poll
// (a socket is ready), on_timer (wakes the loop up), on_prepare (the work of a turn),
// on_close_socket, on_watch_closed, on_handle_closed.
#include "send/curl_loop.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"

#define WATCH_MAGIC 0x77415443u
#define MULTI_MAGIC 0x6d554c54u
#define LOOP_MAGIC  0x634c4f50u
#define NO_TIMER    INT64_MAX
#define MAX_PASSES  8 // over what became due while a turn's work was done

struct multi {
    uint32_t magic;         // MULTI_MAGIC
    CURLM *handle;          // owned
    struct curl_loop *loop; // borrowed
    int64_t due_ns;         // monotonic; NO_TIMER: none
    struct list_node dirty; // in curl_loop.dirty: something may have ended
};

// A socket in the poll set.
struct watch {
    uint32_t magic;         // WATCH_MAGIC
    uv_poll_t poll;         // owned; data is the watch
    struct multi *multi;    // borrowed; the one that uses it
    struct curl_loop *loop; // borrowed
    int fd;                 // -1: being closed
    int wanted;             // CURL_POLL_*: what libcurl waits for; 0: nothing
    int armed;              // UV_*: what the kernel watches
    bool is_connection;     // from curl_loop_open_socket: its end is announced by on_close_socket
};

struct curl_loop {
    uint32_t magic;                 // LOOP_MAGIC
    uv_loop_t *loop;                // borrowed
    struct curl_loop_config config; // copy
    struct multi *multis;           // owned
    struct watch **watches;         // owned; by descriptor
    size_t watch_capacity;          // of watches; bounded by the limit of descriptors
    struct list dirty;              // multis
    int64_t now_ns;                 // of this turn
    int64_t armed_ns;               // when the timer fires; NO_TIMER: not armed
    uv_timer_t timer;               // wakes the loop up for the earliest multi
    uv_prepare_t prepare;           // the work of a turn
    uint32_t open_handles;          // uv handles that are not closed yet
    void (*on_stopped)(void *);     // set when stopping
    void *stopped_context;          // of on_stopped; borrowed
};

static void mark_dirty(struct multi *multi)
{
    if (!list_is_linked(&multi->dirty))
        list_append(&multi->loop->dirty, &multi->dirty);
}

// ---- what libcurl wants --------------------------------------------------------

static int on_multi_timer(CURLM *handle, long timeout_ms, void *context)
{
    struct multi *multi = NULL;
    CAST(multi, context, MULTI_MAGIC);
    (void)handle;
    multi->due_ns = timeout_ms < 0 ? NO_TIMER : multi->loop->now_ns + timeout_ms * 1000000;
    return 0;
}

static void on_handle_closed(struct curl_loop *loop)
{
    if (--loop->open_handles > 0)
        return;
    void (*on_stopped)(void *) = loop->on_stopped;
    void *context = loop->stopped_context;
    loop->magic = 0;
    xfree(loop->watches);
    xfree(loop->multis);
    xfree(loop);
    on_stopped(context);
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct watch *watch = NULL;
    CAST(watch, handle->data, WATCH_MAGIC);
    struct curl_loop *loop = watch->loop;
    watch->magic = 0;
    xfree(watch);
    on_handle_closed(loop);
}

static void watch_close(struct watch *watch)
{
    watch->loop->watches[watch->fd] = NULL;
    watch->fd = -1;
    uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
}

static struct watch *watch_get(struct curl_loop *loop, int fd)
{
    return (size_t)fd < loop->watch_capacity ? loop->watches[fd] : NULL;
}

static struct watch *watch_new(struct curl_loop *loop, int fd)
{
    if ((size_t)fd >= loop->watch_capacity) {
        size_t capacity = loop->watch_capacity > 0 ? loop->watch_capacity : 64;
        while (capacity <= (size_t)fd)
            capacity *= 2;
        loop->watches = xrealloc(loop->watches, capacity * sizeof *loop->watches);
        memset(loop->watches + loop->watch_capacity, 0,
               (capacity - loop->watch_capacity) * sizeof *loop->watches);
        loop->watch_capacity = capacity;
    }
    // A descriptor that was closed behind our back.
    if (loop->watches[fd] != NULL)
        watch_close(loop->watches[fd]);
    struct watch *watch = xcalloc(1, sizeof *watch);
    watch->magic = WATCH_MAGIC;
    watch->loop = loop;
    watch->fd = fd;
    CHECK(uv_poll_init(loop->loop, &watch->poll, fd) == 0);
    watch->poll.data = watch;
    loop->open_handles++;
    loop->watches[fd] = watch;
    return watch;
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch_arm(struct watch *watch)
{
    int events = ((watch->wanted & CURL_POLL_IN) ? UV_READABLE : 0) |
                 ((watch->wanted & CURL_POLL_OUT) ? UV_WRITABLE : 0);
    if (events == watch->armed)
        return;
    if (events == 0)
        CHECK(uv_poll_stop(&watch->poll) == 0);
    else
        CHECK(uv_poll_start(&watch->poll, events, on_poll) == 0);
    watch->armed = events;
}

static int on_multi_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *unused)
{
    struct multi *multi = NULL;
    CAST(multi, context, MULTI_MAGIC);
    (void)easy;
    (void)unused;
    struct watch *watch = watch_get(multi->loop, fd);
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL && watch->is_connection)
            watch->wanted = 0; // stays armed: most likely it is wanted again at once
        else if (watch != NULL)
            watch_close(watch);
        return 0;
    }
    if (watch == NULL)
        watch = watch_new(multi->loop, fd); // a resolver's
    watch->multi = multi;
    watch->wanted = what;
    watch_arm(watch);
    return 0;
}

// ---- what happens ----------------------------------------------------------------

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = NULL;
    CAST(watch, poll->data, WATCH_MAGIC);
    if (status < 0)
        watch->armed = 0; // the socket has an error, and libuv has stopped watching it
    if (watch->wanted == 0) {
        watch_arm(watch); // a kept connection was closed, or says what nobody asked for
        return;
    }
    // An error is libcurl's to find by reading: what came before it is still to be read.
    if (status < 0)
        events = UV_READABLE | UV_WRITABLE;
    struct multi *multi = watch->multi;
    int flags = ((events & UV_READABLE) ? CURL_CSELECT_IN : 0) |
                ((events & UV_WRITABLE) ? CURL_CSELECT_OUT : 0);
    int running = 0;
    CHECK(curl_multi_socket_action(multi->handle, watch->fd, flags, &running) == CURLM_OK);
    mark_dirty(multi);
    if (status < 0 && watch->fd >= 0 && watch->wanted != 0)
        watch_arm(watch);
}

static void on_timer(uv_timer_t *timer)
{
    struct curl_loop *loop = NULL;
    CAST(loop, timer->data, LOOP_MAGIC);
    loop->armed_ns = NO_TIMER;
}

static void run_due(struct curl_loop *loop)
{
    for (uint32_t i = 0; i < loop->config.multis; i++) {
        struct multi *multi = &loop->multis[i];
        int running = 0;
        if (multi->due_ns > loop->now_ns)
            continue;
        multi->due_ns = NO_TIMER;
        CHECK(curl_multi_socket_action(multi->handle, CURL_SOCKET_TIMEOUT, 0, &running) ==
              CURLM_OK);
        mark_dirty(multi);
    }
}

static void drain(struct curl_loop *loop)
{
    struct list_node *node = NULL;
    while ((node = list_pop(&loop->dirty)) != NULL) {
        struct multi *multi = CONTAINER_OF(node, struct multi, dirty);
        CURLMsg *message = NULL;
        int left = 0;
        while ((message = curl_multi_info_read(multi->handle, &left)) != NULL) {
            if (message->msg != CURLMSG_DONE)
                continue;
            CURL *easy = message->easy_handle;
            CURLcode result = message->data.result;
            CHECK(curl_multi_remove_handle(multi->handle, easy) == CURLM_OK);
            loop->config.on_done(loop->config.context, easy, result);
        }
    }
}

static int64_t earliest(const struct curl_loop *loop)
{
    int64_t due_ns = NO_TIMER;
    for (uint32_t i = 0; i < loop->config.multis; i++) {
        if (loop->multis[i].due_ns < due_ns)
            due_ns = loop->multis[i].due_ns;
    }
    return due_ns;
}

// Never too late; too early costs a turn, hence the timer is left alone when it is early enough
// but would fire for nothing at most once.
static void arm_timer(struct curl_loop *loop, int64_t due_ns)
{
    if (due_ns >= loop->armed_ns)
        return;
    int64_t wait_ms = due_ns > loop->now_ns ? (due_ns - loop->now_ns + 999999) / 1000000 : 0;
    CHECK(uv_timer_start(&loop->timer, on_timer, (uint64_t)wait_ms, 0) == 0);
    loop->armed_ns = due_ns;
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct curl_loop *loop = NULL;
    CAST(loop, prepare->data, LOOP_MAGIC);
    loop->now_ns = clock_mono_ns();
    int64_t due_ns = NO_TIMER;
    for (int pass = 0; pass < MAX_PASSES; pass++) {
        run_due(loop);
        drain(loop);
        if (loop->config.on_turn != NULL)
            loop->config.on_turn(loop->config.context);
        if (loop->on_stopped != NULL)
            return;
        due_ns = earliest(loop);
        if (due_ns > loop->now_ns && list_is_empty(&loop->dirty))
            break;
    }
    arm_timer(loop, due_ns);
}

// ---- sockets ---------------------------------------------------------------------

static int on_close_socket(void *context, curl_socket_t fd)
{
    struct curl_loop *loop = NULL;
    CAST(loop, context, LOOP_MAGIC);
    struct watch *watch = watch_get(loop, fd);
    if (watch != NULL)
        watch_close(watch);
    return close(fd);
}

void curl_loop_prepare(struct curl_loop *curl, CURL *easy)
{
    CHECK(curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket) == CURLE_OK);
    CHECK(curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, curl) == CURLE_OK);
}

curl_socket_t curl_loop_open_socket(struct curl_loop *curl, const struct curl_sockaddr *address)
{
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    address->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    watch_new(curl, fd)->is_connection = true;
    return fd;
}

// ---- transfers -------------------------------------------------------------------

enum err curl_loop_add(struct curl_loop *curl, uint32_t index, CURL *easy)
{
    CHECK(index < curl->config.multis);
    struct multi *multi = &curl->multis[index];
    return curl_multi_add_handle(multi->handle, easy) == CURLM_OK ? OK : ERR_UNSUPPORTED;
}

void curl_loop_remove(struct curl_loop *curl, uint32_t index, CURL *easy)
{
    CHECK(index < curl->config.multis);
    CHECK(curl_multi_remove_handle(curl->multis[index].handle, easy) == CURLM_OK);
}

// ---- life ------------------------------------------------------------------------

static void multi_init(struct multi *multi, struct curl_loop *loop)
{
    *multi = (struct multi){.magic = MULTI_MAGIC, .loop = loop, .due_ns = NO_TIMER};
    CURLM *handle = multi->handle = curl_multi_init();
    CHECK(handle != NULL);
    curl_multi_setopt(handle, CURLMOPT_SOCKETFUNCTION, on_multi_socket);
    curl_multi_setopt(handle, CURLMOPT_SOCKETDATA, multi);
    curl_multi_setopt(handle, CURLMOPT_TIMERFUNCTION, on_multi_timer);
    curl_multi_setopt(handle, CURLMOPT_TIMERDATA, multi);
    curl_multi_setopt(handle, CURLMOPT_MAXCONNECTS, (long)loop->config.kept_per_multi);
    curl_multi_setopt(handle, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
}

struct curl_loop *curl_loop_start(uv_loop_t *loop, const struct curl_loop_config *config)
{
    CHECK(config->multis > 0);
    struct curl_loop *curl = xcalloc(1, sizeof *curl);
    curl->magic = LOOP_MAGIC;
    curl->loop = loop;
    curl->config = *config;
    curl->armed_ns = NO_TIMER;
    curl->now_ns = clock_mono_ns();
    list_init(&curl->dirty);
    CHECK(uv_timer_init(loop, &curl->timer) == 0);
    CHECK(uv_prepare_init(loop, &curl->prepare) == 0);
    curl->timer.data = curl->prepare.data = curl;
    curl->open_handles = 2;
    CHECK(uv_prepare_start(&curl->prepare, on_prepare) == 0);
    curl->multis = xcalloc(config->multis, sizeof *curl->multis);
    for (uint32_t i = 0; i < config->multis; i++)
        multi_init(&curl->multis[i], curl);
    return curl;
}

static void on_closed(uv_handle_t *handle)
{
    struct curl_loop *loop = NULL;
    CAST(loop, handle->data, LOOP_MAGIC);
    on_handle_closed(loop);
}

void curl_loop_stop(struct curl_loop *curl, void (*on_stopped)(void *context), void *context)
{
    curl->on_stopped = on_stopped;
    curl->stopped_context = context;
    for (uint32_t i = 0; i < curl->config.multis; i++) {
        list_remove(&curl->multis[i].dirty);
        CHECK(curl_multi_cleanup(curl->multis[i].handle) == CURLM_OK);
    }
    for (size_t fd = 0; fd < curl->watch_capacity; fd++) {
        if (curl->watches[fd] != NULL)
            watch_close(curl->watches[fd]);
    }
    uv_close((uv_handle_t *)&curl->timer, on_closed);
    uv_close((uv_handle_t *)&curl->prepare, on_closed);
}
