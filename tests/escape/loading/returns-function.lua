-- SPDX-License-Identifier: MIT
-- A file that returns a function.
-- at: load
-- outcome: refused
-- reason: this one returns function
return print
