-- SPDX-License-Identifier: MIT
-- A file as target.
-- outcome: script_error
-- reason: request.url:
return {
    api = 1,
    transform = function(request)
        request.url = "file:///etc/passwd"
    end,
}
