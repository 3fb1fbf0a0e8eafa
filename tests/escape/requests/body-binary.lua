-- SPDX-License-Identifier: MIT
-- A string of any bytes is sent as it is.
-- outcome: delivered
-- sends: a�b
return {
    api = 1,
    transform = function(request)
        request.body = "a\xffb"
    end,
}
