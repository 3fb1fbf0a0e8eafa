-- SPDX-License-Identifier: MIT
-- The same for text.
-- outcome: script_error
-- reason: too many nested data structures
return {
    api = 1,
    transform = function()
        require("cjson").decode(("["):rep(100000))
    end,
}
