// SPDX-License-Identifier: MIT
// Editing without re-encoding: the shallow merge of extra_payload; any thread.
#pragma once

#include "base/buf.h"
#include "json/json.h"

// Writes `object` of `doc` with the members of `patch`: a member that exists keeps its place and
// its name's spelling and takes the patch's value; new members follow in the patch's order. All
// other bytes between the outer braces stay as they are, as far as members stay: white space
// between top-level members may be ours. Either may be empty. Both nodes must be objects.
// (webhook.md, The body, 3.)
MUST_CHECK enum err json_edit_merge(struct buf *out, const struct json_doc *doc, uint32_t object,
                                    const struct json_doc *patch, uint32_t patch_object);
// The same, but merged into `object`'s member `member`, which must be an object; the rest of
// `object` is copied.
MUST_CHECK enum err json_edit_merge_into(struct buf *out, const struct json_doc *doc,
                                         uint32_t object, uint32_t member_value,
                                         const struct json_doc *patch, uint32_t patch_object);
// JSON merge patch (RFC 7396) of any two values; spelling of what is untouched stays. Depth is
// bounded by the parser's.
MUST_CHECK enum err json_edit_merge_patch(struct buf *out, const struct json_doc *doc,
                                          uint32_t value, const struct json_doc *patch,
                                          uint32_t patch_value);
