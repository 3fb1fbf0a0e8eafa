// SPDX-License-Identifier: MIT
// A name server of the test's own, in a network and mount namespace of its own; a thread.
//
// Names choose the answer: "a-127-0-0-1--10-0-0-1.x.test" has these addresses, a name that begins
// with "hang" is never answered, "slow" after 300 ms (127.0.0.1), "nx" does not exist, "turn" has
// 127.0.0.1 and 10.0.0.1 in turn, "late" has 127.0.0.77 at first and 127.0.0.1 from then on; others
// are 127.0.0.1. No name has an IPv6 address.
#pragma once

#include <stdbool.h>

// Call it before there are other threads: moves the process into its namespaces, brings loopback
// up there, and makes the server the system's resolver. False when this system does not allow that.
bool dns_server_enter(void);
void dns_server_start(void);
void dns_server_stop(void);
// Questions for A records so far, of names that begin with `prefix`.
unsigned dns_server_asked(const char *prefix);
// Different names among them.
unsigned dns_server_names(const char *prefix);
