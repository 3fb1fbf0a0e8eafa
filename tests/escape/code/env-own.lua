-- SPDX-License-Identifier: MIT
-- An _ENV of the script's own: it sees no more than before.
-- outcome: delivered
-- sends: nil nil 7
return {
    api = 1,
    transform = function(request)
        local seen = {}
        do
            local _ENV = { x = 7, seen = seen }
            seen[1], seen[2], seen[3] = os, io, x
        end
        request.body = tostring(seen[1]) .. " " .. tostring(seen[2]) .. " " .. seen[3]
    end,
}
