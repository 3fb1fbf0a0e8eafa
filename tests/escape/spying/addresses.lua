-- SPDX-License-Identifier: MIT
-- Where things lie, by all ways to a text.
-- outcome: delivered
-- sends: table function table table
return {
    api = 1,
    transform = function(request, event, ctx)
        local json = require "grapnel.json"
        local text = require "grapnel.text"
        local shown = { tostring({}), ("%s"):format(print), tostring(event), tostring(json) }
        request.body = table.concat(shown, " ")
        print({}, print, event, ctx)
        pcall(text.template, "{{a}}", { a = print })
    end,
}
