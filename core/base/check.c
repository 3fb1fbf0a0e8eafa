// SPDX-License-Identifier: MIT
// Says which assertion failed, then aborts; any thread.
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void check_fail(const char *expression, const char *file, int line)
{
    char text[512];
    int len =
        snprintf(text, sizeof text, "grapnel: check failed: %s, %s:%d\n", expression, file, line);
    if (len >= (int)sizeof text)
        len = (int)sizeof text - 1;
    // Nothing can be done about a failure of the last words.
    ssize_t ignored = len > 0 ? write(STDERR_FILENO, text, (size_t)len) : 0;
    (void)ignored;
    abort();
}
