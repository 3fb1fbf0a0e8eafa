-- SPDX-License-Identifier: MIT
-- A file that calls itself.
-- at: load
-- outcome: refused
-- reason: stack overflow
local function deep(n) return 1 + deep(n + 1) end
return deep(1)
