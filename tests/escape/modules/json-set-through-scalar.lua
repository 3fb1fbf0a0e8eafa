-- SPDX-License-Identifier: MIT
-- A way through what is no table.
-- outcome: script_error
-- reason: json.set: 'a' in the path 'a.b' is a number
return {
    api = 1,
    transform = function()
        require("grapnel.json").set({ a = 1 }, "a.b", 2)
    end,
}
