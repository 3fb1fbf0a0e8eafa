// SPDX-License-Identifier: MIT
// What a script host does with each frame: remembers, renders, judges, checks, answers. Script host
// only.
#pragma once

#include <stdatomic.h>

#include "script/frame.h"

struct serve;
// `board` is borrowed: where it says what it is doing.
struct serve *serve_new(struct frame_board *board);
void serve_free(struct serve *serve);
// Does what the engine's frame says and appends the answer, if it has one. False: the frame is
// malformed, which the engine's never are.
bool serve_frame(struct serve *serve, const struct frame *frame, struct buf *out);
// The CPU clock when the last visit or check ended, ns.
int64_t serve_clock(const struct serve *serve);
// Runs a script that uses everything once, so that nothing is loaded or looked up after the lock.
MUST_CHECK enum err serve_warm_up(struct serve *serve, struct errmsg *message);
