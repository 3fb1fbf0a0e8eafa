-- SPDX-License-Identifier: MIT
-- A template that takes itself in.
-- outcome: script_memory
-- reason: needed more than
return {
    api = 1,
    transform = function()
        local text = require "grapnel.text"
        local s = "{{a}}{{a}}{{a}}{{a}}"
        while true do
            s = text.template("{{a}}{{a}}{{a}}{{a}}", { a = s })
        end
    end,
}
