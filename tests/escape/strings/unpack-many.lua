-- SPDX-License-Identifier: MIT
-- More results than the stack holds.
-- outcome: script_error
-- reason: too many results|stack overflow
return {
    api = 1,
    transform = function(request)
        request.body = tostring(select("#", string.unpack(("b"):rep(1100000), ("x"):rep(1100000))))
    end,
}
