-- SPDX-License-Identifier: MIT
-- The process that it runs in.
-- outcome: script_error
-- reason: attempt to index a nil value \(global 'os'\)
return {
    api = 1,
    transform = function()
        os.exit(0)
    end,
}
