-- SPDX-License-Identifier: MIT
-- A check that raises a table.
-- at: save
-- outcome: refused
-- options: {"a":"x"}
-- reason: its check failed: \?
return {
    api = 1,
    options = { a = { type = "string", check = function() error({}) end } },
    filter = function() return true end,
}
