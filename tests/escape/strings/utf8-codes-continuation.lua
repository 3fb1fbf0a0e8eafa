-- SPDX-License-Identifier: MIT
-- utf8.codes over stray continuation bytes, which 5.4.4 lets through.
-- outcome: delivered
-- sends: ends
return {
    api = 1,
    transform = function(request)
        local ok = pcall(function()
            for position, code in utf8.codes("ab\x80\x80\xbf") do
                if position > 5 or code > 0x7fffffff then error("out of bounds") end
            end
        end)
        request.body = ok ~= nil and "ends"
    end,
}
