-- SPDX-License-Identifier: MIT
-- gsub whose function calls gsub.
-- outcome: script_error
-- reason: stack overflow|C stack
return {
    api = 1,
    transform = function(request)
        local function again(s)
            return (s:gsub(".", again))
        end
        request.body = again("x")
    end,
}
