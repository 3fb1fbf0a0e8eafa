// SPDX-License-Identifier: MIT
// How long the JSON room takes: parse, find duplicates, merge, write; one row each, on one thread.
//
// json_bench [FILE...]: without files, documents made here, the first like DejaCode's example event.
// Built by hand or by run.sh, against the release build:
//   gcc -O2 -std=c11 -D_GNU_SOURCE -Icore tests/bench/json_bench.c build/release/libgrapnel_json.a
//       build/release/libgrapnel_base.a -luuid -luv -lpthread -o build/json_bench
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "json/json.h"
#include "json/json_edit.h"
#include "json/json_write.h"

#define MAX_FILE (64 << 20)
#define ROUNDS   15
#define ROUND_NS 20000000.0 // how long one round takes, about

struct work {
    struct span text;
    struct json_doc doc; // parsed before all but `parse`
    struct json_doc patch;
    struct buf out;
};

static const char event[] =
    "{\"event\":\"request.added\",\"data\":{\"api_url\":\"/api/v2/requests/fbc77986-06ff-4dbb-81c3-"
    "95cd36dbed66/\",\"absolute_url\":\"/requests/fbc77986-06ff-4dbb-81c3-95cd36dbed66/\",\"uuid\":"
    "\"fbc77986-06ff-4dbb-81c3-95cd36dbed66\",\"title\":\"New vulnerability detected\",\"request_"
    "template\":\"/api/v2/request_templates/f28a034f-d6df-4fa7-9283-a93730858616/\",\"request_"
    "template_name\":\"Address Vulnerabilities in Product "
    "Packages\",\"status\":\"open\",\"priority\":"
    "\"Urgent\",\"assignee\":\"username\",\"product_context\":null,\"notes\":\"\",\"serialized_"
    "data\":"
    "{\"Product Team Contact\":\"contact email\",\"Need By "
    "Date\":\"\",\"Notes\":\"\"},\"is_private\":"
    "false,\"requester\":\"username\",\"content_type\":\"product\",\"content_object\":null,"
    "\"content_"
    "object_display_name\":null,\"cc_emails\":[],\"last_modified_by\":null,\"created_date\":\"2025-"
    "08-"
    "14T13:48:26.909014+04:00\",\"last_modified_date\":\"2025-08-14T13:48:26.909035+04:00\","
    "\"comments\":[],\"dataspace\":\"Dataspace\"}}";
static const char patch[] = "{\"data\":null,\"channel\":\"#legal\",\"username\":\"DejaCode\"}";

// ---- what is measured ----

static void parse(struct work *w)
{
    struct json_error error;
    CHECK(json_parse(&w->doc, w->text, JSON_MAX_DEPTH, &error) == OK);
}

static void duplicate(struct work *w)
{
    CHECK(json_duplicate(&w->doc, 0) == JSON_NONE);
}

static void merge(struct work *w)
{
    buf_clear(&w->out);
    CHECK(json_edit_merge(&w->out, &w->doc, 0, &w->patch, 0) == OK);
}

static void quote(struct work *w)
{
    buf_clear(&w->out);
    json_write_quoted(&w->out, w->text);
}

static double best_ns(struct work *w, void (*run)(struct work *))
{
    double best = 1e18;
    double one = 1000;
    for (int round = 0; round < ROUNDS; round++) {
        long times = (long)(ROUND_NS / one) + 1;
        int64_t start = clock_thread_cpu_ns();
        for (long i = 0; i < times; i++)
            run(w);
        one = (double)(clock_thread_cpu_ns() - start) / (double)times;
        if (one < best)
            best = one;
    }
    return best;
}

static void row(const char *what, const char *name, struct work *w, void (*run)(struct work *))
{
    double ns = best_ns(w, run);
    double kib = (double)w->text.len / 1024;
    printf("json %-9s %-16s %8zu bytes %9.3f us %7.3f us/KiB\n", what, name, w->text.len, ns / 1000,
           ns / 1000 / kib);
}

static void measure(const char *name, struct span text)
{
    struct work w = {.text = text};
    struct json_error error;
    json_init(&w.doc);
    json_init(&w.patch);
    buf_init(&w.out, 8 * text.len + 1024);
    if (json_parse(&w.doc, text, JSON_MAX_DEPTH, &error)) {
        fprintf(stderr, "%s: %s at byte %zu\n", name, error.message, error.offset);
        exit(1);
    }
    CHECK(json_parse(&w.patch, SPAN(patch), JSON_MAX_DEPTH, &error) == OK);
    row("parse", name, &w, parse);
    if (json_type(&w.doc, 0) == JSON_OBJECT) {
        row("duplicate", name, &w, duplicate);
        row("merge", name, &w, merge);
    }
    row("quote", name, &w, quote);
    json_deinit(&w.doc);
    json_deinit(&w.patch);
    buf_deinit(&w.out);
}

// ---- documents ----

static void measure_repeated(const char *name, const char *first, const char *item, int count)
{
    struct buf text;
    buf_init(&text, 1 << 24);
    buf_append_text(&text, first);
    for (int i = 0; i < count; i++) {
        buf_append_text(&text, i ? "," : "");
        buf_append_text(&text, item);
    }
    buf_append_char(&text, ']');
    measure(name, buf_span(&text));
    buf_deinit(&text);
}

static void measure_many_names(void)
{
    struct buf text;
    buf_init(&text, 1 << 24);
    for (int i = 0; i < 50000; i++)
        buf_append_format(&text, "%c\"member %d\":%d", i ? ',' : '{', i, i);
    buf_append_char(&text, '}');
    measure("many names", buf_span(&text));
    buf_deinit(&text);
}

static void measure_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(1);
    }
    char *bytes = xmalloc(MAX_FILE);
    size_t len = fread(bytes, 1, MAX_FILE, file);
    fclose(file);
    measure(path, span_make(bytes, len));
    xfree(bytes);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        measure_file(argv[i]);
    if (argc > 1)
        return 0;
    measure("event", SPAN(event));
    measure_repeated("events", "[", event, 500);
    measure_repeated("long text", "[", "\"A line of a comment that somebody wrote, quite long.\"",
                     2000);
    measure_repeated("cyrillic", "[",
                     "\"\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82, \xd0\xbc\xd0\xb8\xd1\x80 "
                     "\xd0\xb8 \xd0\xb2\xd1\x81\xd0\xb5\"",
                     2000);
    measure_repeated("escapes", "[", "\"a\\n\\u00e9\\\"b\\\"\\ud83d\\ude00\"", 2000);
    measure_repeated("numbers", "[", "1234567,-12.5,3,0.25,1e14", 2000);
    measure_repeated("spaced", "[\n",
                     "    {\n        \"name\": \"x\",\n        \"value\": 1\n    }\n", 1000);
    measure_repeated("brackets", "[", "[],{}", 10000);
    measure_many_names();
    return 0;
}
