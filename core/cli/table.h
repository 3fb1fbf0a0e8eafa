// SPDX-License-Identifier: MIT
// Rows and columns for people, fitted to the terminal; the main thread.
#pragma once

#include "base/arena.h"
#include "cli/term.h"

#define TABLE_MAX_COLUMNS 12
#define TABLE_MAX_ROWS    100000

struct table_column {
    const char *title;
    bool is_right; // aligned to the right: numbers
    size_t least;  // columns that it keeps when room is scarce; 0: it is never cut. When cutting is
                   // not enough, those that may be cut are left away, the last one first.
};

struct table_cell {
    struct span text; // owned by the arena; safe for a terminal
    enum term_style style;
};

struct table {
    struct arena arena; // owns all texts
    struct table_column columns[TABLE_MAX_COLUMNS];
    size_t column_count;
    struct table_row *rows; // owned
    size_t row_count, row_room;
};

void table_init(struct table *table, const struct table_column *columns, size_t count);
void table_deinit(struct table *table);
// A new row, empty; false: there are too many.
bool table_add_row(struct table *table);
// Sets a cell of the last row; the text is made safe for a terminal.
void table_set(struct table *table, size_t column, struct span text, enum term_style style);
void table_set_text(struct table *table, size_t column, const char *text);
// A line of its own below the last row, from the second column on: why, and what happens next.
void table_add_note(struct table *table, struct span text);
// `width` TERM_NO_WIDTH: as wide as it gets.
void table_print(const struct table *table, struct buf *out, int width, bool has_colour);
