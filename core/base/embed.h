// SPDX-License-Identifier: MIT
// Files that the build put into the binary (cmake/embed.cmake writes the tables); any thread may read them.
#pragma once

#include <stddef.h>

/* One file of the source tree. Constant, lives as long as the program. */
struct embedded_file {
    const char *name; /* file name without its folder, such as "slack.lua"; NULL ends the table */
    const char *text; /* its bytes, followed by a NUL that is not counted */
    size_t len;       /* bytes in text, without that NUL; text may hold NULs itself */
};

/* The tables, sorted by name, each followed by an entry whose name is NULL.
 * The number does not count that entry. A table of a room is linked with it. */
extern const struct embedded_file embedded_scripts[]; /* scripts/ *.lua, with core/script */
extern const size_t embedded_scripts_count;
extern const struct embedded_file embedded_modules[]; /* lua/ *.lua, with core/sandbox */
extern const size_t embedded_modules_count;
extern const struct embedded_file embedded_schema[]; /* core/store/schema/ *.sql, with core/store */
extern const size_t embedded_schema_count;
