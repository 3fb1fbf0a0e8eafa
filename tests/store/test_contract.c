// SPDX-License-Identifier: MIT
// The contract of backend.h, held against each backend; test's thread.
#include "contract.h"

int main(void)
{
    return contract_journal(&sqlite_backend) + contract_catalogue(&sqlite_backend) +
           contract_scripts(&sqlite_backend) + contract_query(&sqlite_backend);
}
