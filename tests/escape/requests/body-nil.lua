-- SPDX-License-Identifier: MIT
-- No body at all.
-- outcome: script_error
-- reason: request.body is nil
return {
    api = 1,
    transform = function(request)
        request.body = nil
    end,
}
