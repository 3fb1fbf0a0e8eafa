-- SPDX-License-Identifier: MIT
-- An alignment that is no power of two.
-- outcome: script_error
-- reason: power of 2|out of limits
return {
    api = 1,
    transform = function(request)
        request.body = string.pack("!3 i3", 1)
    end,
}
