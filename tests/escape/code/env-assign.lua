-- SPDX-License-Identifier: MIT
-- _ENV is the same read-only table as _G.
-- outcome: script_error
-- reason: cannot set the global 'leak'
return {
    api = 1,
    transform = function()
        _ENV.leak = 1
    end,
}
