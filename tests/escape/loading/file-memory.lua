-- SPDX-License-Identifier: MIT
-- A file that needs all memory.
-- at: load
-- outcome: refused
-- reason: cannot be loaded|not enough memory
local t = {}
while true do
    t[#t + 1] = ("x"):rep(100000) .. #t
end
