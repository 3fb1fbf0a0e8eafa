// SPDX-License-Identifier: MIT
// The engine's HTTP API over its admin socket, one call after the other, by libcurl; blocking, the
// main thread.
#pragma once

#include "base/buf.h"
#include "cli/args.h"
#include "cli/cmd.h"
#include "json/json.h"

#define CLIENT_MAX_ANSWER  (64 << 20) // bytes
#define CLIENT_DEFAULT     "/run/grapnel/admin.sock"
#define CLIENT_ENVIRONMENT "GRAPNEL_ADMIN_SOCKET"

struct client;

// --socket, else the environment, else the default.
const char *client_socket(const struct args *args);
struct client *client_new(const char *socket_path);
void client_free(struct client *client); // NULL is fine

struct client_answer {
    int status;          // of HTTP
    struct buf body;     // owned
    struct json_doc doc; // owned; of the body: empty (count 0) when that is no JSON
};
void client_answer_init(struct client_answer *answer);
void client_answer_deinit(struct client_answer *answer);

// Sends `body` as JSON ("" sends none) and reads the whole answer, whatever its status. ERR_CLOSED
// (nobody listens there), ERR_DENIED, ERR_TIMEOUT, ERR_IO, ERR_FULL: no answer, and the message says
// what to do.
MUST_CHECK enum err client_call(struct client *client, const char *method, const char *path,
                                struct span body, struct client_answer *answer,
                                struct errmsg *message);
// What a refusal (status 400 and above) says, for people: the detail, and each row of `errors`.
void client_print_problem(const struct client_answer *answer, struct buf *out);
// Both in one: a failure is printed on standard error. CMD_DONE: the answer is a 2xx one.
enum cmd_exit client_do(struct client *client, const char *method, const char *path,
                        struct span body, struct client_answer *answer);

// Appends text as a part of a path or a query argument: everything but letters, digits and "-._~"
// as %XX.
void client_append_escaped(struct buf *path, struct span text);
