-- SPDX-License-Identifier: MIT
-- %n writes to memory in C.
-- outcome: script_error
-- reason: invalid conversion '%n'
return {
    api = 1,
    transform = function(request)
        request.body = ("%n"):format(1)
    end,
}
