-- SPDX-License-Identifier: MIT
-- __name is what errors call a table.
-- outcome: script_error
-- reason: number expected, got evil  name\)
return {
    api = 1,
    transform = function()
        math.floor(setmetatable({}, { __name = "evil\r\nname" }))
    end,
}
