-- SPDX-License-Identifier: MIT
-- A text that five bytes for one make longer each time.
-- outcome: script_memory
-- reason: needed more than
return {
    api = 1,
    transform = function()
        local text = require "grapnel.text"
        local s = ("&"):rep(1000)
        while true do
            s = text.escape_html(s) .. s
        end
    end,
}
