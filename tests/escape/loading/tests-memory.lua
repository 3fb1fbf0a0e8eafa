-- SPDX-License-Identifier: MIT
-- A golden test that needs all memory.
-- at: load
-- outcome: refused
-- reason: tests-memory
return {
    api = 1,
    transform = function(request)
        local s = "x"
        while true do
            s = s .. s
            request.body = s
        end
    end,
    tests = { { name = "grows", expect = { filtered = false } } },
}
