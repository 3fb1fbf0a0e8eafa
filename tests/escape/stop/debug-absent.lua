-- SPDX-License-Identifier: MIT
-- The hook's own library.
-- outcome: script_error
-- reason: attempt to index a nil value \(global 'debug'\)
return {
    api = 1,
    transform = function()
        debug.sethook()
    end,
}
