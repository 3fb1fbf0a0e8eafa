-- SPDX-License-Identifier: MIT
-- A default that its own check never accepts.
-- at: load
-- outcome: refused
-- reason: options.a: .*default
return {
    api = 1,
    options = { a = { type = "string", default = "x", check = function() return nil, "never" end } },
}
