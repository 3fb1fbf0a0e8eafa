// SPDX-License-Identifier: MIT
// A script host that has been taken over: everything that a script could do with its process.
#include "support/evil_host.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "sandbox/child.h"
#include "sandbox/lock.h"
#include "sandbox/serve.h"

const char *evil_host_deed(void)
{
    static char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    if (len <= 0)
        return NULL;
    path[len] = '\0';
    const char *name = strrchr(path, '/');
    return name != NULL && strncmp(name, "/evil-", 6) == 0 ? name + 6 : NULL;
}

static void send_bytes(const struct buf *out)
{
    CHECK(write(CHILD_SOCKET, out->at, out->len) == (ssize_t)out->len);
}

// ---- what is said ----

static const struct frame *asked;    // the rendering
static struct frame_visit asked_for; // its content
static struct frame_pair headers[FRAME_MAX_HEADERS];

// The request as it came, which is a good answer.
static struct frame_answer good_answer(void)
{
    return (struct frame_answer){.is_body_same = true,
                                 .method = asked_for.method,
                                 .url = asked_for.url,
                                 .header_count = asked_for.header_count,
                                 .headers = asked_for.headers};
}

static void say(struct frame header, const struct frame_answer *answer)
{
    struct buf out;
    buf_init(&out, FRAME_MAX_FROM_HOST);
    size_t begin = frame_begin(&out, &header);
    frame_put_answer(&out, answer);
    frame_end(&out, begin);
    send_bytes(&out);
    buf_deinit(&out);
}

static void answer_as(struct frame header)
{
    struct frame_answer answer = good_answer();
    say(header, &answer);
}

static void do_kind(void)
{
    answer_as((struct frame){.kind = FRAME_RENDER, .id = asked->id});
}

static void do_id(void)
{
    answer_as((struct frame){.kind = FRAME_ANSWER, .id = asked->id + 1000});
}

static void do_result(void)
{
    answer_as((struct frame){.kind = FRAME_ANSWER, .id = asked->id, .result = SCRIPT_KILLED});
}

static void do_other_answer(void)
{
    answer_as((struct frame){.kind = FRAME_PROBLEMS, .id = asked->id});
}

static void do_length(void)
{
    const uint32_t header[FRAME_HEADER_LEN / 4] = {UINT32_MAX, FRAME_ANSWER};
    CHECK(write(CHILD_SOCKET, header, sizeof header) == sizeof header);
}

static void do_garbage(void)
{
    char bytes[4096];
    memset(bytes, 0xa5, sizeof bytes);
    CHECK(write(CHILD_SOCKET, bytes, sizeof bytes) == sizeof bytes);
}

static void answer_with(struct frame_answer answer)
{
    say((struct frame){.kind = FRAME_ANSWER, .id = asked->id}, &answer);
}

static void do_header(void)
{
    struct frame_answer answer = good_answer();
    answer.headers[0] = (struct frame_pair){.name = SPAN("X"), .value = SPAN("a\r\nHost: b")};
    answer_with(answer);
}

static void do_host_header(void)
{
    struct frame_answer answer = good_answer();
    answer.headers[0] = (struct frame_pair){.name = SPAN("Host"), .value = SPAN("internal")};
    answer_with(answer);
}

static void do_engine_header(void)
{
    struct frame_answer answer = good_answer();
    answer.headers[0] = (struct frame_pair){.name = SPAN("webhook-id"), .value = SPAN("other")};
    answer_with(answer);
}

static void do_url(void)
{
    struct frame_answer answer = good_answer();
    answer.url = SPAN("file:///etc/passwd");
    answer_with(answer);
}

static void do_url_line(void)
{
    struct frame_answer answer = good_answer();
    answer.url = SPAN("https://example.com/ HTTP/1.1\r\nHost: b");
    answer_with(answer);
}

static void do_method(void)
{
    struct frame_answer answer = good_answer();
    answer.method = SPAN("DELETE");
    answer_with(answer);
}

static void do_verdict(void)
{
    struct frame_answer answer = good_answer();
    answer.verdict = FRAME_DISABLE;
    answer_with(answer);
}

// A good answer that says it used more than can be.
static void do_accounts(void)
{
    struct frame_answer answer = good_answer();
    answer.used_count = FRAME_MAX_SCRIPTS;
    for (uint32_t i = 0; i < answer.used_count; i++)
        answer.used[i] = (struct frame_used){true, UINT32_MAX, UINT32_MAX};
    answer_with(answer);
}

// ---- what is done ----

static void do_quit(void)
{
    _exit(0);
}

static void do_crash(void)
{
    abort();
}

static void do_memory(void)
{
    _exit(77);
}

static void do_nothing(void)
{
    for (;;)
        (void)pause();
}

static void do_socket(void)
{
    // cppcheck-suppress leakReturnValNotUsed ; the call is what counts, it ends the process
    (void)socket(AF_INET, SOCK_STREAM, 0);
}

static void do_open(void)
{
    // cppcheck-suppress leakReturnValNotUsed ; as above
    (void)open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static void do_exec(void)
{
    char name[] = "sh";
    char *const argv[] = {name, NULL};
    (void)execve("/bin/sh", argv, argv + 1);
}

static void do_fork(void)
{
    if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0)
        _exit(0);
}

static void do_kill(void)
{
    (void)kill(getppid(), 0);
}

static void do_ptrace(void)
{
    (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void do_map_code(void)
{
    // cppcheck-suppress [leakReturnValNotUsed, invalidFunctionArg] ; as above; -1 is right here
    (void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void do_map_file(void)
{
    // cppcheck-suppress leakReturnValNotUsed ; as above
    (void)mmap(NULL, 4096, PROT_READ, MAP_SHARED, CHILD_SOCKET, 0);
}

static void do_make_code(void)
{
    static char page[8192];
    (void)mprotect((void *)(((uintptr_t)page + 4095) & ~(uintptr_t)4095), 4096,
                   PROT_READ | PROT_EXEC);
}

static void do_read_other(void)
{
    char byte;
    (void)syscall(SYS_read, 0, &byte, 1);
}

// ---- the host ----

static const struct {
    const char *name;
    void (*deed)(void);
    bool is_locked; // a system call, tried after the lock
} deeds[] = {
    {"kind", do_kind, false},
    {"id", do_id, false},
    {"result", do_result, false},
    {"other-answer", do_other_answer, false},
    {"length", do_length, false},
    {"garbage", do_garbage, false},
    {"header", do_header, false},
    {"host-header", do_host_header, false},
    {"engine-header", do_engine_header, false},
    {"url", do_url, false},
    {"url-line", do_url_line, false},
    {"method", do_method, false},
    {"verdict", do_verdict, false},
    {"accounts", do_accounts, false},
    {"quit", do_quit, false},
    {"crash", do_crash, false},
    {"memory", do_memory, false},
    {"nothing", do_nothing, false},
    {"socket", do_socket, true},
    {"open", do_open, true},
    {"exec", do_exec, true},
    {"fork", do_fork, true},
    {"kill", do_kill, true},
    {"ptrace", do_ptrace, true},
    {"map-code", do_map_code, true},
    {"map-file", do_map_file, true},
    {"make-code", do_make_code, true},
    {"read-other", do_read_other, true},
};

static void say_ready(void)
{
    struct buf out;
    struct frame header = {.kind = FRAME_READY};
    struct frame_ready ready = {.missing = {NULL, 0}};
    buf_init(&out, FRAME_HEADER_LEN + FRAME_MAX_REASON);
    size_t begin = frame_begin(&out, &header);
    frame_put_ready(&out, &ready);
    frame_end(&out, begin);
    send_bytes(&out);
    buf_deinit(&out);
}

static void serve_until(struct serve *serve, struct frame_board *board, void (*deed)(void))
{
    struct buf in;
    struct buf out;
    buf_init(&in, FRAME_HEADER_LEN + FRAME_MAX_TO_HOST);
    buf_init(&out, FRAME_MAX_FROM_HOST);
    for (;;) {
        char *room = buf_reserve(&in, 65536);
        ssize_t count = read(CHILD_SOCKET, room, 65536);
        if (count <= 0)
            _exit(0);
        buf_commit(&in, (size_t)count);
        struct span rest = buf_span(&in);
        struct frame frame;
        while (frame_take(&rest, FRAME_ENGINE, &frame) == FRAME_WHOLE) {
            if (frame.kind == FRAME_RENDER) {
                asked = &frame;
                asked_for.headers = headers;
                CHECK(frame_get_visit(frame.payload, &asked_for));
                board->visit = frame.id;
                board->turn += 2;
                deed();
                continue; // survived: goes on as if nothing had been, and never answers
            }
            CHECK(serve_frame(serve, &frame, &out));
            if (out.len > 0)
                send_bytes(&out);
            buf_clear(&out);
        }
        buf_consume(&in, in.len - rest.len);
    }
}

int evil_host_main(const char *deed)
{
    struct errmsg message;
    struct buf missing;
    struct frame_board *board =
        mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, CHILD_BOARD, 0);
    CHECK(board != MAP_FAILED);
    struct serve *serve = serve_new(board);
    CHECK(serve_warm_up(serve, &message) == OK);
    buf_init(&missing, FRAME_MAX_REASON);
    for (size_t i = 0; i < COUNT_OF(deeds); i++) {
        if (strcmp(deeds[i].name, deed) != 0)
            continue;
        CHECK(!deeds[i].is_locked || lock_process(CHILD_SOCKET, &missing, &message) == OK);
        say_ready();
        serve_until(serve, board, deeds[i].deed);
    }
    return 1;
}
