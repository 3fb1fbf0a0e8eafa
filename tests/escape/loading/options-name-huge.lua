-- SPDX-License-Identifier: MIT
-- An option with a name of a megabyte.
-- at: load
-- outcome: refused
-- reason: option
return { api = 1, options = { [("x"):rep(1 << 20)] = { type = "string" } } }
