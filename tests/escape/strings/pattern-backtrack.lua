-- SPDX-License-Identifier: MIT
-- A pattern that is exponential.
-- outcome: script_killed
-- reason: did not stop when its time was over
-- host: killed
return {
    api = 1,
    transform = function(request)
        request.body = tostring((("a"):rep(40)):find(("a?"):rep(40) .. ("a"):rep(40) .. "b"))
    end,
}
