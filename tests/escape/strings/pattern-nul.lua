-- SPDX-License-Identifier: MIT
-- A pattern with zero bytes, at the end of the string.
-- outcome: delivered
-- sends: 3 3 nil
return {
    api = 1,
    transform = function(request)
        local from, to = ("ab\0"):find("\0")
        request.body = ("%d %d %s"):format(from, to, ("ab"):find("[\0]"))
    end,
}
