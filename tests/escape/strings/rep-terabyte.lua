-- SPDX-License-Identifier: MIT
-- string.rep beyond every ceiling.
-- outcome: script_error
-- reason: resulting string too large
return {
    api = 1,
    transform = function(request)
        request.body = ("x"):rep(1 << 40)
    end,
}
