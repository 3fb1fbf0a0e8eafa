-- SPDX-License-Identifier: MIT
-- Each byte of a long string on the stack.
-- outcome: script_error
-- reason: string slice too long|stack overflow
return {
    api = 1,
    transform = function(request)
        request.body = tostring(select("#", ("x"):rep(1100000):byte(1, -1)))
    end,
}
