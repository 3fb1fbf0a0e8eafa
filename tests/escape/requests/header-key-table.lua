-- SPDX-License-Identifier: MIT
-- A name that is a table.
-- outcome: script_error
-- reason: .
return {
    api = 1,
    transform = function(request)
        request.headers[{}] = "x"
    end,
}
