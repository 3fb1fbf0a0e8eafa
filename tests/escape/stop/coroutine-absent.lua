-- SPDX-License-Identifier: MIT
-- Another coroutine would have no hook.
-- outcome: script_error
-- reason: attempt to index a nil value \(global 'coroutine'\)
return {
    api = 1,
    transform = function()
        coroutine.wrap(function() while true do end end)()
    end,
}
