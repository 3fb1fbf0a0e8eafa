-- SPDX-License-Identifier: MIT
-- A body of five megabytes.
-- outcome: script_error
-- reason: body: too much output
return {
    api = 1,
    transform = function(request)
        request.body = ("x"):rep(5 << 20)
    end,
}
