// SPDX-License-Identifier: MIT
// Bytes as text and back: hex, base64, base64url (RFC 4648); any thread.
#pragma once

#include "base/buf.h"

// Lower case.
enum err codec_to_hex(struct buf *out, struct span bytes);
// Standard alphabet, padded.
enum err codec_to_base64(struct buf *out, struct span bytes);
// URL alphabet, not padded.
enum err codec_to_base64url(struct buf *out, struct span bytes);
// Strict: ERR_SYNTAX for a wrong character, length or padding (base64url: padding optional), or
// non-zero bits behind the end. Either case for hex. Nothing is appended on failure.
MUST_CHECK enum err codec_from_hex(struct buf *out, struct span text);
MUST_CHECK enum err codec_from_base64(struct buf *out, struct span text);
MUST_CHECK enum err codec_from_base64url(struct buf *out, struct span text);
