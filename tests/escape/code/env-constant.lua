-- SPDX-License-Identifier: MIT
-- _ENV as a constant made Lua 5.4's compiler write bad code (CVE-2022-28805).
-- outcome: script_error
-- reason: attempt to index a number value
return {
    api = 1,
    transform = function(request)
        local function f()
            local _ENV <const> = 11
            return x
        end
        request.body = f()
    end,
}
