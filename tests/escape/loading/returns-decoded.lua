-- SPDX-License-Identifier: MIT
-- A file that returns a document.
-- at: load
-- outcome: refused
-- reason: must say api = 1
return require("grapnel.json").decode('{"api":1}')
