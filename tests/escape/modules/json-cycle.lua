-- SPDX-License-Identifier: MIT
-- A table that holds itself.
-- outcome: script_error
-- reason: the table contains itself
return {
    api = 1,
    transform = function()
        local json = require "grapnel.json"
        local t = { a = {} }
        t.a.b = t
        json.encode(t)
    end,
}
