-- SPDX-License-Identifier: MIT
-- The order of a table's keys says nothing of where its strings lie.
-- outcome: delivered
-- sends: a b c d e f
return {
    api = 1,
    transform = function(request)
        local t, shown = { f = 1, b = 1, d = 1, a = 1, e = 1, c = 1 }, {}
        for key in pairs(t) do
            shown[#shown + 1] = key
        end
        request.body = table.concat(shown, " ")
    end,
}
