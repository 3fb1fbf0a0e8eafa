-- SPDX-License-Identifier: MIT
-- __tostring that never answers.
-- outcome: script_timeout
-- reason: stopped after
return {
    api = 1,
    transform = function()
        print(setmetatable({}, { __tostring = function() while true do end end }))
    end,
}
