-- SPDX-License-Identifier: MIT
-- A concatenation of many operands.
-- outcome: delivered
-- sends: 200
return {
    api = 1,
    transform = function(request)
        local s = ""
        for i = 1, 200 do
            s = s .. (i > 0 and "x" or "y") .. ""
        end
        request.body = tostring(#s)
    end,
}
