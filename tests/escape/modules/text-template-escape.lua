-- SPDX-License-Identifier: MIT
-- An escape that answers no string.
-- outcome: script_error
-- reason: escape must return a string
return {
    api = 1,
    transform = function()
        require("grapnel.text").template("{{a}}", { a = 1 }, function() return {} end)
    end,
}
