-- SPDX-License-Identifier: MIT
-- The same behind gmatch, in a pcall.
-- outcome: script_killed
-- reason: did not stop when its time was over
-- host: killed
return {
    api = 1,
    transform = function(request)
        pcall(function()
            for found in (("a"):rep(50)):gmatch(("a*"):rep(50) .. "b") do
                request.body = found
            end
        end)
    end,
}
