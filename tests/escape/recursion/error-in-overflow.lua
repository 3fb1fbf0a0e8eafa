-- SPDX-License-Identifier: MIT
-- Errors made while the stack has no room (CVE-2022-33099).
-- outcome: script_error or script_memory
-- reason: .
return {
    api = 1,
    transform = function()
        local function deep()
            local ok, message = pcall(deep)
            return ok .. message
        end
        error(tostring(deep()))
    end,
}
