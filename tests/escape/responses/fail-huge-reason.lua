-- SPDX-License-Identifier: MIT
-- A reason of a megabyte.
-- outcome: verdict_fail
-- reason: ^z{1,1024}$
-- sends: x
return {
    api = 1,
    transform = function(request) request.body = "x" end,
    response = function() return "fail", ("z"):rep(1 << 20) end,
}
