-- SPDX-License-Identifier: MIT
-- Nothing, repeated for ever: a loop in C that no hook sees.
-- outcome: script_killed
-- reason: did not stop when its time was over
-- host: killed
return {
    api = 1,
    transform = function(request)
        request.body = (""):rep(1 << 62)
    end,
}
