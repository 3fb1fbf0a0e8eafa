// SPDX-License-Identifier: MIT
// Rows and columns for people, fitted to the terminal; the main thread.
#include "cli/table.h"

#include "base/mem.h"

#define HIDDEN    SIZE_MAX
#define GAP       2
#define MAX_CELL  4096           // bytes of one text
#define MAX_TEXTS (256 << 20)    // bytes of all texts
#define ELLIPSIS  "\xe2\x80\xa6" // one column

struct table_row {
    struct table_cell cells[TABLE_MAX_COLUMNS];
    struct span note; // owned by the arena; empty: none
};

void table_init(struct table *table, const struct table_column *columns, size_t count)
{
    CHECK(count <= TABLE_MAX_COLUMNS);
    *table = (struct table){.column_count = count};
    arena_init(&table->arena, MAX_TEXTS);
    for (size_t i = 0; i < count; i++)
        table->columns[i] = columns[i];
}

void table_deinit(struct table *table)
{
    arena_deinit(&table->arena);
    xfree(table->rows);
}

bool table_add_row(struct table *table)
{
    if (table->row_count == TABLE_MAX_ROWS)
        return false;
    if (table->row_count == table->row_room) {
        table->row_room = table->row_room == 0 ? 64 : table->row_room * 2;
        table->rows = xrealloc(table->rows, table->row_room * sizeof *table->rows);
    }
    table->rows[table->row_count++] = (struct table_row){0};
    return true;
}

static struct span keep_safe(struct table *table, struct span text)
{
    struct buf safe;
    buf_init(&safe, MAX_CELL * 6);
    if (text.len > MAX_CELL)
        text.len = MAX_CELL;
    term_append_safe(&safe, text, false);
    struct span kept = arena_copy(&table->arena, buf_span(&safe));
    buf_deinit(&safe);
    return kept;
}

void table_set(struct table *table, size_t column, struct span text, enum term_style style)
{
    CHECK(column < table->column_count && table->row_count > 0);
    table->rows[table->row_count - 1].cells[column] =
        (struct table_cell){.text = keep_safe(table, text), .style = style};
}

void table_set_text(struct table *table, size_t column, const char *text)
{
    table_set(table, column, span_of(text), TERM_PLAIN);
}

void table_add_note(struct table *table, struct span text)
{
    CHECK(table->row_count > 0);
    table->rows[table->row_count - 1].note = keep_safe(table, text);
}

// ---- printing ----------------------------------------------------------------------------------

static void measure(const struct table *table, size_t widths[TABLE_MAX_COLUMNS])
{
    for (size_t c = 0; c < table->column_count; c++) {
        widths[c] = term_columns(span_of(table->columns[c].title));
        for (size_t r = 0; r < table->row_count; r++) {
            size_t columns = term_columns(table->rows[r].cells[c].text);
            widths[c] = columns > widths[c] ? columns : widths[c];
        }
    }
}

// The widest column that may still give something; TABLE_MAX_COLUMNS: none.
static size_t widest(const struct table *table, const size_t widths[TABLE_MAX_COLUMNS])
{
    size_t found = TABLE_MAX_COLUMNS;
    for (size_t c = 0; c < table->column_count; c++) {
        size_t least = table->columns[c].least;
        if (least > 0 && widths[c] != HIDDEN && widths[c] > least &&
            (found == TABLE_MAX_COLUMNS || widths[c] > widths[found]))
            found = c;
    }
    return found;
}

// The last column that may be left away; TABLE_MAX_COLUMNS: none.
static size_t last_shown(const struct table *table, const size_t widths[TABLE_MAX_COLUMNS])
{
    for (size_t c = table->column_count; c-- > 1;) {
        if (table->columns[c].least > 0 && widths[c] != HIDDEN)
            return c;
    }
    return TABLE_MAX_COLUMNS;
}

static size_t total_of(const struct table *table, const size_t widths[TABLE_MAX_COLUMNS])
{
    size_t total = 0;
    for (size_t c = 0; c < table->column_count; c++)
        total += widths[c] == HIDDEN ? 0 : widths[c] + (c > 0 ? GAP : 0);
    return total;
}

// Takes columns from the widest ones until the rows fit.
static void fit(const struct table *table, size_t widths[TABLE_MAX_COLUMNS], size_t width)
{
    while (total_of(table, widths) > width) {
        size_t c = widest(table, widths);
        if (c != TABLE_MAX_COLUMNS) {
            widths[c]--;
            continue;
        }
        c = last_shown(table, widths);
        if (c == TABLE_MAX_COLUMNS)
            return;
        widths[c] = HIDDEN;
    }
}

static void pad(struct buf *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)buf_append_char(out, ' ');
}

static void append_cut(struct buf *out, struct span text, size_t width)
{
    if (term_columns(text) <= width) {
        (void)buf_append_span(out, text);
        return;
    }
    size_t len = width > 0 ? term_prefix(text, width - 1) : 0;
    (void)buf_append(out, text.at, len);
    (void)buf_append_text(out, width > 0 ? ELLIPSIS : "");
}

static void append_cell(struct buf *out, const struct table_column *column,
                        const struct table_cell *cell, size_t width, bool is_last, bool has_colour)
{
    size_t columns = term_columns(cell->text);
    size_t blank = columns < width ? width - columns : 0;
    bool has_style = has_colour && cell->style != TERM_PLAIN;
    if (column->is_right)
        pad(out, blank);
    (void)buf_append_text(out, has_style ? term_style(cell->style, true) : "");
    append_cut(out, cell->text, width);
    (void)buf_append_text(out, has_style ? term_style(TERM_PLAIN, true) : "");
    if (!is_last)
        pad(out, GAP + (column->is_right ? 0 : blank));
}

static void append_row(const struct table *table, const struct table_cell *cells,
                       const size_t widths[TABLE_MAX_COLUMNS], struct buf *out, bool has_colour)
{
    size_t last = table->column_count; // blanks at the end of a line are left away
    while (last > 0 && (cells[last - 1].text.len == 0 || widths[last - 1] == HIDDEN))
        last--;
    for (size_t c = 0; c < last; c++) {
        if (widths[c] != HIDDEN)
            append_cell(out, &table->columns[c], &cells[c], widths[c], c + 1 == last, has_colour);
    }
    (void)buf_append_char(out, '\n');
}

void table_print(const struct table *table, struct buf *out, int width, bool has_colour)
{
    size_t widths[TABLE_MAX_COLUMNS] = {0};
    struct table_cell titles[TABLE_MAX_COLUMNS] = {0};
    measure(table, widths);
    if (width != TERM_NO_WIDTH)
        fit(table, widths, (size_t)width);
    for (size_t c = 0; c < table->column_count; c++)
        titles[c] =
            (struct table_cell){.text = span_of(table->columns[c].title), .style = TERM_DIM};
    append_row(table, titles, widths, out, has_colour);
    for (size_t r = 0; r < table->row_count; r++) {
        const struct table_row *row = &table->rows[r];
        append_row(table, row->cells, widths, out, has_colour);
        if (row->note.len == 0)
            continue;
        pad(out, widths[0] + GAP);
        append_cut(out, row->note,
                   width != TERM_NO_WIDTH && (size_t)width > widths[0] + GAP + 20
                       ? (size_t)width - widths[0] - GAP
                       : SIZE_MAX);
        (void)buf_append_char(out, '\n');
    }
}
