-- SPDX-License-Identifier: MIT
-- A table whose members are all invented.
-- at: load
-- outcome: refused
-- reason: must say api = 1
return setmetatable({}, { __index = function() return 1 end, __pairs = function() return next, {} end })
