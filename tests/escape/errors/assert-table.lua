-- SPDX-License-Identifier: MIT
-- assert with a message that is a table.
-- outcome: script_error
-- reason: raised a table value
return {
    api = 1,
    transform = function()
        assert(false, {})
    end,
}
