-- SPDX-License-Identifier: MIT
-- Ten thousand tests.
-- at: load
-- outcome: loaded or refused
-- reason: .
local tests = {}
for i = 1, 10000 do
    tests[i] = { name = "test " .. i, expect = { filtered = false } }
end
return { api = 1, filter = function() return true end, tests = tests }
