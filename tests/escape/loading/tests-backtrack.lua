-- SPDX-License-Identifier: MIT
-- A golden test that never ends, in C.
-- at: load
-- outcome: refused
-- reason: its script host did not stop
return {
    api = 1,
    filter = function() return (("a"):rep(40)):find(("a?"):rep(40) .. ("a"):rep(40) .. "b") end,
    tests = { { name = "stuck", expect = { filtered = false } } },
}
