-- SPDX-License-Identifier: MIT
-- The metatable that all strings share.
-- outcome: delivered
-- sends: nil
return {
    api = 1,
    transform = function(request)
        request.body = tostring(getmetatable(""))
    end,
}
