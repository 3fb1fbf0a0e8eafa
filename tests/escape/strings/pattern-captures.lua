-- SPDX-License-Identifier: MIT
-- More captures than there is room for.
-- outcome: script_error
-- reason: too many captures
return {
    api = 1,
    transform = function(request)
        request.body = ("x"):find(("()"):rep(40))
    end,
}
