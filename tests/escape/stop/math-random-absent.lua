-- SPDX-License-Identifier: MIT
-- Chance would make attempts differ.
-- outcome: delivered
-- sends: nil nil
return {
    api = 1,
    transform = function(request)
        request.body = ("%s %s"):format(math.random, math.randomseed)
    end,
}
