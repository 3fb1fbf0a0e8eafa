-- SPDX-License-Identifier: MIT
-- A file that never returns, in C: the host that checks is killed.
-- at: load
-- outcome: refused
-- reason: its script host did not stop
local x = (("a"):rep(40)):find(("a?"):rep(40) .. ("a"):rep(40) .. "b")
return { api = 1, filter = function() return x end }
