-- SPDX-License-Identifier: MIT
-- What others have left in the globals.
-- outcome: delivered
-- sends: 20
return {
    api = 1,
    transform = function(request)
        local names = {}
        for name in pairs(_ENV) do
            names[#names + 1] = name
        end
        request.body = tostring(#names)
    end,
}
