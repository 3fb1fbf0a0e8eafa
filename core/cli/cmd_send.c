// SPDX-License-Identifier: MIT
// grapnel send: one event from the command line, or a stream of them; the main thread.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/pump.h"
#include "cli/source.h"
#include "json/json_write.h"

#define MAX_LINE           (64 << 20) // bytes: the most that an engine can be told to take
#define SOCKET_DEFAULT     "/run/grapnel/ingest.sock"
#define SOCKET_ENVIRONMENT "GRAPNEL_INGEST_SOCKET"

// ---- one event ---------------------------------------------------------------------------------

// Options that are fields of the event as they stand.
static const struct {
    const char *option, *field;
} fields[] = {
    {"id", "id"},
    {"tenant", "tenant"},
    {"key", "key"},
    {"webhook", "webhook"},
    {"time", "time"},
    {"deliver-at", "deliver_at"},
    {"ref", "ref"},
    {"expires-at", "expires_at"},
    {"traceparent", "traceparent"},
};

// The line without its line feed.
static enum err print_event(const struct args *args, struct buf *out, struct errmsg *message)
{
    const char *member = "data";
    struct json_writer w;
    struct buf json;
    if (args_has(args, "fields") && args_has(args, "override")) {
        errmsg_set(message, "--fields and --override exclude each other");
        return ERR_SYNTAX;
    }
    if (args_has(args, "fields"))
        member = "fields";
    else if (args_has(args, "override"))
        member = "override";
    buf_init(&json, MAX_LINE);
    enum err err = source_read_json(&json, args->word_count > 1 ? args->words[1] : "{}", message);
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_member_text(&w, "event", args->words[0]);
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        const char *value = args_value(args, fields[i].option);
        if (value != NULL)
            json_write_member_text(&w, fields[i].field, value);
    }
    if (err == OK)
        json_write_member_raw(&w, member, span_trim(buf_span(&json)));
    json_write_end_object(&w);
    buf_deinit(&json);
    if (err == OK && out->is_full) {
        errmsg_set(message, "the event is longer than any engine takes (%d MiB)", MAX_LINE >> 20);
        return ERR_FULL;
    }
    return err;
}

// An event's options make no sense for a stream of whole events.
static enum err check_stream(const struct args *args, struct errmsg *message)
{
    for (size_t i = 0; i < args->given_count; i++) {
        const char *name = args->given[i].option->name;
        if (strcmp(name, "ingest-socket") != 0) {
            errmsg_set(message,
                       "--%s needs an EVENT; lines on standard input are whole events, each with "
                       "its own fields",
                       name);
            return ERR_SYNTAX;
        }
    }
    return OK;
}

// ---- the socket --------------------------------------------------------------------------------

static const char *socket_path(const struct args *args)
{
    const char *path = args_value(args, "ingest-socket");
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment
    const char *environment = getenv(SOCKET_ENVIRONMENT);
    if (path != NULL)
        return path;
    return environment != NULL && environment[0] != 0 ? environment : SOCKET_DEFAULT;
}

static enum err connect_to(const char *path, int *out, struct errmsg *message)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len >= sizeof address.sun_path) {
        errmsg_set(message, "the ingest socket's path is too long (%zu bytes, at most %zu)", len,
                   sizeof address.sun_path - 1);
        return ERR_RANGE;
    }
    memcpy(address.sun_path, path, len);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 &&
        connect(fd, (const struct sockaddr *)(const void *)&address, sizeof address) == 0) {
        *out = fd;
        return OK;
    }
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (error == EACCES || error == EPERM)
        errmsg_set(message,
                   "no permission for the ingest socket %s: join its group, or ask for another "
                   "ingest_socket_mode",
                   path);
    else
        errmsg_set(
            message,
            "no engine can be reached at %s%s: start one with \"grapnel serve\", or name its "
            "ingest socket with --ingest-socket PATH or " SOCKET_ENVIRONMENT,
            path, error == ENOENT ? " (there is no such socket)" : "");
    return ERR_CLOSED;
}

// ---- replies -----------------------------------------------------------------------------------

static void on_reply(void *context, struct span reply)
{
    uint64_t *refused = context;
    if (!span_starts_with(reply, SPAN("{\"ok\":true")))
        (*refused)++;
    (void)fwrite(reply.at, 1, reply.len, stdout);
    putchar('\n');
}

static int run(const char *path, struct pump *pump, const uint64_t *refused)
{
    struct errmsg message;
    enum err err = connect_to(path, &pump->socket, &message);
    if (err != OK) {
        fprintf(stderr, "grapnel: %s\n", message.text);
        return CMD_UNREACHABLE;
    }
    err = pump_run(pump, &message);
    close(pump->socket);
    if (err != OK) {
        fprintf(stderr, "grapnel: %s\n", message.text);
        return err == ERR_CLOSED ? CMD_UNREACHABLE : CMD_FAILED;
    }
    if (*refused > 0 && pump->sent > 1)
        fprintf(stderr, "grapnel: %llu of %llu events were refused\n", (unsigned long long)*refused,
                (unsigned long long)pump->sent);
    return *refused > 0 ? CMD_FAILED : CMD_DONE;
}

int cmd_send(const struct args *args)
{
    uint64_t refused = 0;
    struct errmsg message;
    struct buf line;
    struct pump pump = {.input = -1, .on_reply = on_reply, .context = &refused};
    buf_init(&line, MAX_LINE);
    enum err err =
        args->word_count > 0 ? print_event(args, &line, &message) : check_stream(args, &message);
    if (err != OK) {
        fprintf(stderr, "grapnel: %s\n", message.text);
        buf_deinit(&line);
        return CMD_USAGE;
    }
    if (args->word_count > 0) {
        (void)buf_append_char(&line, '\n');
        pump.first = buf_span(&line);
    } else {
        pump.input = STDIN_FILENO;
        if (isatty(STDIN_FILENO))
            fprintf(stderr, "reading events from standard input, one JSON object a line\n");
    }
    int result = run(socket_path(args), &pump, &refused);
    buf_deinit(&line);
    return result;
}
