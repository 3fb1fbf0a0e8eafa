-- SPDX-License-Identifier: MIT
-- A template whose escape uses the template.
-- outcome: script_error
-- reason: stack overflow
return {
    api = 1,
    transform = function(request)
        local text = require "grapnel.text"
        local function escape(s) return text.template("{{a}}", { a = s }, escape) end
        request.body = escape("x")
    end,
}
