-- SPDX-License-Identifier: MIT
-- A check that needs all memory.
-- at: save
-- outcome: refused
-- options: {"a":"x"}
-- reason: memory|limits
return {
    api = 1,
    options = { a = { type = "string", check = function() return ("x"):rep(1 << 30) end } },
    filter = function() return true end,
}
