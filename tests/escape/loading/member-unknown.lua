-- SPDX-License-Identifier: MIT
-- A member with a name that would break a line.
-- at: load
-- outcome: refused
-- reason: unknown member 'a  b'
return { api = 1, ["a\r\nb"] = 1 }
