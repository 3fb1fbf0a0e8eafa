-- SPDX-License-Identifier: MIT
-- The same, asked of _ENV by a name that is computed.
-- outcome: delivered
-- sends: nil nil nil nil
return {
    api = 1,
    transform = function(request)
        local found = {}
        for i, name in ipairs({ "lo" .. "ad", "loadstring", "loadfile", "dofile" }) do
            found[i] = tostring(_ENV[name])
        end
        request.body = table.concat(found, " ")
    end,
}
