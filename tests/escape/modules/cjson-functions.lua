-- SPDX-License-Identifier: MIT
-- What is no JSON.
-- outcome: script_error
-- reason: Cannot serialise function
return {
    api = 1,
    transform = function()
        require("cjson").encode({ print })
    end,
}
