-- SPDX-License-Identifier: MIT
-- An empty match at each place, up to the last integer.
-- outcome: delivered
-- sends: -a-b-
return {
    api = 1,
    transform = function(request)
        request.body = ("ab"):gsub("", "-", math.maxinteger)
    end,
}
