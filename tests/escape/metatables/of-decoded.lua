-- SPDX-License-Identifier: MIT
-- A decoded table gives its metatable away only when it has become plain.
-- outcome: delivered
-- sends: nil nil
return {
    api = 1,
    transform = function(request, event)
        local data = event.data
        request.body = tostring(getmetatable(data)) .. " " .. tostring(getmetatable(request.body))
    end,
}
