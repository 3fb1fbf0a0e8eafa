-- SPDX-License-Identifier: MIT
-- The same, caught again and again.
-- at: load
-- outcome: refused
-- reason: loading it does not end
while true do
    pcall(function() while true do end end)
end
