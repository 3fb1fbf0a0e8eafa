// SPDX-License-Identifier: MIT
// The service manager's notify protocol (sd_notify(3)); the main thread.
#pragma once

// Sends "READY=1", "STOPPING=1" …; nothing when NOTIFY_SOCKET is not set. Failure is logged.
void notify_send(const char *state);
