// SPDX-License-Identifier: MIT
// What differs between two texts, line by line: the shortest script of Myers, within bounds; any
// thread.
#include "base/line_diff.h"

#include "base/mem.h"

#define MAX_EDITS \
    1500          // beyond it the middle is replaced as a whole: time and memory are its square
#define CONTEXT 3 // lines around what differs

struct lines {
    struct span *at; // owned
    size_t count;
};

// One line of the result.
struct step {
    char mark;       // ' ', '-' or '+'
    size_t from, to; // index of the line, in the text that has it
};
struct steps {
    struct step *at; // owned
    size_t count, room;
};

static struct lines split(struct span text)
{
    struct lines lines = {NULL, 0};
    size_t room = 0;
    while (text.len > 0) {
        const char *end = memchr(text.at, '\n', text.len);
        size_t len = end != NULL ? (size_t)(end - text.at) + 1 : text.len;
        if (lines.count == room) {
            room = room > 0 ? room * 2 : 64;
            lines.at = xrealloc(lines.at, room * sizeof(*lines.at));
        }
        lines.at[lines.count++] = span_make(text.at, len);
        text = span_make(text.at + len, text.len - len);
    }
    return lines;
}

static void push(struct steps *steps, char mark, size_t from, size_t to)
{
    if (steps->count == steps->room) {
        steps->room = steps->room > 0 ? steps->room * 2 : 256;
        steps->at = xrealloc(steps->at, steps->room * sizeof(*steps->at));
    }
    steps->at[steps->count++] = (struct step){mark, from, to};
}

// ---- the shortest script ----

// How far each diagonal k = from - to has come, one row per number of edits, as Myers names it.
struct search {
    const struct span *a, *b; // borrowed
    size_t n, m;
    int32_t **rows; // owned; row d has 2 * d + 1 cells, k = -d at 0
    size_t edits;   // rows that are there
};

static int32_t cell(const struct search *s, size_t d, int64_t k)
{
    return s->rows[d][k + (int64_t)d];
}

static int32_t slide(const struct search *s, int64_t x, int64_t k)
{
    while (x < (int64_t)s->n && x - k < (int64_t)s->m && x - k >= 0 &&
           span_eq(s->a[x], s->b[x - k]))
        x++;
    return (int32_t)x;
}

// Comes the best way to diagonal k with d edits from below (an insertion)?
static bool is_down(const struct search *s, size_t d, int64_t k)
{
    int64_t limit = (int64_t)d;
    if (k == -limit)
        return true;
    if (k == limit)
        return false;
    return cell(s, d - 1, k - 1) < cell(s, d - 1, k + 1);
}

// False: there are more than MAX_EDITS.
static bool search_run(struct search *s)
{
    for (size_t d = 0; d <= MAX_EDITS; d++) {
        s->rows[d] = xmalloc((2 * d + 1) * sizeof(int32_t));
        s->edits = d + 1;
        for (int64_t k = -(int64_t)d; k <= (int64_t)d; k += 2) {
            int64_t x = 0;
            if (d > 0)
                x = is_down(s, d, k) ? cell(s, d - 1, k + 1) : cell(s, d - 1, k - 1) + 1;
            x = slide(s, x, k);
            s->rows[d][k + (int64_t)d] = (int32_t)x;
            if (x >= (int64_t)s->n && x - k >= (int64_t)s->m)
                return true;
        }
    }
    return false;
}

// Backwards from the end; `steps` then holds them in reverse order.
static void walk_back(const struct search *s, struct steps *steps)
{
    int64_t x = (int64_t)s->n;
    int64_t y = (int64_t)s->m;
    for (size_t d = s->edits - 1;; d--) {
        int64_t k = x - y;
        bool down = d > 0 && is_down(s, d, k);
        int64_t before = d == 0 ? 0 : cell(s, d - 1, down ? k + 1 : k - 1);
        int64_t start = d == 0 ? 0 : before + (down ? 0 : 1);
        while (x > start) {
            x--;
            y--;
            push(steps, ' ', (size_t)x, (size_t)y);
        }
        if (d == 0)
            return;
        if (down)
            push(steps, '+', (size_t)x, (size_t)--y);
        else
            push(steps, '-', (size_t)--x, (size_t)y);
    }
}

static void reverse(struct step *steps, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct step other = steps[i];
        steps[i] = steps[count - 1 - i];
        steps[count - 1 - i] = other;
    }
}

// What is between the same beginning and the same end.
static void compare_middle(const struct lines *a, const struct lines *b, size_t begin,
                           const size_t ends[2], struct steps *steps)
{
    struct search s = {
        .a = a->at + begin, .b = b->at + begin, .n = ends[0] - begin, .m = ends[1] - begin};
    size_t first = steps->count;
    s.rows = xcalloc(MAX_EDITS + 1, sizeof(*s.rows));
    if (search_run(&s)) {
        walk_back(&s, steps);
        reverse(steps->at + first, steps->count - first);
        for (size_t i = first; i < steps->count; i++) {
            steps->at[i].from += begin;
            steps->at[i].to += begin;
        }
    } else {
        for (size_t i = begin; i < ends[0]; i++)
            push(steps, '-', i, begin);
        for (size_t i = begin; i < ends[1]; i++)
            push(steps, '+', ends[0], i);
    }
    for (size_t i = 0; i < s.edits; i++)
        xfree(s.rows[i]);
    xfree(s.rows);
}

// ---- hunks ----

static void print_line(struct buf *out, char mark, struct span line)
{
    (void)buf_append_char(out, mark);
    (void)buf_append_span(out, line);
    if (line.len == 0 || line.at[line.len - 1] != '\n')
        (void)buf_append_text(out, "\n\\ No newline at end of file\n");
}

static void print_hunk(struct buf *out, const struct lines *a, const struct lines *b,
                       const struct step *steps, size_t count)
{
    size_t old_count = 0;
    size_t new_count = 0;
    for (size_t i = 0; i < count; i++) {
        old_count += steps[i].mark != '+';
        new_count += steps[i].mark != '-';
    }
    (void)buf_append_format(out, "@@ -%zu,%zu +%zu,%zu @@\n",
                            steps[0].from + (old_count > 0 ? 1 : 0), old_count,
                            steps[0].to + (new_count > 0 ? 1 : 0), new_count);
    for (size_t i = 0; i < count; i++)
        print_line(out, steps[i].mark,
                   steps[i].mark == '+' ? b->at[steps[i].to] : a->at[steps[i].from]);
}

static void print_hunks(struct buf *out, const struct lines *a, const struct lines *b,
                        const struct steps *steps)
{
    size_t at = 0;
    while (at < steps->count) {
        while (at < steps->count && steps->at[at].mark == ' ')
            at++;
        if (at == steps->count)
            return;
        size_t begin = at > CONTEXT ? at - CONTEXT : 0;
        size_t last = at; // the last line that differs
        for (; at < steps->count && at - last <= 2 * CONTEXT + 1; at++)
            if (steps->at[at].mark != ' ')
                last = at;
        size_t end = last + 1 + CONTEXT < steps->count ? last + 1 + CONTEXT : steps->count;
        print_hunk(out, a, b, steps->at + begin, end - begin);
        at = end;
    }
}

void line_diff(struct buf *out, struct span from, struct span to)
{
    struct lines a = split(from);
    struct lines b = split(to);
    struct steps steps = {NULL, 0, 0};
    size_t begin = 0;
    size_t ends[2] = {a.count, b.count};
    while (begin < a.count && begin < b.count && span_eq(a.at[begin], b.at[begin])) {
        push(&steps, ' ', begin, begin);
        begin++;
    }
    while (ends[0] > begin && ends[1] > begin && span_eq(a.at[ends[0] - 1], b.at[ends[1] - 1])) {
        ends[0]--;
        ends[1]--;
    }
    if (ends[0] > begin || ends[1] > begin)
        compare_middle(&a, &b, begin, ends, &steps);
    for (size_t i = ends[0]; i < a.count; i++)
        push(&steps, ' ', i, ends[1] + i - ends[0]);
    print_hunks(out, &a, &b, &steps);
    xfree(a.at);
    xfree(b.at);
    xfree(steps.at);
}
