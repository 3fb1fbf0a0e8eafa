-- SPDX-License-Identifier: MIT
-- An address behind the firewall.
-- outcome: blocked_address
-- reason: 10.255.255.1
return {
    api = 1,
    transform = function(request)
        request.url = "http://10.255.255.1:6379/"
    end,
}
