-- SPDX-License-Identifier: MIT
-- A header of a megabyte.
-- outcome: script_error
-- reason: header
return {
    api = 1,
    transform = function(request)
        request.headers["X-Long"] = ("x"):rep(1 << 20)
    end,
}
