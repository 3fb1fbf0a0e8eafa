// SPDX-License-Identifier: MIT
// A disk that can be cut off: an SQLite VFS that knows what was written since each file's last sync;
// test's thread.
//
// It does not sync at all, it remembers. A cut saves what a disk may hold at that moment: all that was
// synced, and of the sectors written since then any mixture of their versions.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Becomes the default VFS; files below `folder` are its own. Once per process.
void power_install(void);
void power_watch(const char *folder);
// Forgets all files; none may be open.
void power_reset(void);
// Writes and syncs so far.
uint64_t power_steps(void);
// Before step `at`: calls on_cut once, which may call power_save.
void power_cut_at(uint64_t at, void (*on_cut)(void *context), void *context);
// What the disk may hold now, into another folder, which exists.
void power_save(const char *folder);
// Step `at`, and each one after it, fails: a sync with an I/O error, a write with no space.
void power_fail_at(uint64_t at);
// A disk that lies: syncs are told, and forgotten.
void power_lie(bool is_lying);
