// SPDX-License-Identifier: MIT
// grapnel test PATH...: golden tests of scripts, without an engine; the main thread.
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "cli/cmd.h"
#include "cli/local_host.h"
#include "cli/view.h"
#include "json/json_write.h"
#include "script/library.h"

#define MAX_FILES 1000
#define MAX_LINE  ((size_t)8 * 1024 * 1024) // bytes of an object of --output json

enum format { FORMAT_TABLE, FORMAT_TAP, FORMAT_JSON };

struct testing {
    enum format format;
    struct local_host host;
    char **paths; // owned
    size_t path_count;
    const char *path;                // that is tested, as it was found
    struct span name;                // of its script
    bool is_done;                    // it is
    size_t scripts, tests, failures; // tests that failed
    size_t unusable;                 // scripts that could not be tested
    size_t points;                   // of TAP
};

// ---- finding scripts ---------------------------------------------------------------------------

static bool is_script(const char *file)
{
    size_t len = strlen(file);
    return len > 4 && file[0] != '.' && strcmp(file + len - 4, ".lua") == 0;
}

static enum err add_path(struct testing *t, const char *folder, const char *file,
                         struct errmsg *message)
{
    struct buf path;
    if (t->path_count == MAX_FILES) {
        errmsg_set(message, "more than %d scripts", MAX_FILES);
        return ERR_FULL;
    }
    buf_init(&path, 8192);
    size_t len = folder != NULL ? strlen(folder) : 0;
    if (len > 0)
        (void)buf_append_format(&path, "%s%s", folder, folder[len - 1] == '/' ? "" : "/");
    (void)buf_append_text(&path, file);
    t->paths = xrealloc(t->paths, (t->path_count + 1) * sizeof *t->paths);
    t->paths[t->path_count++] = xstrdup(buf_text(&path));
    buf_deinit(&path);
    return OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum err add_folder(struct testing *t, const char *path, struct errmsg *message)
{
    size_t before = t->path_count;
    enum err err = OK;
    struct dirent *entry;
    DIR *folder = opendir(path);
    if (folder == NULL) {
        err = err_from_errno(errno);
        errmsg_set(message, "%s: %s", path, err_text(err));
        return err;
    }
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this function's own
    while (err == OK && (entry = readdir(folder)) != NULL) {
        if (is_script(entry->d_name))
            err = add_path(t, path, entry->d_name, message);
    }
    (void)closedir(folder);
    size_t count = t->path_count - before;
    if (count > 1)
        qsort(t->paths + before, count, sizeof *t->paths, by_name);
    if (err == OK && count == 0) {
        errmsg_set(message, "%s: no file in this folder ends in .lua", path);
        err = ERR_NOT_FOUND;
    }
    return err;
}

static enum err find(struct testing *t, const struct args *args, struct errmsg *message)
{
    enum err err = OK;
    for (size_t i = 0; i < args->word_count && err == OK; i++) {
        struct stat st;
        const char *path = args->words[i];
        if (stat(path, &st) != 0) {
            err = err_from_errno(errno);
            errmsg_set(message, "%s: %s", path, err_text(err));
        } else if (S_ISDIR(st.st_mode)) {
            err = add_folder(t, path, message);
        } else {
            err = add_path(t, NULL, path, message);
        }
    }
    return err;
}

// ---- saying what came of it --------------------------------------------------------------------

// Each line of `text` behind `before`; safe for a terminal.
static void put_lines(struct view *view, const char *before, struct span text)
{
    struct span line;
    while (text.len > 0 && span_split(&text, '\n', &line)) {
        if (line.len == 0)
            continue;
        view_format(view, "%s", before);
        view_put(view, line);
        view_format(view, "\n");
    }
}

static void put_place(struct view *view, const struct testing *t, int64_t line)
{
    view_put(view, span_of(t->path));
    if (line > 0)
        view_format(view, ":%lld", (long long)line);
}

static void put_tap_point(struct testing *t, struct view *view, bool is_ok, struct span name)
{
    view_format(view, "%sok %zu - ", is_ok ? "" : "not ", ++t->points);
    view_put(view, t->name);
    view_format(view, ": ");
    for (size_t i = 0; i < name.len; i++) { // "#" would begin a directive
        if (name.at[i] == '#' || name.at[i] == '\\')
            view_format(view, "\\");
        view_put(view, span_make(name.at + i, 1));
    }
    view_format(view, "\n");
}

static void put_tap_reason(struct testing *t, struct view *view, int64_t line, struct span reason)
{
    view_format(view, "  ---\n  at: ");
    put_place(view, t, line);
    view_format(view, "\n  message: |\n");
    put_lines(view, "    ", reason);
    view_format(view, "  ...\n");
}

static void put_tap(struct testing *t, struct view *view, const struct script_draft_outcome *o)
{
    uint32_t row = JSON_NONE;
    bool has_rows = view->doc->count > 0;
    for (uint32_t at = 1; has_rows && json_next_element(view->doc, 0, &at, &row);) {
        bool is_ok = view_is_true(view, row, "is_ok");
        put_tap_point(t, view, is_ok, view_text(view, row, "name"));
        if (!is_ok)
            put_tap_reason(t, view, view_int(view, row, "line"), view_text(view, row, "report"));
    }
    if (has_rows && view->doc->nodes[0].count > 0)
        return;
    put_tap_point(t, view, o->reason.len == 0,
                  o->reason.len == 0 ? SPAN("loads, and has no tests") : SPAN("loads"));
    if (o->reason.len > 0)
        put_tap_reason(t, view, 0, o->reason);
}

static void put_failures(struct testing *t, struct view *view)
{
    uint32_t row = JSON_NONE;
    for (uint32_t at = 1; json_next_element(view->doc, 0, &at, &row);) {
        if (view_is_true(view, row, "is_ok"))
            continue;
        view_format(view, "    ");
        put_place(view, t, view_int(view, row, "line"));
        view_format(view, ": test %lld (", (long long)view_int(view, row, "number"));
        view_put(view, view_text(view, row, "name"));
        view_format(view, ")\n");
        put_lines(view, "    ", view_text(view, row, "report"));
    }
}

static void put_table(struct testing *t, struct view *view, const struct script_draft_outcome *o,
                      size_t failures)
{
    bool is_ok = o->reason.len == 0;
    view_put_styled(view, is_ok ? TERM_GOOD : TERM_BAD, is_ok ? SPAN("ok") : SPAN("FAILED"));
    view_format(view, "%s  ", is_ok ? "    " : "");
    view_put(view, span_of(t->path));
    if (is_ok && o->tests == 0)
        view_format(view, "   loads, and has no tests\n");
    else if (is_ok)
        view_format(view, "   %u %s\n", o->tests, o->tests == 1 ? "test" : "tests");
    else if (view->doc->count > 0 && failures > 0)
        view_format(view, "   %zu of %u %s\n", failures, o->tests,
                    o->tests == 1 ? "test" : "tests");
    else
        view_format(view, "\n");
    if (!is_ok && failures > 0 && view->doc->count > 0)
        put_failures(t, view);
    else if (!is_ok)
        put_lines(view, "    ", o->reason);
}

static void put_json(struct testing *t, const struct script_draft_outcome *o)
{
    struct buf line;
    struct json_writer w;
    buf_init(&line, MAX_LINE);
    json_write_init(&w, &line);
    json_write_object(&w);
    json_write_name(&w, "path");
    json_write_quoted_value(&w, span_of(t->path));
    json_write_name(&w, "script");
    json_write_quoted_value(&w, t->name);
    json_write_member_bool(&w, "is_ok", o->reason.len == 0);
    json_write_name(&w, "reason");
    if (o->reason.len > 0)
        json_write_quoted_value(&w, o->reason);
    else
        json_write_null(&w);
    json_write_member_raw(&w, "tests", o->results.len > 0 ? o->results : SPAN("[]"));
    json_write_end_object(&w);
    printf("%s\n", buf_text(&line));
    buf_deinit(&line);
}

static size_t count_failures(const struct json_doc *doc)
{
    uint32_t row = JSON_NONE;
    size_t failures = 0;
    for (uint32_t at = 1; doc->count > 0 && json_next_element(doc, 0, &at, &row);) {
        uint32_t is_ok = json_get(doc, row, SPAN("is_ok"));
        failures += is_ok == JSON_NONE || json_type(doc, is_ok) != JSON_TRUE;
    }
    return failures;
}

static void on_checked(void *context, const struct script_draft_outcome *outcome)
{
    struct testing *t = context;
    struct json_doc doc;
    struct json_error error;
    struct view view;
    json_init(&doc);
    if (outcome->results.len > 0)
        CHECK(json_parse(&doc, outcome->results, JSON_MAX_DEPTH, &error) == OK); // it was before
    size_t failures = count_failures(&doc);
    bool is_unusable = outcome->reason.len > 0 && failures == 0; // not loaded, or its host died
    t->tests += outcome->tests;
    t->failures += failures;
    t->unusable += is_unusable;
    failures += is_unusable;
    view_init(&view, &doc);
    if (t->format == FORMAT_TABLE)
        put_table(t, &view, outcome, failures);
    else if (t->format == FORMAT_TAP)
        put_tap(t, &view, outcome);
    else
        put_json(t, outcome);
    view_flush(&view);
    view_deinit(&view);
    json_deinit(&doc);
    script_draft_free(outcome->draft);
    t->is_done = true;
}

// ---- the command -------------------------------------------------------------------------------

static void test_file(struct testing *t, const char *path)
{
    struct buf name;
    struct buf source;
    struct errmsg message;
    buf_init(&name, 1024);
    buf_init(&source, LIBRARY_MAX_SOURCE);
    t->path = path;
    t->is_done = false;
    t->scripts++;
    if (local_host_read(path, &name, &source, &message) != OK) {
        struct script_draft_outcome outcome = {.reason = span_of(message.text)};
        t->name = span_of(path);
        on_checked(t, &outcome);
    } else {
        t->name = buf_span(&name);
        script_draft_check(t->host.script, t->name, buf_span(&source), on_checked, t);
        local_host_wait(&t->host, &t->is_done);
    }
    (void)fflush(stdout);
    buf_deinit(&name);
    buf_deinit(&source);
}

static void put_sum(const struct testing *t)
{
    if (t->format == FORMAT_TAP)
        printf("1..%zu\n", t->points);
    else if (t->format == FORMAT_TABLE)
        printf("%zu %s, %zu %s, %zu failed", t->scripts, t->scripts == 1 ? "script" : "scripts",
               t->tests, t->tests == 1 ? "test" : "tests", t->failures);
    if (t->format == FORMAT_TABLE && t->unusable > 0)
        printf(", %zu %s not be tested", t->unusable,
               t->unusable == 1 ? "script could" : "scripts could");
    if (t->format == FORMAT_TABLE)
        printf("\n");
}

static enum err read_format(const struct args *args, enum format *out, struct errmsg *message)
{
    static const char *const names[] = {"table", "tap", "json"};
    const char *output = args_value(args, "output");
    *out = args_has(args, "tap") ? FORMAT_TAP : FORMAT_TABLE;
    if (output == NULL)
        return OK;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(output, names[i]) != 0)
            continue;
        *out = (enum format)i;
        return OK;
    }
    errmsg_set(message, "--output is table, tap or json, not \"%.40s\"", output);
    return ERR_SYNTAX;
}

int cmd_test(const struct args *args)
{
    struct testing t = {.format = FORMAT_TABLE};
    struct errmsg message;
    int result = CMD_FAILED;
    if (read_format(args, &t.format, &message) != OK) {
        fprintf(stderr, "grapnel: %s\n", message.text);
        return CMD_USAGE;
    }
    if (find(&t, args, &message) != OK || local_host_start(&t.host, &message) != OK) {
        fprintf(stderr, "grapnel: %s\n", message.text);
    } else {
        if (t.format == FORMAT_TAP)
            printf("TAP version 13\n");
        for (size_t i = 0; i < t.path_count; i++)
            test_file(&t, t.paths[i]);
        put_sum(&t);
        local_host_stop(&t.host);
        result = t.failures + t.unusable > 0 ? CMD_FAILED : CMD_DONE;
    }
    for (size_t i = 0; i < t.path_count; i++)
        xfree(t.paths[i]);
    xfree(t.paths);
    return result;
}
