-- SPDX-License-Identifier: MIT
-- Another host on the same address.
-- outcome: script_error
-- reason: (?i)host
return {
    api = 1,
    transform = function(request)
        request.headers["hOsT"] = "internal"
    end,
}
