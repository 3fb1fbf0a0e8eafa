-- SPDX-License-Identifier: MIT
-- A member that a request does not have.
-- outcome: script_error
-- reason: a request has no 'evil'
return {
    api = 1,
    transform = function(request)
        request.evil = 1
    end,
}
