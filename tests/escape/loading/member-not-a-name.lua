-- SPDX-License-Identifier: MIT
-- A member that has no name.
-- at: load
-- outcome: refused
-- reason: unknown member 'table'
return { api = 1, [{}] = 1 }
