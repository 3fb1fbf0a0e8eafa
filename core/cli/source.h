// SPDX-License-Identifier: MIT
// Texts that a person gives as they are, as @FILE or as - (standard input); blocking, the main
// thread.
#pragma once

#include "base/buf.h"

// Appends what `text` stands for. ERR_IO, ERR_NOT_FOUND, ERR_DENIED or ERR_FULL with a message.
MUST_CHECK enum err source_read(struct buf *out, const char *text, struct errmsg *message);
// The same, and it must be JSON: ERR_SYNTAX with what is wrong and where. Line feeds become blanks
// (in JSON they only stand between values), everything else stays as it was written.
MUST_CHECK enum err source_read_json(struct buf *out, const char *text, struct errmsg *message);
