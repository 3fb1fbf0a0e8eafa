-- SPDX-License-Identifier: MIT
-- An expectation that is equal to everything.
-- at: load
-- outcome: refused
-- reason: tests-expect-forged
local any = setmetatable({}, { __eq = function() return true end, __index = function() return "x" end })
return {
    api = 1,
    transform = function(request) request.body = { a = 1 } end,
    tests = { { name = "equal", expect = { body = { a = any } } } },
}
