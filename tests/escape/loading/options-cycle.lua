-- SPDX-License-Identifier: MIT
-- An example that holds itself.
-- at: load
-- outcome: refused
-- reason: the table contains itself
local t = {}
t.t = t
return { api = 1, options = { a = { type = "string", example = t } } }
