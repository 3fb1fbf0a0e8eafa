-- SPDX-License-Identifier: MIT
-- A body whose length, names and members are all invented.
-- outcome: delivered
-- sends: {"real":1}
return {
    api = 1,
    transform = function(request)
        request.body = setmetatable({ real = 1 }, {
            __len = function() return 1000 end,
            __index = function() return "x" end,
            __pairs = function() return next, { forged = true } end,
        })
    end,
}
