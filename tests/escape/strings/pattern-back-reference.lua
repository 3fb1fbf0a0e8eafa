-- SPDX-License-Identifier: MIT
-- A reference to a capture that is not closed.
-- outcome: script_error
-- reason: invalid capture index
return {
    api = 1,
    transform = function(request)
        request.body = ("aa"):find("(a%1)")
    end,
}
