-- SPDX-License-Identifier: MIT
-- Tests with names that would break a line, and fail.
-- at: load
-- outcome: refused
-- reason: tests-name
return {
    api = 1,
    filter = function() return true end,
    tests = { { name = "a\r\nlevel=error\27[2J", expect = { filtered = "never" } } },
}
