-- SPDX-License-Identifier: MIT
-- The smallest integer divided by -1 is a trap of the processor.
-- outcome: delivered
-- sends: -9223372036854775808 0
return {
    api = 1,
    transform = function(request)
        local least, minus = math.mininteger, -1 + #request.headers
        request.body = (least // minus) .. " " .. (least % minus)
    end,
}
