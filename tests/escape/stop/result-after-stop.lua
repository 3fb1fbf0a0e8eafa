-- SPDX-License-Identifier: MIT
-- What was caught is answered as if all were well.
-- outcome: script_timeout
-- reason: stopped after
return {
    api = 1,
    transform = function(request)
        request.body = "done"
        pcall(function() while true do end end)
        request.body = "done"
    end,
}
