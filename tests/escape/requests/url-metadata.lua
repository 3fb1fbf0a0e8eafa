-- SPDX-License-Identifier: MIT
-- The address of a cloud's metadata.
-- outcome: blocked_address
-- reason: 169.254.169.254
return {
    api = 1,
    transform = function(request)
        request.url = "http://169.254.169.254/latest/meta-data/"
    end,
}
