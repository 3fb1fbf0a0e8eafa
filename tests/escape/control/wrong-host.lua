-- SPDX-License-Identifier: MIT
-- Says that its host lives, and it does not.
-- outcome: script_killed
-- host: alive
-- reason: .
return {
    api = 1,
    transform = function(request)
        request.body = (""):rep(1 << 62)
    end,
}
