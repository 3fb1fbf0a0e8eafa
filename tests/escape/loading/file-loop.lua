-- SPDX-License-Identifier: MIT
-- A file that never returns.
-- at: load
-- outcome: refused
-- reason: file-loop.lua:6: loading it does not end
while true do end
