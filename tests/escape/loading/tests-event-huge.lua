-- SPDX-License-Identifier: MIT
-- A test whose event is deeper than events may be.
-- at: load
-- outcome: refused
-- reason: tests-event-huge
return {
    api = 1,
    filter = function() return true end,
    tests = { { name = "deep", event = '{"event":"x","data":' .. ("["):rep(100000) .. "}", expect = {} } },
}
