-- SPDX-License-Identifier: MIT
-- A version that is a fraction.
-- at: load
-- outcome: refused
-- reason: must say api = 1
return { api = 1.0 }
