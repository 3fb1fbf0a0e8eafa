-- SPDX-License-Identifier: MIT
-- Twenty lazy repetitions over a long string.
-- outcome: script_killed
-- reason: did not stop when its time was over
-- host: killed
return {
    api = 1,
    transform = function(request)
        request.body = tostring((("a"):rep(200000)):find((".-"):rep(20) .. "b"))
    end,
}
