-- SPDX-License-Identifier: MIT
-- The same in IPv6.
-- outcome: blocked_address
-- reason: fd00:ec2::254
return {
    api = 1,
    transform = function(request)
        request.url = "http://[fd00:ec2::254]/"
    end,
}
