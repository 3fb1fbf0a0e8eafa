-- SPDX-License-Identifier: MIT
-- A file that raises a table.
-- at: load
-- outcome: refused
-- reason: raised a table value
error({})
