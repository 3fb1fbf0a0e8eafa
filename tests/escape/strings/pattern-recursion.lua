-- SPDX-License-Identifier: MIT
-- A pattern that recurses in C for each of its items.
-- outcome: script_error
-- reason: pattern too complex
return {
    api = 1,
    transform = function(request)
        request.body = tostring((("x"):rep(10000)):find(("(x"):rep(20) .. ("x?"):rep(5000) .. (")"):rep(20)))
    end,
}
