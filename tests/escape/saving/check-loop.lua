-- SPDX-License-Identifier: MIT
-- A check that never answers, when a webhook is saved.
-- at: save
-- outcome: refused
-- options: {"a":"x"}
-- reason: .
return {
    api = 1,
    options = { a = { type = "string", check = function() while true do end end } },
    filter = function() return true end,
}
