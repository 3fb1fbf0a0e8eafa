-- SPDX-License-Identifier: MIT
-- Bounds that are no numbers.
-- at: load
-- outcome: loaded or refused
-- reason: .
return { api = 1, options = { a = { type = "integer", min = 0 / 0, max = -1 / 0 } } }
