// SPDX-License-Identifier: MIT
// What the terminal can do: width, colour; and texts that are safe on one; the main thread.
#pragma once

#include <stdio.h>

#include "base/buf.h"

#define TERM_NO_WIDTH 0 // output goes to a file or pipe, and nobody said how wide it may be

// Columns: COLUMNS, else what the terminal says, else TERM_NO_WIDTH.
int term_width(FILE *to);
// 80 where the width is not known, and never less than 40: for help.
int term_help_width(FILE *to);

enum term_style {
    TERM_PLAIN,
    TERM_BOLD,
    TERM_DIM,
    TERM_GOOD, // green
    TERM_BAD,  // red
    TERM_WAIT, // yellow
};
// Colour is for terminals only; NO_COLOR and TERM=dumb turn it off.
bool term_has_colour(FILE *to);
// The sequence that turns a style on; "" without colour. TERM_PLAIN turns all off.
const char *term_style(enum term_style style, bool has_colour);

// Appends text that came from elsewhere: control characters (also those of Unicode's C1 block) as
// \x1b, bytes that are no UTF-8 as U+FFFD, so that a target's answer cannot drive the terminal.
// `keep_lines` lets line feeds and tabs through.
void term_append_safe(struct buf *out, struct span text, bool keep_lines);
// Columns that a text takes: characters, combining marks not counted, wide ones twice.
size_t term_columns(struct span text);
// The bytes of the longest beginning that takes at most so many columns.
size_t term_prefix(struct span text, size_t columns);
