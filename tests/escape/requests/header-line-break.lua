-- SPDX-License-Identifier: MIT
-- A second header behind a line break.
-- outcome: script_error
-- reason: header-line-break.lua:8: .*X-A
return {
    api = 1,
    transform = function(request)
        request.headers["X-A"] = "a\r\nHost: internal"
    end,
}
