-- SPDX-License-Identifier: MIT
-- Specs that are invented when they are asked for, and never end.
-- at: load
-- outcome: refused
-- reason: loading it does not end|options
local spec = setmetatable({}, { __index = function() while true do end end })
return { api = 1, options = { a = spec } }
