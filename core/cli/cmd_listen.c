// SPDX-License-Identifier: MIT
// grapnel listen: prints requests, verifies their signatures, answers as told; the main thread.
//
// Standard output has the requests only; what listen itself says goes to standard error.
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/date.h"
#include "base/mem.h"
#include "base/units.h"
#include "cli/cmd.h"
#include "cli/receiver.h"
#include "cli/term.h"
#include "cli/verify.h"
#include "crypto/codec.h"
#include "crypto/mac.h"
#include "json/json.h"
#include "json/json_write.h"

#define DEFAULT_ADDRESS "127.0.0.1:8000"
#define MAX_STATUSES    64
#define MAX_OUTPUT      (INCOMING_MAX_BODY * 8)

struct listening {
    const struct args *args; // borrowed
    enum verify_scheme scheme;
    int statuses[MAX_STATUSES];
    size_t status_count;
    int64_t delay_ms, count; // count 0: no end
    bool is_json, has_colour;
    uint64_t requests, refused; // refused: their signature did not fit
    struct receiver *receiver;  // NULL once it has stopped
    uv_signal_t signals[2];
    struct buf out; // one request as it is printed
};

// ---- options -----------------------------------------------------------------------------------

static enum err read_statuses(struct listening *l, const char *text, struct errmsg *message)
{
    struct span rest = span_of(text);
    struct span part;
    while (span_split(&rest, ',', &part)) {
        int64_t status = 0;
        if (!span_to_int64(span_trim(part), &status) || status < 200 || status > 599 ||
            l->status_count == MAX_STATUSES) {
            errmsg_set(message, "--status: \"%.40s\" is no list of statuses such as 500,500,200",
                       text);
            return ERR_SYNTAX;
        }
        l->statuses[l->status_count++] = (int)status;
    }
    return OK;
}

static enum err read_secrets(struct listening *l, struct errmsg *message)
{
    const char *scheme = args_value(l->args, "scheme");
    const char *secret;
    enum err err = OK;
    if (scheme != NULL && !args_has(l->args, "secret")) {
        errmsg_set(message, "--scheme needs --secret: without one nothing is verified");
        return ERR_SYNTAX;
    }
    if (scheme != NULL)
        err = verify_scheme_parse(span_of(scheme), &l->scheme, message);
    for (size_t i = 0; err == OK && (secret = args_nth(l->args, "secret", i)) != NULL; i++)
        err = verify_secret_check(l->scheme, span_of(secret), message);
    return err;
}

static enum err read_options(struct listening *l, struct errmsg *message)
{
    const char *status = args_value(l->args, "status");
    const char *output = args_value(l->args, "output");
    enum err err = status != NULL ? read_statuses(l, status, message) : OK;
    if (err == OK)
        err = read_secrets(l, message);
    if (err == OK)
        err = args_duration(l->args, "delay", &l->delay_ms, message);
    if (err == OK)
        err = args_number(l->args, "count", 1, INT64_MAX, &l->count, message);
    if (err != OK)
        return err;
    l->is_json = output != NULL && (strcmp(output, "json") == 0 || strcmp(output, "ndjson") == 0);
    if (output != NULL && !l->is_json && strcmp(output, "table") != 0) {
        errmsg_set(message, "--output is table or json, not \"%.40s\"", output);
        return ERR_SYNTAX;
    }
    l->has_colour = !l->is_json && term_has_colour(stdout);
    return OK;
}

// ---- one request -------------------------------------------------------------------------------

// Good with any of the secrets; else the detail is the first one's.
static bool verify(const struct listening *l, const struct incoming *request, struct errmsg *detail)
{
    const char *secret;
    struct errmsg other = {""};
    int64_t now_s = clock_system_ms() / 1000;
    for (size_t i = 0; (secret = args_nth(l->args, "secret", i)) != NULL; i++) {
        struct errmsg *to = i == 0 ? detail : &other;
        if (verify_request(l->scheme, span_of(secret), request, now_s, to)) {
            *detail = *to;
            return true;
        }
    }
    return false;
}

static void print_people(struct listening *l, const struct incoming *request, bool is_verified,
                         const struct errmsg *detail)
{
    struct buf *out = &l->out;
    const char *plain = term_style(TERM_PLAIN, l->has_colour);
    (void)buf_append_text(out, l->requests > 1 ? "\n" : "");
    (void)buf_append_text(out, term_style(TERM_BOLD, l->has_colour));
    term_append_safe(out, request->line, false);
    (void)buf_append_format(out, "%s\n", plain);
    for (size_t i = 0; i < request->header_count; i++) {
        term_append_safe(out, request->headers[i].name, false);
        (void)buf_append_text(out, ": ");
        term_append_safe(out, request->headers[i].value, false);
        (void)buf_append_char(out, '\n');
    }
    (void)buf_append_char(out, '\n');
    term_append_safe(out, request->body, true);
    (void)buf_append_text(out, request->body.len > 0 ? "\n" : "");
    if (detail == NULL)
        return;
    (void)buf_append_format(out, "signature: %s%s%s (%s)\n",
                            term_style(is_verified ? TERM_GOOD : TERM_BAD, l->has_colour),
                            is_verified ? "verified" : "NOT VERIFIED", plain, detail->text);
}

static void print_headers(struct json_writer *w, const struct incoming *request)
{
    json_write_name(w, "headers");
    json_write_array(w);
    for (size_t i = 0; i < request->header_count; i++) {
        json_write_array(w);
        json_write_quoted_value(w, request->headers[i].name);
        json_write_quoted_value(w, request->headers[i].value);
        json_write_end_array(w);
    }
    json_write_end_array(w);
}

static void print_body(struct json_writer *w, struct span body)
{
    json_write_name(w, "body");
    json_write_quoted_value(w, body);
    if (json_utf8_prefix(body) == body.len)
        return;
    struct buf text;
    buf_init(&text, INCOMING_MAX_BODY * 2);
    if (codec_to_base64(&text, body) == OK)
        json_write_member_string(w, "body_base64", buf_span(&text));
    buf_deinit(&text);
}

static void print_json(struct listening *l, const struct incoming *request, const char *remote,
                       bool is_verified, const struct errmsg *detail,
                       const struct receiver_answer *answer)
{
    struct json_writer w;
    json_write_init(&w, &l->out);
    json_write_object(&w);
    json_write_member_int(&w, "number", (int64_t)l->requests);
    json_write_name(&w, "received_at");
    json_write_date_ms(&w, clock_system_ms());
    json_write_member_text(&w, "remote", remote);
    json_write_name(&w, "method");
    json_write_quoted_value(&w, request->method);
    json_write_name(&w, "target");
    json_write_quoted_value(&w, request->target);
    print_headers(&w, request);
    print_body(&w, request->body);
    json_write_name(&w, "signature");
    if (detail == NULL) {
        json_write_null(&w);
    } else {
        json_write_object(&w);
        json_write_member_bool(&w, "verified", is_verified);
        json_write_member_text(&w, "detail", detail->text);
        json_write_end_object(&w);
    }
    json_write_name(&w, "status");
    if (answer->is_dropped)
        json_write_null(&w);
    else
        json_write_int(&w, answer->status);
    json_write_end_object(&w);
    (void)buf_append_char(&l->out, '\n');
}

static void on_request(void *context, const struct incoming *request, const char *remote,
                       struct receiver_answer *answer)
{
    struct listening *l = context;
    struct errmsg detail;
    bool has_secret = args_has(l->args, "secret");
    bool is_verified = has_secret && verify(l, request, &detail);
    size_t turn = l->requests < l->status_count ? (size_t)l->requests : l->status_count - 1;
    l->requests++;
    l->refused += has_secret && !is_verified;
    answer->status = l->status_count > 0 ? l->statuses[turn] : 204;
    answer->delay_ms = l->delay_ms;
    answer->is_dropped = args_has(l->args, "drop");
    answer->is_last = l->count > 0 && l->requests >= (uint64_t)l->count;
    buf_clear(&l->out);
    if (l->is_json)
        print_json(l, request, remote, is_verified, has_secret ? &detail : NULL, answer);
    else
        print_people(l, request, is_verified, has_secret ? &detail : NULL);
    (void)fwrite(l->out.at, 1, l->out.len, stdout);
    (void)fflush(stdout);
    buf_reset(&l->out, 65536);
}

// ---- running -----------------------------------------------------------------------------------

static void on_signal(uv_signal_t *handle, int number)
{
    struct listening *l = handle->data;
    (void)number;
    if (l->receiver != NULL)
        receiver_stop(l->receiver);
}

static void on_done(void *context)
{
    struct listening *l = context;
    l->receiver = NULL;
    for (size_t i = 0; i < COUNT_OF(l->signals); i++)
        uv_close((uv_handle_t *)&l->signals[i], NULL);
}

static void watch_signals(struct listening *l, uv_loop_t *loop)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        CHECK(uv_signal_init(loop, &l->signals[i]) == 0);
        l->signals[i].data = l;
        CHECK(uv_signal_start(&l->signals[i], on_signal, numbers[i]) == 0);
    }
}

static int run(struct listening *l, struct errmsg *message)
{
    uv_loop_t loop;
    struct receiver_config config = {
        .address = l->args->word_count > 0 ? l->args->words[0] : DEFAULT_ADDRESS,
        .on_request = on_request,
        .on_done = on_done,
        .context = l,
    };
    CHECK(uv_loop_init(&loop) == 0);
    enum err err = receiver_start(&l->receiver, &loop, &config, message);
    if (err == OK) {
        watch_signals(l, &loop);
        fprintf(stderr, "listening on %s\n", receiver_url(l->receiver));
    }
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop) == 0);
    if (err != OK)
        fprintf(stderr, "grapnel: %s\n", message->text);
    if (err != OK)
        return err == ERR_SYNTAX ? CMD_USAGE : CMD_FAILED;
    return l->refused > 0 ? CMD_FAILED : CMD_DONE;
}

int cmd_listen(const struct args *args)
{
    struct listening l = {.args = args};
    struct errmsg message;
    if (clock_init(&message) != OK || read_options(&l, &message) != OK) {
        fprintf(stderr, "grapnel: %s\n", message.text);
        return CMD_USAGE;
    }
    mac_warm_up();
    buf_init(&l.out, MAX_OUTPUT);
    int result = run(&l, &message);
    buf_deinit(&l.out);
    return result;
}
