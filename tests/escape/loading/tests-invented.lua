-- SPDX-License-Identifier: MIT
-- Tests that are invented when they are asked for.
-- at: load
-- outcome: refused or loaded
-- reason: .
return {
    api = 1,
    filter = function() return true end,
    tests = setmetatable({}, { __index = function(_, i) return { name = "t" .. i, expect = {} } end }),
}
