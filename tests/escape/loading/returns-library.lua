-- SPDX-License-Identifier: MIT
-- A file that returns a library.
-- at: load
-- outcome: refused
-- reason: must say api = 1
return string
