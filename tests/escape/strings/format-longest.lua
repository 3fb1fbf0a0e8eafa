-- SPDX-License-Identifier: MIT
-- The longest number that a format makes.
-- outcome: delivered
-- sends: 410
return {
    api = 1,
    transform = function(request)
        request.body = tostring(#("%99.99f"):format(-1.7976931348623157e308))
    end,
}
