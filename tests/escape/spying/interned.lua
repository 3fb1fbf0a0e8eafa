-- SPDX-License-Identifier: MIT
-- Strings that another tenant uses are equal to one's own, and tell nothing else.
-- outcome: delivered
-- sends: true
return {
    api = 1,
    transform = function(request)
        request.body = tostring("canary" .. "-text" == ("canary"):rep(1) .. "-text")
    end,
}
