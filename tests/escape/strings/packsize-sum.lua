-- SPDX-License-Identifier: MIT
-- Sizes that are legal alone, and overflow together.
-- outcome: script_error
-- reason: format result too large|too large
return {
    api = 1,
    transform = function(request)
        request.body = tostring(string.packsize("c2147483600c2147483600"))
    end,
}
