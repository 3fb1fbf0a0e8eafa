-- SPDX-License-Identifier: MIT
-- References in a replacement that do not exist.
-- outcome: script_error
-- reason: invalid capture index %9|invalid use of '%'
return {
    api = 1,
    transform = function(request)
        request.body = ("abc"):gsub("b", "%9")
    end,
}
