-- SPDX-License-Identifier: MIT
-- A help of a megabyte.
-- at: load
-- outcome: refused
-- reason: help is longer than 4096 bytes
return { api = 1, help = ("x"):rep(1 << 20) }
