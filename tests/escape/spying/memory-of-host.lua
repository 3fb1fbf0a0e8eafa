-- SPDX-License-Identifier: MIT
-- Fresh memory of the host: what Lua hands out has been written.
-- outcome: delivered
-- sends: 0
return {
    api = 1,
    transform = function(request)
        local found = 0
        for size = 16, 4096, 16 do
            local s = string.pack("c" .. size, "")
            local t = table.pack(string.unpack(("i8"):rep(size // 8), s))
            for i = 1, size // 8 do
                found = found + (t[i] ~= 0 and 1 or 0)
            end
        end
        request.body = tostring(found)
    end,
}
