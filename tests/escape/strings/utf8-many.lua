-- SPDX-License-Identifier: MIT
-- All characters of a long string on the stack.
-- outcome: script_error
-- reason: string slice too long|stack overflow
return {
    api = 1,
    transform = function(request)
        request.body = tostring(select("#", utf8.codepoint(("x"):rep(1100000), 1, -1)))
    end,
}
