// SPDX-License-Identifier: MIT
// The contract of backend.h, written once for every backend; test's thread.
#pragma once

#include "store/backend.h"

// Runs all of it against the backend; the number of failures.
int contract_journal(const struct backend *backend);
int contract_catalogue(const struct backend *backend);
int contract_scripts(const struct backend *backend);
int contract_query(const struct backend *backend);
