-- SPDX-License-Identifier: MIT
-- The same behind flags, width and an escaped percent sign.
-- outcome: script_error
-- reason: %p is not available
return {
    api = 1,
    transform = function(request)
        request.body = ("%%%-20p"):format(print)
    end,
}
