// SPDX-License-Identifier: MIT
// Reads the files of scripts_dir; any thread, blocking.
#include "script/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static bool is_same_moment(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

// NULL with a reason in `why`; *is_changing when somebody writes it right now.
static char *read_source(int fd, size_t *len, const char **why, bool *is_changing)
{
    struct stat before;
    struct stat after;
    *why = "is no file";
    if (fstat(fd, &before) != 0 || !S_ISREG(before.st_mode))
        return NULL;
    *why = "is larger than 256 KiB";
    if (before.st_size > LIBRARY_MAX_SOURCE)
        return NULL;
    size_t size = (size_t)before.st_size;
    char *source = xmalloc(size + 1);
    ssize_t count = read(fd, source, size);
    *why = "cannot be read";
    if (count >= 0 && fstat(fd, &after) == 0 && (size_t)count == size &&
        is_same_moment(&before, &after)) {
        *len = size;
        *why = NULL;
        return source;
    }
    *is_changing = count >= 0;
    if (*is_changing)
        *why = "is being written";
    xfree(source);
    return NULL;
}

static struct folder_file *add(struct folder *folder, struct span name)
{
    folder->files = xrealloc(folder->files, (folder->count + 1) * sizeof(*folder->files));
    struct folder_file *file = &folder->files[folder->count++];
    *file = (struct folder_file){.name = xmemdup0(name.at, name.len)};
    return file;
}

static void take_file(struct folder *folder, int dir, const char *entry, size_t *bytes)
{
    size_t len = strlen(entry);
    if (entry[0] == '.' || len < 5 || strcmp(entry + len - 4, ".lua") != 0)
        return;
    struct folder_file *file = add(folder, span_make(entry, len - 4));
    if (!library_is_name(span_of(file->name))) {
        file->why = "its name is none of a script: a-z, 0-9 and -, at most 64, and .lua";
        return;
    }
    int fd = openat(dir, entry, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        file->why = "cannot be opened";
        folder->is_changing = folder->is_changing || errno == ENOENT;
        return;
    }
    file->source = read_source(fd, &file->len, &file->why, &folder->is_changing);
    (void)close(fd);
    *bytes += file->len;
    if (*bytes > FOLDER_MAX_BYTES) {
        xfree(file->source);
        file->source = NULL;
        file->why = "is too much: the folder's scripts have more than 64 MiB together";
    }
    if (file->source != NULL)
        library_hash(span_make(file->source, file->len), file->hash);
}

static int by_name(const void *a, const void *b)
{
    const struct folder_file *left = a;
    const struct folder_file *right = b;
    return strcmp(left->name, right->name);
}

// False: there are too many. Which ones would be left out is chance, so none is taken.
static bool read_entries(struct folder *folder, DIR *dir)
{
    struct dirent *entry;
    size_t bytes = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this function's own
    for (int i = 0; (entry = readdir(dir)) != NULL; i++) {
        if (i == FOLDER_MAX_ENTRIES)
            return false;
        take_file(folder, dirfd(dir), entry->d_name, &bytes);
        if (folder->count > FOLDER_MAX_FILES)
            return false;
    }
    if (folder->count > 1)
        qsort(folder->files, folder->count, sizeof(*folder->files), by_name);
    return true;
}

enum err folder_read(struct folder *out, const char *path, struct errmsg *message)
{
    struct stat before;
    struct stat after;
    DIR *dir = opendir(path);
    if (dir == NULL || fstat(dirfd(dir), &before) != 0) {
        int error = errno;
        errmsg_set(message, "scripts_dir %s: %s", path, strerrordesc_np(error));
        if (dir != NULL)
            (void)closedir(dir);
        return err_from_errno(error);
    }
    struct folder read = {.files = NULL};
    if (!read_entries(&read, dir)) {
        errmsg_set(message,
                   "scripts_dir %s: more than %d scripts or %d entries: move some elsewhere, or "
                   "store them with `grapnel scripts put`",
                   path, FOLDER_MAX_FILES, FOLDER_MAX_ENTRIES);
        (void)closedir(dir);
        folder_deinit(&read);
        return ERR_FULL;
    }
    if (fstat(dirfd(dir), &after) != 0 || !is_same_moment(&before, &after))
        read.is_changing = true;
    (void)closedir(dir);
    *out = read;
    return OK;
}

void folder_deinit(struct folder *folder)
{
    for (size_t i = 0; i < folder->count; i++) {
        xfree(folder->files[i].name);
        xfree(folder->files[i].source);
    }
    xfree(folder->files);
    *folder = (struct folder){.files = NULL};
}
