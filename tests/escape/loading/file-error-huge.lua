-- SPDX-License-Identifier: MIT
-- An error of a megabyte.
-- at: load
-- outcome: refused
-- reason: file-error-huge.lua:6: e{10,1100}
error(("e"):rep(1 << 20))
