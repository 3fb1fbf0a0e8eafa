-- SPDX-License-Identifier: MIT
-- A table that can be called, in a function's place.
-- at: load
-- outcome: refused
-- reason: filter must be a function, not a table
return { api = 1, filter = setmetatable({}, { __call = function() return true end }) }
