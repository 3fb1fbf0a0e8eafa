-- SPDX-License-Identifier: MIT
-- A hundred thousand options.
-- at: load
-- outcome: refused
-- reason: options
local options = {}
for i = 1, 100000 do
    options["o" .. i] = { type = "string" }
end
return { api = 1, options = options }
