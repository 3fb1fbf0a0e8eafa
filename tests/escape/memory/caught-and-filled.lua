-- SPDX-License-Identifier: MIT
-- Memory is filled to the last byte, and then everything is asked for.
-- outcome: script_memory or script_timeout or delivered or script_error
-- reason: .|^$
-- sends: ends
return {
    api = 1,
    transform = function(request, event, ctx)
        local json, crypto, text = require "grapnel.json", require "grapnel.crypto", require "grapnel.text"
        local all = {}
        pcall(function()
            while true do
                all[#all + 1] = ("x"):rep(1000) .. #all
            end
        end)
        pcall(json.decode, '{"a":[1,2,{"b":"\\u00e9"}]}')
        pcall(json.encode, event)
        pcall(crypto.hex, "x")
        pcall(text.template, "{{a}}", { a = 1 })
        pcall(pairs, event)
        pcall(tostring, ctx.options)
        all = nil
        request.body = "ends"
    end,
}
