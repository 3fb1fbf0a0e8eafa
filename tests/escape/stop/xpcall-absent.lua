-- SPDX-License-Identifier: MIT
-- A handler of errors runs where no error may be raised.
-- outcome: script_error
-- reason: attempt to call a nil value \(global 'xpcall'\)
return {
    api = 1,
    transform = function()
        xpcall(function() error("x") end, function() while true do end end)
    end,
}
