-- SPDX-License-Identifier: MIT
-- A golden test that never ends.
-- at: load
-- outcome: refused
-- reason: tests-loop
return {
    api = 1,
    filter = function() while true do end end,
    tests = { { name = "loops", expect = { filtered = false } } },
}
