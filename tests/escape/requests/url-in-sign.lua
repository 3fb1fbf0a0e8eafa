-- SPDX-License-Identifier: MIT
-- A signature's script that sends the request elsewhere.
-- outcome: blocked_address
-- reason: 169.254.169.254
return {
    api = 1,
    sign = function(request)
        request.url = "http://169.254.169.254/"
    end,
}
