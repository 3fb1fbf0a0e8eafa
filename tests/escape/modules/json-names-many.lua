-- SPDX-License-Identifier: MIT
-- An object with names that are all the same.
-- outcome: delivered
-- sends: 20000
return {
    api = 1,
    transform = function(request)
        local json = require "grapnel.json"
        local parts = {}
        for i = 1, 20000 do
            parts[i] = '"a\\u0061":' .. i
        end
        request.body = tostring(json.decode("{" .. table.concat(parts, ",") .. "}").aa)
    end,
}
