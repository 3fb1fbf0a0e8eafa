// SPDX-License-Identifier: MIT
// CPU seconds per 10,000 renders inside one process, beside what the design measured (script_host.md, B2).
//
// render_bench [EVENT [PART OF A ROW'S NAME]], in the top folder. Built by hand against the release
// build, as json_bench.c is:
//   gcc -O2 -std=c11 -D_GNU_SOURCE -Icore $(pkg-config --cflags lua5.4) tests/bench/render_bench.c
//       build/release/libgrapnel_{sandbox,frame,modules,crypto,json,base}.a
//       $(find /usr/lib -name liblua5.4-cjson.a) -llua5.4 -lcrypto -lseccomp -luv -luuid -lm
//       -o build/render_bench
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "sandbox/pipeline.h"

#define RENDERS 20000
#define ROUNDS  5

struct bench {
    const char *name;
    const char *source;
    double design; // CPU s per 10,000, in process, lazy tables
};

#define HEAD "local crypto = require 'grapnel.crypto' return { api = 1, "
#define SIGN                                                                    \
    "sign = function(r, e, c) r.headers['X-Hub-Signature-256'] = 'sha256=' .. " \
    "crypto.hex(crypto.hmac('sha256', c.secret, r.body)) end, "
#define FILTER(value)                                                                           \
    "filter = function(e) return e.data.priority == 'Urgent' and e.data.status == '" value "' " \
    "end, "

static const struct bench benches[] = {
    {"no functions", "return { api = 1 }", .0085},
    {"sign only", HEAD SIGN "}", .0212},
    {"filter reads 2 fields, false", HEAD FILTER("closed") "}", .0167},
    {"filter reads 2 fields, sign", HEAD FILTER("open") SIGN "}", .0375},
    {"add 1 root member, sign", HEAD "transform = function(r) r.body.extra = 'x' end, " SIGN "}",
     .0420},
    {"change nested, add, header, sign",
     HEAD "transform = function(r) r.body.data.status = 'closed' r.body.extra = 'x' "
          "r.headers['X-Kind'] = 'y' end, " SIGN "}",
     .0645},
    {"walk everything, sign",
     HEAD "transform = function(r) local function walk(t) for _, v in pairs(t) do if type(v) == "
          "'table' then walk(v) end end end walk(r.body) end, " SIGN "}",
     .194},
    {"deep copy in C, sign",
     "local json = require 'grapnel.json' " HEAD
     "transform = function(r) r.body = json.copy(r.body) end, " SIGN "}",
     .340},
};

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static enum visit_result call_in_coroutine(void *context, lua_State *L, int arguments, int results)
{
    (void)context;
    int count = 0;
    lua_State *co = lua_newthread(L);
    lua_insert(L, 1); // keeps it
    lua_xmove(L, co, arguments + 1);
    int status = lua_resume(co, L, arguments, &count);
    lua_xmove(co, L, status == LUA_OK ? results : 1);
    lua_remove(L, 1);
    return status == LUA_OK ? VISIT_DONE : VISIT_ERROR;
}

static char *read_event(const char *path)
{
    static char text[65536];
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        exit(1);
    }
    text[fread(text, 1, sizeof(text) - 1, file)] = 0;
    fclose(file);
    return text;
}

static double run(const struct bench *bench, const struct visit_in *in)
{
    struct errmsg message;
    struct pipeline *pipeline = pipeline_new(call_in_coroutine, NULL, 1 << 22);
    struct pipeline_script *script;
    struct pipeline_load load = {.name = "bench", .source = span_of(bench->source)};
    lua_State *L = luaL_newstate();
    if (pipeline_load(pipeline, L, &load, &script, &message)) {
        fprintf(stderr, "%s: %s\n", bench->name, message.text);
        exit(1);
    }
    struct visit_script use = {.script = script};
    struct visit_in visit = *in;
    struct visit_out out;
    visit.scripts = &use;
    visit.script_count = 1;
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double start = cpu_seconds();
        for (int i = 0; i < RENDERS; i++) {
            pipeline_visit(pipeline, &visit, &out);
            if (out.result != VISIT_DONE && out.result != VISIT_FILTERED) {
                fprintf(stderr, "%s: %.*s\n", bench->name, SPAN_ARGS(out.reason));
                exit(1);
            }
        }
        double took = (cpu_seconds() - start) * 10000 / RENDERS;
        best = took < best ? took : best;
    }
    pipeline_unload(script);
    lua_close(L);
    pipeline_free(pipeline);
    return best;
}

int main(int argc, char **argv)
{
    const char *event = read_event(argc > 1 ? argv[1] : "tests/support/request_added.json");
    struct span data = span_trim(span_of(event));
    struct buf body;
    buf_init(&body, 1 << 20);
    buf_append_text(&body, "{\"hook\":{\"uuid\":\"00000000-0000-4000-8000-000000000000\",\"event\":"
                           "\"request.added\",\"target\":\"https://example.com/\"},\"data\":");
    size_t at = body.len;
    buf_append_span(&body, data);
    buf_append_char(&body, '}');
    struct visit_header headers[] = {
        {.name = SPAN("Content-Type"), .value = SPAN("application/json")},
        {.name = SPAN("User-Agent"), .value = SPAN("grapnel/0.1")},
        {.name = SPAN("webhook-id"), .value = SPAN("019ab000-0000-7000-8000-000000000000")},
        {.name = SPAN("webhook-timestamp"), .value = SPAN("1767225600")},
    };
    struct span secret = SPAN("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    struct visit_in in = {
        .event_id = SPAN("019ab000-0000-7000-8000-000000000000"),
        .event_name = SPAN("request.added"),
        .event_time = SPAN("2026-01-01T00:00:00Z"),
        .form = VISIT_FORM_DATA,
        .data = span_make(body.at + at, data.len),
        .tenant = SPAN("default"),
        .webhook_uuid = SPAN("00000000-0000-4000-8000-000000000000"),
        .target = SPAN("https://example.com/"),
        .secrets = &secret,
        .secret_count = 1,
        .attempt_number = 1,
        .attempt_at = 1767225600,
        .method = SPAN("POST"),
        .url = SPAN("https://example.com/"),
        .body = buf_span(&body),
        .headers = headers,
        .header_count = COUNT_OF(headers),
    };
    printf("%-36s %8s %8s %6s\n", "CPU s per 10,000", "now", "design", "ratio");
    for (size_t i = 0; i < COUNT_OF(benches); i++) {
        if (argc > 2 && strstr(benches[i].name, argv[2]) == NULL)
            continue;
        double took = run(&benches[i], &in);
        printf("%-36s %8.4f %8.4f %6.2f\n", benches[i].name, took, benches[i].design,
               took / benches[i].design);
    }
    buf_deinit(&body);
    return 0;
}
