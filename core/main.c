// SPDX-License-Identifier: MIT
// argv → cli_run(); the same binary is engine, client and script host.
#include "cli/cli.h"

int main(int argc, char **argv)
{
    return cli_run(argc, argv);
}
