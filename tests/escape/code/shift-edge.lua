-- SPDX-License-Identifier: MIT
-- Shifts by more bits than there are, both ways.
-- outcome: delivered
-- sends: 0 0 0 -9223372036854775808
return {
    api = 1,
    transform = function(request)
        local n = #"x"
        request.body = (n << 64) .. " " .. (n >> 1000) .. " " .. (n << -64) .. " " .. (n << 63)
    end,
}
