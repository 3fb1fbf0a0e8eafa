-- SPDX-License-Identifier: MIT
-- A reason that would be two lines.
-- outcome: filtered
-- reason: ^one  two$
return {
    api = 1,
    filter = function()
        return false, "one\r\ntwo"
    end,
}
