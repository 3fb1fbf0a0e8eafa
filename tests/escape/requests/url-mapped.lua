-- SPDX-License-Identifier: MIT
-- An IPv4 address inside of an IPv6 one.
-- outcome: blocked_address
-- reason: .
return {
    api = 1,
    transform = function(request)
        request.url = "http://[::ffff:10.255.255.1]/"
    end,
}
