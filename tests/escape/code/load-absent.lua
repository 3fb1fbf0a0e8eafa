-- SPDX-License-Identifier: MIT
-- load would turn text into code that no check has seen.
-- outcome: script_error
-- reason: attempt to call a nil value \(global 'load'\)
return {
    api = 1,
    transform = function()
        load("return 1")()
    end,
}
