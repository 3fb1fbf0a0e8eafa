-- SPDX-License-Identifier: MIT
-- A file that returns nothing.
-- at: load
-- outcome: refused
-- reason: this one returns nothing
local _ = 1
