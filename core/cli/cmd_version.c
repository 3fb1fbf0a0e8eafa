// SPDX-License-Identifier: MIT
// grapnel version; the main thread.
#include <stdio.h>

#include "cli/cmd.h"

int cmd_version(const struct args *args)
{
    (void)args;
    printf("grapnel %s\n", GRAPNEL_VERSION);
    return CMD_DONE;
}
