-- SPDX-License-Identifier: MIT
-- lua-cjson's other entry.
-- outcome: script_error
-- reason: no module 'cjson.safe'
return {
    api = 1,
    transform = function()
        require "cjson.safe"
    end,
}
