-- SPDX-License-Identifier: MIT
-- An error that is a table.
-- outcome: script_error
-- reason: ^table: raised a table value$
return {
    api = 1,
    transform = function()
        error({ code = 1 })
    end,
}
