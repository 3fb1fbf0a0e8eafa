-- SPDX-License-Identifier: MIT
-- The loader of C libraries.
-- outcome: script_error
-- reason: attempt to index a nil value \(global 'package'\)
return {
    api = 1,
    transform = function()
        package.loadlib("libc.so.6", "system")
    end,
}
