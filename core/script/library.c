// SPDX-License-Identifier: MIT
// Names and versions of scripts: what is active, what is still used, what lies on the disk; main only.
#include "script/library.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/embed.h"
#include "base/mem.h"
#include "crypto/mac.h"
#include "json/json.h"

#define MAX_NAME 64 // bytes of a script's name

struct library {
    struct library_version **active; // owned array of references, sorted by name
    size_t count;
    struct map by_number; // number → version; all that are referenced
    uint32_t next_number;
    uint32_t generation;
    struct library_version **former; // owned array of references: replaced, maybe pinned
    size_t former_count;
};

// ---- versions ----

struct library *library_new(void)
{
    struct library *library = xcalloc(1, sizeof(*library));
    map_init(&library->by_number);
    library->generation = 1;
    return library;
}

struct library_version *library_ref(struct library_version *version)
{
    version->refs++;
    return version;
}

void library_unref(struct library_version *version)
{
    if (version == NULL || --version->refs > 0)
        return;
    xfree(version->name);
    xfree(version->source);
    xfree(version->description);
    xfree(version->help_text);
    xfree(version);
}

void library_free(struct library *library)
{
    if (library == NULL)
        return;
    for (size_t i = 0; i < library->count; i++)
        library_unref(library->active[i]);
    for (size_t i = 0; i < library->former_count; i++)
        library_unref(library->former[i]);
    xfree(library->active);
    xfree(library->former);
    map_deinit(&library->by_number);
    xfree(library);
}

// Place of a name among the active ones, or where it would stand.
static size_t place_of(const struct library *library, struct span name, bool *is_there)
{
    size_t low = 0;
    size_t high = library->count;
    *is_there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = span_cmp(span_of(library->active[middle]->name), name);
        if (order == 0) {
            *is_there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool fits_pin(const struct library_version *version, struct span pin)
{
    return pin.len == 0 || (pin.len >= LIBRARY_MIN_PIN && pin.len <= LIBRARY_HASH_LEN &&
                            span_starts_with(span_make(version->hash, LIBRARY_HASH_LEN), pin));
}

struct library_version *library_find(const struct library *library, struct span name,
                                     struct span pin)
{
    bool is_there = false;
    size_t place = place_of(library, name, &is_there);
    if (is_there && fits_pin(library->active[place], pin))
        return library->active[place];
    for (size_t i = library->former_count; pin.len > 0 && i > 0; i--) {
        struct library_version *version = library->former[i - 1];
        if (span_is(name, version->name) && fits_pin(version, pin))
            return version;
    }
    return NULL;
}

struct library_version *library_by_number(const struct library *library, uint32_t number)
{
    return map_get(&library->by_number, number);
}

uint32_t library_generation(const struct library *library)
{
    return library->generation;
}

size_t library_count(const struct library *library)
{
    return library->count;
}

struct library_version *library_at(const struct library *library, size_t index)
{
    CHECK(index < library->count);
    return library->active[index];
}

static void hash_source(const char *source, size_t len, char out[LIBRARY_HASH_LEN + 1])
{
    uint8_t digest[MAC_MAX_LEN];
    mac_digest(MAC_SHA256, span_make(source, len), digest);
    for (size_t i = 0; i < LIBRARY_HASH_LEN / 2; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

bool library_has(const struct library *library, const struct library_candidate *candidate)
{
    bool is_there = false;
    size_t place = place_of(library, span_of(candidate->name), &is_there);
    if (!is_there)
        return false;
    const struct library_version *active = library->active[place];
    return active->origin == candidate->origin && active->len == candidate->len &&
           memcmp(active->source, candidate->source, active->len) == 0;
}

// ---- a host's description ----

static bool read_description(struct library_version *version)
{
    struct json_doc doc;
    struct json_error error;
    bool is_good = false;
    json_init(&doc);
    struct span text = span_of(version->description);
    if (json_parse(&doc, text, JSON_MAX_DEPTH, &error) == OK && json_type(&doc, 0) == JSON_OBJECT) {
        uint32_t help = json_get(&doc, 0, SPAN("help"));
        uint32_t options = json_get(&doc, 0, SPAN("options"));
        is_good = options != JSON_NONE && json_type(&doc, options) == JSON_ARRAY;
        if (is_good)
            version->options = json_raw(&doc, options);
        if (is_good && help != JSON_NONE && json_type(&doc, help) == JSON_STRING) {
            version->help_text = xmalloc(json_inside(&doc, help).len + 1);
            version->help =
                span_make(version->help_text, json_decode_string(&doc, help, version->help_text));
        }
    }
    json_deinit(&doc);
    return is_good;
}

// ---- becoming active ----

// A replaced version stays as long as the process does, because webhooks may pin it; the number of
// reloads that change a script bounds how many there are.
static void retire(struct library *library, struct library_version *version)
{
    library->former =
        xrealloc(library->former, (library->former_count + 1) * sizeof(struct library_version *));
    library->former[library->former_count++] = version;
    library->generation++;
}

bool library_activate(struct library *library, struct library_candidate *candidate,
                      uint32_t functions, struct span description)
{
    struct library_version *fresh = xcalloc(1, sizeof(*fresh));
    fresh->refs = 1;
    fresh->name = xstrdup(candidate->name);
    fresh->origin = candidate->origin;
    fresh->functions = functions;
    fresh->description = xmemdup0(description.at, description.len);
    if (!read_description(fresh)) {
        library_unref(fresh);
        return false;
    }
    fresh->number = ++library->next_number;
    fresh->source = candidate->source;
    fresh->len = candidate->len;
    candidate->source = NULL;
    hash_source(fresh->source, fresh->len, fresh->hash);
    (void)map_set(&library->by_number, fresh->number, fresh);

    bool is_there = false;
    size_t place = place_of(library, span_of(fresh->name), &is_there);
    if (is_there) {
        retire(library, library->active[place]);
    } else {
        library->active =
            xrealloc(library->active, (library->count + 1) * sizeof(struct library_version *));
        memmove(library->active + place + 1, library->active + place,
                (library->count - place) * sizeof(struct library_version *));
        library->count++;
    }
    library->active[place] = fresh;
    library->generation++;
    return true;
}

static bool is_candidate(const struct library_candidates *candidates, const char *name)
{
    for (size_t i = 0; i < candidates->count; i++)
        if (strcmp(candidates->list[i].name, name) == 0)
            return true;
    return false;
}

void library_retain(struct library *library, const struct library_candidates *candidates)
{
    size_t kept = 0;
    for (size_t i = 0; i < library->count; i++) {
        if (is_candidate(candidates, library->active[i]->name))
            library->active[kept++] = library->active[i];
        else
            retire(library, library->active[i]);
    }
    library->count = kept;
}

// ---- reading ----

struct reader {
    struct library_candidates *out;
    int folder; // descriptor
    void (*on_refused)(void *context, const char *name, const char *why);
    void *context;
};

// A name as webhooks may have it, then ".lua"; `len` gets that of the name.
static bool is_script_file(const char *file, size_t *len)
{
    struct span name = span_of(file);
    if (name.len < 5 || strcmp(file + name.len - 4, ".lua") != 0 || name.len - 4 > MAX_NAME)
        return false;
    *len = name.len - 4;
    for (size_t i = 0; i < *len; i++)
        if ((file[i] < 'a' || file[i] > 'z') && (file[i] < '0' || file[i] > '9') &&
            (file[i] != '-' || i == 0))
            return false;
    return true;
}

static void add(struct library_candidates *out, const char *name, size_t name_len, char *source,
                size_t len)
{
    for (size_t i = 0; i < out->count; i++) {
        struct library_candidate *old = &out->list[i];
        if (strlen(old->name) != name_len || memcmp(old->name, name, name_len) != 0)
            continue;
        xfree(old->source); // the folder's hides the built-in one
        old->source = source;
        old->len = len;
        old->origin = "scripts_dir";
        old->is_builtin = false;
        return;
    }
    out->list = xrealloc(out->list, (out->count + 1) * sizeof(*out->list));
    out->list[out->count++] = (struct library_candidate){
        .name = xmemdup0(name, name_len), .origin = "scripts_dir", .source = source, .len = len};
}

static void add_builtin(struct library_candidates *out)
{
    for (size_t i = 0; i < embedded_scripts_count; i++) {
        const struct embedded_file *file = &embedded_scripts[i];
        size_t len = 0;
        CHECK(is_script_file(file->name, &len));
        add(out, file->name, len, xmemdup0(file->text, file->len), file->len);
        out->list[out->count - 1].origin = "builtin";
        out->list[out->count - 1].is_builtin = true;
    }
}

// NULL with a reason in `why`.
static char *read_source(int folder, const char *file, size_t *len, const char **why)
{
    struct stat status;
    char *source = NULL;
    int fd = openat(folder, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *why = "cannot be opened";
    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        *why = "is no file";
    } else if (status.st_size > LIBRARY_MAX_SOURCE) {
        *why = "is larger than 256 KiB";
    } else {
        source = xmalloc((size_t)status.st_size + 1);
        ssize_t count = read(fd, source, (size_t)status.st_size);
        if (count != status.st_size) { // it is being written: the next reload gets it
            *why = "cannot be read, or is being written";
            xfree(source);
            source = NULL;
        } else {
            *len = (size_t)count;
        }
    }
    (void)close(fd);
    return source;
}

static void take_file(struct reader *r, const char *file)
{
    size_t name_len = 0;
    size_t len = 0;
    const char *why = NULL;
    if (file[0] == '.' || strlen(file) < 5 || strcmp(file + strlen(file) - 4, ".lua") != 0)
        return; // not meant to be one
    if (!is_script_file(file, &name_len)) {
        r->on_refused(r->context, file, "a name is at most 64 of a-z 0-9 - before .lua");
        return;
    }
    char *source = read_source(r->folder, file, &len, &why);
    if (source == NULL)
        r->on_refused(r->context, file, why);
    else
        add(r->out, file, name_len, source, len);
}

static enum err read_folder(struct reader *r, const char *path, struct errmsg *message)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        int error = errno;
        errmsg_set(message, "scripts_dir %s: %s", path, strerrordesc_np(error));
        return err_from_errno(error);
    }
    r->folder = dirfd(folder);
    struct dirent *entry;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this function's own
    for (int i = 0; i < LIBRARY_MAX_FILES && (entry = readdir(folder)) != NULL; i++)
        take_file(r, entry->d_name);
    (void)closedir(folder);
    return OK;
}

static int by_name(const void *a, const void *b)
{
    const struct library_candidate *left = a;
    const struct library_candidate *right = b;
    return strcmp(left->name, right->name);
}

enum err library_read(struct library_candidates *out, const char *folder,
                      void (*on_refused)(void *context, const char *name, const char *why),
                      void *context, struct errmsg *message)
{
    struct library_candidates read = {NULL, 0};
    struct reader r = {.out = &read, .on_refused = on_refused, .context = context};
    add_builtin(&read);
    enum err err = folder == NULL ? OK : read_folder(&r, folder, message);
    if (err != OK) {
        library_candidates_free(&read);
        return err;
    }
    if (read.count > 1)
        qsort(read.list, read.count, sizeof(*read.list), by_name);
    *out = read;
    return OK;
}

void library_candidates_free(struct library_candidates *candidates)
{
    for (size_t i = 0; i < candidates->count; i++) {
        xfree(candidates->list[i].name);
        xfree(candidates->list[i].source);
    }
    xfree(candidates->list);
    *candidates = (struct library_candidates){NULL, 0};
}
