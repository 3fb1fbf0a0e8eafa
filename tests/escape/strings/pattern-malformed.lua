-- SPDX-License-Identifier: MIT
-- Patterns that end in the middle.
-- outcome: delivered
-- sends: false false false false false
return {
    api = 1,
    transform = function(request)
        local found = {}
        for i, pattern in ipairs({ "%", "[a", "[^", "%b", "%f" }) do
            found[i] = tostring((pcall(string.find, "abc", pattern)))
        end
        request.body = table.concat(found, " ")
    end,
}
