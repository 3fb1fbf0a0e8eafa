// SPDX-License-Identifier: MIT
// The engine's HTTP API over its admin socket, by libcurl's easy interface; the main thread.
#include "cli/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/term.h"

#define CONNECT_MS   5000
#define REQUEST_MS   90000 // longer than any test send may take
#define MAX_PROBLEM  65536 // bytes of a printed refusal

#define CLIENT_MAGIC 0x434c4e54u
struct client {
    uint32_t magic;
    CURL *easy;                 // owned
    struct curl_slist *headers; // owned
    char *socket_path;          // owned
};

const char *client_socket(const struct args *args)
{
    const char *path = args_value(args, "socket");
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment
    const char *environment = getenv(CLIENT_ENVIRONMENT);
    if (path != NULL)
        return path;
    return environment != NULL && environment[0] != 0 ? environment : CLIENT_DEFAULT;
}

struct client *client_new(const char *socket_path)
{
    struct client *client = xcalloc(1, sizeof *client);
    client->magic = CLIENT_MAGIC;
    client->socket_path = xstrdup(socket_path);
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    client->easy = curl_easy_init();
    CHECK(client->easy != NULL);
    client->headers = curl_slist_append(NULL, "Content-Type: application/json");
    client->headers = curl_slist_append(client->headers, "Expect:");
    CHECK(client->headers != NULL);
    return client;
}

void client_free(struct client *client)
{
    if (client == NULL)
        return;
    curl_slist_free_all(client->headers);
    curl_easy_cleanup(client->easy);
    curl_global_cleanup();
    xfree(client->socket_path);
    xfree(client);
}

void client_answer_init(struct client_answer *answer)
{
    *answer = (struct client_answer){0};
    buf_init(&answer->body, CLIENT_MAX_ANSWER);
    json_init(&answer->doc);
}

void client_answer_deinit(struct client_answer *answer)
{
    buf_deinit(&answer->body);
    json_deinit(&answer->doc);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct client_answer *answer = context;
    return buf_append(&answer->body, bytes, size * count) == OK ? size * count : 0;
}

static enum err check_path(const char *path, struct errmsg *message)
{
    size_t most = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
    if (strlen(path) <= most)
        return OK;
    errmsg_set(message, "the admin socket's path is too long (%zu bytes, at most %zu)",
               strlen(path), most);
    return ERR_RANGE;
}

// Why nobody answers there: libcurl only says that it could not connect.
static enum err explain_connect(const char *path, struct errmsg *message)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path)); // check_path
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result =
        fd < 0 ? -1 : connect(fd, (const struct sockaddr *)(const void *)&address, sizeof address);
    int error = result < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    if (error == EACCES || error == EPERM) {
        errmsg_set(message,
                   "no permission for the admin socket %s: only root and the engine's own user may "
                   "use it (sudo -u USER grapnel ...)",
                   path);
        return ERR_DENIED;
    }
    errmsg_set(message,
               "no engine can be reached at %s%s: start one with \"grapnel serve\", or name its "
               "admin socket with --socket PATH or " CLIENT_ENVIRONMENT,
               path, error == ENOENT ? " (there is no such socket)" : "");
    return ERR_CLOSED;
}

static enum err explain_failure(const struct client *client, CURLcode code, struct errmsg *message)
{
    if (code == CURLE_COULDNT_CONNECT)
        return explain_connect(client->socket_path, message);
    if (code == CURLE_OPERATION_TIMEDOUT) {
        errmsg_set(message, "the engine at %s does not answer; its log may say why",
                   client->socket_path);
        return ERR_TIMEOUT;
    }
    if (code == CURLE_WRITE_ERROR) {
        errmsg_set(message, "the answer is longer than %d MiB; ask for less (--limit)",
                   CLIENT_MAX_ANSWER >> 20);
        return ERR_FULL;
    }
    errmsg_set(message, "the engine at %s closed the connection: %s", client->socket_path,
               curl_easy_strerror(code));
    return ERR_IO;
}

enum err client_call(struct client *client, const char *method, const char *path, struct span body,
                     struct client_answer *answer, struct errmsg *message)
{
    CURL *easy = client->easy;
    struct buf url;
    enum err err = check_path(client->socket_path, message);
    if (err != OK)
        return err;
    buf_init(&url, 64 << 10);
    (void)buf_append_format(&url, "http://localhost%s", path);
    buf_clear(&answer->body);
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_URL, buf_text(&url));
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, client->socket_path);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, client->headers);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)REQUEST_MS);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "grapnel/" GRAPNEL_VERSION);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
    if (strcmp(method, "GET") != 0) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.len > 0 ? body.at : "");
    }
    CURLcode code = url.is_full ? CURLE_URL_MALFORMAT : curl_easy_perform(easy);
    buf_deinit(&url);
    if (code != CURLE_OK)
        return explain_failure(client, code, message);
    long status = 0;
    struct json_error error;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    answer->status = (int)status;
    if (json_parse(&answer->doc, buf_span(&answer->body), JSON_MAX_DEPTH * 2, &error) != OK)
        answer->doc.count = 0;
    return OK;
}

// ---- refusals ----------------------------------------------------------------------------------

// Text of several lines, as reports of golden tests are: each below the other, further in.
static void append_lines(struct buf *out, struct span text)
{
    struct span line;
    while (text.len > 0 && text.at[text.len - 1] == '\n')
        text.len--;
    for (bool is_first = true; text.len > 0 && span_split(&text, '\n', &line); is_first = false) {
        (void)buf_append_text(out, is_first ? "" : "\n    ");
        term_append_safe(out, line, false);
    }
}

// A member's text, decoded and safe for a terminal; false: it is no string.
static bool append_member(const struct json_doc *doc, uint32_t object, const char *name,
                          struct buf *out)
{
    uint32_t value = json_get(doc, object, span_of(name));
    if (value == JSON_NONE || json_type(doc, value) != JSON_STRING)
        return false;
    char *text = xmalloc(json_inside(doc, value).len + 1);
    size_t len = json_decode_string(doc, value, text);
    append_lines(out, span_make(text, len));
    xfree(text);
    return len > 0;
}

static void append_errors(const struct json_doc *doc, struct buf *out)
{
    uint32_t errors = json_get(doc, 0, SPAN("errors"));
    if (errors == JSON_NONE || json_type(doc, errors) != JSON_ARRAY)
        return;
    uint32_t row = 0;
    for (uint32_t at = errors + 1; json_next_element(doc, errors, &at, &row);) {
        (void)buf_append_text(out, "\n  ");
        if (append_member(doc, row, "field", out))
            (void)buf_append_text(out, ": ");
        (void)append_member(doc, row, "message", out);
    }
}

void client_print_problem(const struct client_answer *answer, struct buf *out)
{
    const struct json_doc *doc = &answer->doc;
    if (doc->count == 0 || json_type(doc, 0) != JSON_OBJECT) {
        (void)buf_append_format(out, "the engine answered %d", answer->status);
        return;
    }
    // With a list of errors the detail only repeats the first of them.
    bool has_rows = json_get(doc, 0, SPAN("errors")) != JSON_NONE;
    const char *first = has_rows ? "title" : "detail";
    const char *second = has_rows ? "detail" : "title";
    if (!append_member(doc, 0, first, out) && !append_member(doc, 0, second, out))
        (void)buf_append_format(out, "the engine answered %d", answer->status);
    append_errors(doc, out);
}

enum cmd_exit client_do(struct client *client, const char *method, const char *path,
                        struct span body, struct client_answer *answer)
{
    struct errmsg message;
    enum err err = client_call(client, method, path, body, answer, &message);
    if (err != OK) {
        fprintf(stderr, "grapnel: %s\n", message.text);
        return err == ERR_FULL ? CMD_FAILED : CMD_UNREACHABLE;
    }
    if (answer->status >= 200 && answer->status < 300)
        return CMD_DONE;
    struct buf problem;
    buf_init(&problem, MAX_PROBLEM);
    client_print_problem(answer, &problem);
    fprintf(stderr, "grapnel: %s\n", buf_text(&problem));
    buf_deinit(&problem);
    return CMD_FAILED;
}

void client_append_escaped(struct buf *path, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || (c != 0 && strchr("-._~", c) != NULL);
        if (is_plain)
            (void)buf_append_char(path, (char)c);
        else
            (void)buf_append_format(path, "%%%02X", c);
    }
}
