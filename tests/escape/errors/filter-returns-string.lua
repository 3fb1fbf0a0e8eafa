-- SPDX-License-Identifier: MIT
-- A filter that answers no boolean.
-- outcome: script_error
-- reason: filter returned a? ?string
return {
    api = 1,
    filter = function()
        return "yes"
    end,
}
