-- SPDX-License-Identifier: MIT
-- Choices of a megabyte.
-- at: load
-- outcome: refused
-- reason: options|too long|too large
local choices = {}
for i = 1, 100000 do
    choices[i] = "choice number " .. i
end
return { api = 1, options = { a = { type = "string", choices = choices } } }
