// SPDX-License-Identifier: MIT
// Width and colour of the terminal, and texts that are safe on one; the main thread.
#include "cli/term.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "json/json.h"

static const char *environment(const char *name)
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment
    return getenv(name);
}

int term_width(FILE *to)
{
    int64_t columns = 0;
    if (span_to_int64(span_of(environment("COLUMNS")), &columns) && columns > 0 && columns < 10000)
        return (int)columns;
    struct winsize size = {0};
    if (isatty(fileno(to)) && ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return TERM_NO_WIDTH;
}

int term_help_width(FILE *to)
{
    int width = term_width(to);
    if (width == TERM_NO_WIDTH)
        return 80;
    return width < 40 ? 40 : width;
}

bool term_has_colour(FILE *to)
{
    const char *no_colour = environment("NO_COLOR");
    const char *kind = environment("TERM");
    if (no_colour != NULL && no_colour[0] != 0)
        return false;
    return isatty(fileno(to)) && kind != NULL && strcmp(kind, "dumb") != 0;
}

const char *term_style(enum term_style style, bool has_colour)
{
    static const char *const sequences[] = {
        [TERM_PLAIN] = "\x1b[0m", [TERM_BOLD] = "\x1b[1m", [TERM_DIM] = "\x1b[2m",
        [TERM_GOOD] = "\x1b[32m", [TERM_BAD] = "\x1b[31m", [TERM_WAIT] = "\x1b[33m",
    };
    return has_colour ? sequences[style] : "";
}

// The character at the start of well-formed UTF-8, and its length.
static uint32_t decode(struct span text, size_t *len)
{
    const uint8_t *at = (const uint8_t *)text.at;
    if (at[0] < 0x80) {
        *len = 1;
        return at[0];
    }
    size_t count = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    uint32_t code = at[0] & (0xffU >> (count + 1));
    if (count > text.len) {
        *len = text.len;
        return 0xfffd;
    }
    for (size_t i = 1; i < count; i++)
        code = code << 6 | (at[i] & 0x3fU);
    *len = count;
    return code;
}

// Those that turn the order of writing around could show one text as another.
static bool is_unsafe(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0x200e || code == 0x200f;
}

void term_append_safe(struct buf *out, struct span text, bool keep_lines)
{
    while (text.len > 0) {
        size_t good = json_utf8_prefix(text);
        for (size_t at = 0; at < good;) {
            size_t len = 0;
            uint32_t code = decode((struct span){text.at + at, good - at}, &len);
            bool is_kept = keep_lines && (code == '\n' || code == '\t');
            if (is_unsafe(code) && !is_kept)
                (void)buf_append_format(out, code < 0x100 ? "\\x%02x" : "\\u%04x", code);
            else
                (void)buf_append(out, text.at + at, len);
            at += len;
        }
        text = (struct span){text.at + good, text.len - good};
        if (text.len > 0) {
            (void)buf_append_text(out, "\xef\xbf\xbd");
            text = (struct span){text.at + 1, text.len - 1};
        }
    }
}

// Close enough for columns to line up: marks that combine, and East Asian and pictorial blocks.
static size_t columns_of(uint32_t code)
{
    if ((code >= 0x300 && code < 0x370) || (code >= 0x200b && code <= 0x200d) ||
        (code >= 0xfe00 && code <= 0xfe0f))
        return 0;
    bool is_wide = (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) ||
                   (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
                   (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) ||
                   (code >= 0x1f300 && code <= 0x1faff) || (code >= 0x20000 && code <= 0x3fffd);
    return is_wide ? 2 : 1;
}

size_t term_columns(struct span text)
{
    size_t columns = 0;
    for (size_t at = 0; at < text.len;) {
        size_t len = 0;
        columns += columns_of(decode((struct span){text.at + at, text.len - at}, &len));
        at += len;
    }
    return columns;
}

size_t term_prefix(struct span text, size_t columns)
{
    size_t at = 0;
    while (at < text.len) {
        size_t len = 0;
        size_t takes = columns_of(decode((struct span){text.at + at, text.len - at}, &len));
        if (takes > columns)
            break;
        columns -= takes;
        at += len;
    }
    return at;
}
