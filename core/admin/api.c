// SPDX-License-Identifier: MIT
// Routing, rights, refusals: from a whole request to its handler and back; main only.
#include "admin/api.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "crypto/eventid.h"

#define ARENA_BYTES (64 * 1024 * 1024)

static const struct {
    const char *method, *pattern, *summary;
    enum api_role role;
    api_handler_fn *handler;
} routes[] = {
#define X(method, pattern, role, handler, summary) \
    {#method, pattern, summary, ROLE_##role, api_##handler},
#include "admin/api.def"
#undef X
};

static const struct {
    const char *name, *title, *meaning;
    int status;
} problems_table[] = {
#define X(name, text, status, title, meaning) {text, title, meaning, status},
#include "admin/problem_types.def"
#undef X
};

// ---- answers -----------------------------------------------------------------------------------

static void end(struct api_call *call, int status, const char *content_type)
{
    struct http_request *request = call->request;
    call->admin->calls--;
    arena_deinit(&call->arena);
    call->magic = 0;
    xfree(call);
    http_answer(request, status, content_type);
}

void api_send(struct api_call *call, int status)
{
    if (call->request->answer.is_full) { // longer than an answer may be
        buf_clear(&call->request->answer);
        api_refuse(call, PROBLEM_INTERNAL, "the answer is too long: ask for fewer rows");
        return;
    }
    (void)buf_append_char(&call->request->answer, '\n');
    end(call, status, "application/json");
}

void api_send_text(struct api_call *call, int status, const char *content_type)
{
    end(call, status, content_type);
}

void api_send_empty(struct api_call *call, int status)
{
    buf_clear(&call->request->answer);
    end(call, status, NULL);
}

static void begin_problem(struct api_call *call, enum api_problem problem, int status,
                          struct span detail)
{
    char type[64];
    struct json_writer *w = &call->json;
    buf_clear(&call->request->answer);
    json_write_init(w, &call->request->answer);
    snprintf(type, sizeof type, "/problems/%s", problems_table[problem].name);
    json_write_object(w);
    json_write_member_text(w, "type", type);
    json_write_member_text(w, "title", problems_table[problem].title);
    json_write_member_int(w, "status", status);
    json_write_member_string(w, "detail", detail);
}

static void end_problem(struct api_call *call, int status)
{
    json_write_end_object(&call->json);
    (void)buf_append_char(&call->request->answer, '\n');
    end(call, status, "application/problem+json");
}

void api_refuse(struct api_call *call, enum api_problem problem, const char *format, ...)
{
    char detail[512];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    begin_problem(call, problem, problems_table[problem].status, span_of(detail));
    end_problem(call, problems_table[problem].status);
}

void api_refuse_fields(struct api_call *call, const struct problems *problems)
{
    struct json_writer *w = &call->json;
    CHECK(problems->count > 0);
    begin_problem(call, PROBLEM_INVALID, problems_table[PROBLEM_INVALID].status,
                  problems->list[0].message);
    json_write_name(w, "errors");
    json_write_array(w);
    for (size_t i = 0; i < problems->count; i++) {
        json_write_object(w);
        json_write_member_string(w, "field", problems->list[i].field);
        json_write_member_string(w, "message", problems->list[i].message);
        json_write_end_object(w);
    }
    json_write_end_array(w);
    if (problems->more > 0)
        json_write_member_int(w, "more_errors", (int64_t)problems->more);
    end_problem(call, problems_table[PROBLEM_INVALID].status);
}

void api_refuse_wire(struct api_call *call, const struct wire_reply *reply)
{
    struct json_writer *w = &call->json;
    begin_problem(call, PROBLEM_REFUSED, wire_code_status(reply->code), span_of(reply->message));
    json_write_member_text(w, "code", wire_code_name(reply->code));
    if (reply->has_offset)
        json_write_member_int(w, "offset", (int64_t)reply->offset);
    if (reply->retry_ms > 0)
        json_write_member_int(w, "retry_ms", reply->retry_ms);
    end_problem(call, wire_code_status(reply->code));
}

void api_refuse_err(struct api_call *call, enum err err)
{
    if (err == ERR_NOT_FOUND)
        api_refuse(call, PROBLEM_NOT_FOUND, "no such resource");
    else if (err == ERR_CONFLICT || err == ERR_EXISTS)
        api_refuse(call, PROBLEM_CONFLICT, "%s", err_text(err));
    else if (err == ERR_TIMEOUT)
        api_refuse(call, PROBLEM_UNAVAILABLE, "reading took too long: narrow the filters");
    else
        api_refuse(call, PROBLEM_UNAVAILABLE, "the store refused: %s", err_text(err));
}

// ---- routing -----------------------------------------------------------------------------------

// Does the path fit the pattern? The call gets what stood for {id} and {sid}.
static bool fits(struct api_call *call, struct span pattern, struct span path)
{
    struct span want;
    struct span have;
    call->id = call->sid = (struct span){NULL, 0};
    for (;;) {
        bool has_want = span_split(&pattern, '/', &want);
        bool has_have = span_split(&path, '/', &have);
        if (has_want != has_have)
            return false;
        if (!has_want)
            return true;
        if (span_is(want, "{id}") && have.len > 0)
            call->id = have;
        else if (span_is(want, "{sid}") && have.len > 0)
            call->sid = have;
        else if (!span_eq(want, have))
            return false;
    }
}

// What the one who asks may do; ROLE_PUBLIC: nothing that needs a right.
static enum api_role role_of(const struct http_request *request)
{
    if (!request->peer.is_unix)
        return ROLE_PUBLIC;
    return request->peer.uid == 0 || request->peer.uid == geteuid() ? ROLE_ADMIN : ROLE_PUBLIC;
}

static bool is_permitted(const struct admin *admin, enum api_role has, enum api_role needs,
                         struct span pattern)
{
    if (needs == ROLE_PUBLIC || has >= needs)
        return true;
    return span_is(pattern, "/metrics") &&
           span_is(span_of(admin->env.config->metrics_public), "true");
}

static void refuse_right(struct api_call *call)
{
    if (call->request->peer.is_unix)
        api_refuse(call, PROBLEM_FORBIDDEN,
                   "user %u is neither root nor the engine's own user (%u)",
                   call->request->peer.uid, (unsigned)geteuid());
    else
        api_refuse(call, PROBLEM_UNAUTHORIZED,
                   "a token is needed on TCP, and this version cannot make any yet: use the admin "
                   "socket %s",
                   call->admin->env.config->admin_socket);
}

static struct api_call *call_new(struct admin *admin, struct http_request *request)
{
    struct api_call *call = xcalloc(1, sizeof *call);
    call->magic = API_CALL_MAGIC;
    call->admin = admin;
    call->request = request;
    call->role = role_of(request);
    request->context = call;
    arena_init(&call->arena, ARENA_BYTES);
    json_write_init(&call->json, &request->answer);
    if (request->peer.is_unix)
        snprintf(call->by, sizeof call->by, "uid:%u", request->peer.uid);
    else
        snprintf(call->by, sizeof call->by, "tcp");
    admin->calls++;
    return call;
}

void api_on_request(void *context, struct http_request *request)
{
    struct admin *admin = context;
    struct api_call *call = call_new(admin, request);
    bool is_known = false;
    for (size_t i = 0; i < COUNT_OF(routes); i++) {
        struct span pattern = span_of(routes[i].pattern);
        if (!fits(call, pattern, request->path))
            continue;
        is_known = true;
        if (!span_is(request->method, routes[i].method) &&
            !(span_is(request->method, "HEAD") && span_is(span_of(routes[i].method), "GET")))
            continue;
        if (!is_permitted(admin, call->role, routes[i].role, pattern))
            refuse_right(call);
        else if (request->is_too_large)
            api_refuse(call, PROBLEM_TOO_LARGE, "the body is longer than %d bytes", HTTP_MAX_BODY);
        else
            routes[i].handler(call);
        return;
    }
    if (is_known)
        api_refuse(call, PROBLEM_METHOD, "%.*s is not for %.*s", SPAN_ARGS(request->path),
                   SPAN_ARGS(request->method));
    else
        api_refuse(call, PROBLEM_NOT_FOUND, "no such path: %.*s", SPAN_ARGS(request->path));
}

// ---- arguments ---------------------------------------------------------------------------------

struct only {
    const char *const *names;
    size_t count;
    struct problems *problems;
};

static void check_name(void *context, const char *name, const char *value)
{
    struct only *only = context;
    if (value == NULL)
        problem_add(only->problems, name, "has no value");
    for (size_t i = 0; i < only->count; i++) {
        if (span_is(span_of(name), only->names[i]))
            return;
    }
    const char *nearest = nearest_name(span_of(name), only->names, only->count);
    if (nearest != NULL)
        problem_add(only->problems, name, "unknown argument; did you mean \"%s\"?", nearest);
    else
        problem_add(only->problems, name, "unknown argument");
}

bool api_only(struct api_call *call, const char *const *names, size_t count)
{
    struct problems problems;
    struct only only = {names, count, &problems};
    problems_init(&problems);
    http_each_query(call->request, check_name, &only);
    bool is_good = problems.count == 0;
    if (!is_good)
        api_refuse_fields(call, &problems);
    problems_deinit(&problems);
    return is_good;
}

bool api_page(struct api_call *call, struct api_page *out)
{
    const char *limit = http_query(call->request, "limit");
    const char *cursor = http_query(call->request, "cursor");
    struct problems problems;
    int64_t number = 50;
    problems_init(&problems);
    *out = (struct api_page){0};
    if (limit != NULL && (!span_to_int64(span_of(limit), &number) || number < 1 || number > 250))
        problem_add(&problems, "limit", "must be a whole number from 1 to 250");
    out->limit = (uint32_t)number;
    if (cursor != NULL) {
        struct span text = span_of(cursor);
        out->has_cursor = text.len == UID_TEXT_LEN + 2 && text.at[1] == '-' &&
                          (text.at[0] == 'n' || text.at[0] == 'p') &&
                          uid_parse(span_make(text.at + 2, UID_TEXT_LEN), &out->at);
        out->is_back = out->has_cursor && text.at[0] == 'p';
        if (!out->has_cursor)
            problem_add(&problems, "cursor", "is none that this server gave");
    }
    bool is_good = problems.count == 0;
    if (!is_good)
        api_refuse_fields(call, &problems);
    problems_deinit(&problems);
    return is_good;
}

static void write_cursor(struct json_writer *w, const char *name, char kind, const struct uid *uid)
{
    char text[UID_TEXT_LEN + 3] = {kind, '-'};
    if (uid != NULL)
        uid_print(uid, text + 2);
    json_write_member_text(w, name, uid != NULL ? text : NULL);
}

void api_write_cursors(struct api_call *call, const struct uid *next, const struct uid *prev)
{
    write_cursor(&call->json, "next", 'n', next);
    write_cursor(&call->json, "prev", 'p', prev);
}

struct webhook *api_webhook(struct api_call *call)
{
    struct uid uuid;
    struct webhook *webhook = NULL;
    if (uid_parse(call->id, &uuid))
        webhook = dispatch_webhook(call->admin->env.dispatch, &uuid);
    if (webhook == NULL)
        api_refuse(call, PROBLEM_NOT_FOUND, "no webhook %.*s", SPAN_ARGS(call->id));
    return webhook;
}

// ---- what a refusal means ----------------------------------------------------------------------

void api_problem_page(struct api_call *call)
{
    for (size_t i = 0; i < COUNT_OF(problems_table); i++) {
        if (!span_is(call->id, problems_table[i].name))
            continue;
        (void)buf_append_format(&call->request->answer, "%s (%d)\n\n%s\n", problems_table[i].title,
                                problems_table[i].status, problems_table[i].meaning);
        api_send_text(call, 200, "text/plain; charset=utf-8");
        return;
    }
    api_refuse(call, PROBLEM_NOT_FOUND, "no such kind of problem");
}
