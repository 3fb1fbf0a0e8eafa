-- SPDX-License-Identifier: MIT
-- The same in lua-cjson.
-- outcome: script_error
-- reason: cjson is read-only
return {
    api = 1,
    transform = function()
        require("cjson").null = 1
    end,
}
