-- SPDX-License-Identifier: MIT
-- A script that is another one the second time.
-- at: load
-- outcome: refused
-- reason: tests-state
local calls = 0
return {
    api = 1,
    transform = function(request)
        calls = calls + 1
        request.body = { n = calls }
    end,
    tests = { { name = "the same again", expect = { body = { n = 1 } } } },
}
