-- SPDX-License-Identifier: MIT
-- __eq that never answers.
-- outcome: script_timeout
-- reason: stopped after
return {
    api = 1,
    transform = function(request)
        local mt = { __eq = function() while true do end end }
        request.body = tostring(setmetatable({}, mt) == setmetatable({}, mt))
    end,
}
