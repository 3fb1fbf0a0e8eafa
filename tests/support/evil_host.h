// SPDX-License-Identifier: MIT
// A script host that has been taken over: it starts as a real one and does one evil deed at the first rendering.
#pragma once

// The deed is in the name of the program: a copy of the test's own, called "evil-kind" or the like.
// NULL: it is not called so.
const char *evil_host_deed(void);
// Instead of child_main.
int evil_host_main(const char *deed);
