-- SPDX-License-Identifier: MIT
-- A check that calls itself.
-- at: save
-- outcome: refused
-- options: {"a":"x"}
-- reason: check failed|stack overflow
local function check(s) return check(s .. "x") .. "x" end
return {
    api = 1,
    options = { a = { type = "string", check = check } },
    filter = function() return true end,
}
