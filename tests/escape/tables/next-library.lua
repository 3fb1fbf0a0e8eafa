-- SPDX-License-Identifier: MIT
-- next through a library's read-only face.
-- outcome: script_error
-- reason: next: not a plain table
return {
    api = 1,
    transform = function()
        next(string)
    end,
}
