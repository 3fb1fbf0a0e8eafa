// SPDX-License-Identifier: MIT
// Reads the files of scripts_dir; any thread, blocking.
#pragma once

#include "base/err.h"
#include "script/library.h"

#define FOLDER_MAX_FILES   1000
#define FOLDER_MAX_BYTES   (64 * 1024 * 1024)
#define FOLDER_MAX_ENTRIES 4096 // of any kind

struct folder_file {
    char *name;   // owned; without ".lua"
    char *source; // owned; NULL: it cannot be used, `why` says so
    size_t len;
    char hash[LIBRARY_HASH_LEN + 1];
    const char *why; // static
};

struct folder {
    struct folder_file *files; // owned, by name
    size_t count;
    bool is_changing; // something was written while it was read: read it again soon
};

// What is no script's file (no ".lua", or hidden) is passed over; what is one and cannot be read
// has a reason. ERR_NOT_FOUND, ERR_DENIED …: the folder cannot be read; ERR_FULL: it has too much.
MUST_CHECK enum err folder_read(struct folder *out, const char *path, struct errmsg *message);
void folder_deinit(struct folder *folder);
