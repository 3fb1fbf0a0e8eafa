-- SPDX-License-Identifier: MIT
-- An option with a name that would break a line.
-- at: load
-- outcome: refused
-- reason: option
return { api = 1, options = { ["a\r\nb"] = { type = "string" } } }
