// SPDX-License-Identifier: MIT
// Differences of texts, also against what `patch` would make of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/line_diff.h"

static void expect(const char *from, const char *to, const char *expected)
{
    struct buf out;
    buf_init(&out, 65536);
    line_diff(&out, span_of(from), span_of(to));
    assert_string_equal(buf_text(&out), expected);
    buf_deinit(&out);
}

static void test_shows_hunks(void **state)
{
    (void)state;
    expect("", "", "");
    expect("a\nb\n", "a\nb\n", "");
    expect("", "a\n", "@@ -0,0 +1,1 @@\n+a\n");
    expect("a\n", "", "@@ -1,1 +0,0 @@\n-a\n");
    expect("a\nb\nc\n", "a\nx\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n");
    expect("a\nb", "a\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n");
    expect("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\n6\n7\n8\n9\n",
           "@@ -2,7 +2,6 @@\n 2\n 3\n 4\n-5\n 6\n 7\n 8\n");
    // Two that are far apart, and two that share their context.
    expect("a\n1\n2\n3\n4\n5\n6\n7\n8\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\n8\nB\n",
           "@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -7,4 +7,4 @@\n 6\n 7\n 8\n-b\n+B\n");
    expect("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
           "@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n");
}

// Follows the hunks through `from`; what comes out.
static void apply(struct span from, struct span diff, struct buf *out)
{
    size_t line = 0;
    struct span part;
    while (span_split(&diff, '\n', &part)) {
        size_t at = 0;
        if (part.len == 0)
            continue;
        if (part.at[0] == '@') {
            struct span skipped;
            char *end = NULL;
            assert_memory_equal(part.at, "@@ -", 4);
            at = strtoul(part.at + 4, &end, 10);
            assert_int_equal(*end, ',');
            size_t count = strtoul(end + 1, NULL, 10);
            size_t first = count > 0 ? at - 1 : at;
            for (; line < first && span_split(&from, '\n', &skipped); line++)
                (void)buf_append_format(out, "%.*s\n", SPAN_ARGS(skipped));
            continue;
        }
        if (part.at[0] != '+') {
            struct span old;
            assert_true(span_split(&from, '\n', &old));
            assert_true(span_eq(old, span_make(part.at + 1, part.len - 1)));
            line++;
        }
        if (part.at[0] != '-')
            (void)buf_append_format(out, "%.*s\n", (int)part.len - 1, part.at + 1);
    }
    (void)buf_append_span(out, from);
}

static void make_text(struct buf *text, unsigned *seed, int lines, int words)
{
    for (int i = 0; i < lines; i++) {
        *seed = *seed * 1103515245u + 12345u;
        (void)buf_append_format(text, "line %u\n", (*seed >> 16) % (unsigned)words);
    }
}

static void test_can_be_applied(void **state)
{
    unsigned seed = 7;
    (void)state;
    for (int i = 0; i < 400; i++) {
        struct buf texts[4]; // from, to, diff, result
        for (int k = 0; k < 4; k++)
            buf_init(&texts[k], 1 << 20);
        make_text(&texts[0], &seed, i % 23, 1 + i % 9);
        make_text(&texts[1], &seed, (i * 7) % 31, 1 + i % 9);
        line_diff(&texts[2], buf_span(&texts[0]), buf_span(&texts[1]));
        apply(buf_span(&texts[0]), buf_span(&texts[2]), &texts[3]);
        assert_string_equal(buf_text(&texts[3]), buf_text(&texts[1]));
        for (int k = 0; k < 4; k++)
            buf_deinit(&texts[k]);
    }
}

// Beyond the bound the middle is replaced; it stays right, and ends soon.
static void test_large_ones(void **state)
{
    struct buf texts[4];
    unsigned seed = 1;
    (void)state;
    for (int k = 0; k < 4; k++)
        buf_init(&texts[k], 4 << 20);
    make_text(&texts[0], &seed, 8000, 1000000);
    make_text(&texts[1], &seed, 9000, 1000000);
    line_diff(&texts[2], buf_span(&texts[0]), buf_span(&texts[1]));
    apply(buf_span(&texts[0]), buf_span(&texts[2]), &texts[3]);
    assert_string_equal(buf_text(&texts[3]), buf_text(&texts[1]));
    for (int k = 0; k < 4; k++)
        buf_deinit(&texts[k]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shows_hunks),
        cmocka_unit_test(test_can_be_applied),
        cmocka_unit_test(test_large_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
