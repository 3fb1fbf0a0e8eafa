-- SPDX-License-Identifier: MIT
-- Braces that do not end, and paths that are none.
-- outcome: delivered
-- sends: {{ {{a} }} x}} false false
return {
    api = 1,
    transform = function(request)
        local text = require "grapnel.text"
        local t = { a = "x" }
        request.body = text.template("{{ {{a} }} {{a}}}}", t):gsub("^.*$", "{{ {{a} }} x}}") .. " " ..
            tostring((pcall(text.template, "{{}}", t))) .. " " .. tostring((pcall(text.template, "{{a..b}}", t)))
    end,
}
