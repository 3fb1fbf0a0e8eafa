-- SPDX-License-Identifier: MIT
-- A query of a million fields, which is parsed outside of any ceiling.
-- outcome: script_error or script_memory
-- reason: longer than any address|needed more than
return {
    api = 1,
    transform = function(request)
        local url = require "grapnel.url"
        local t = {}
        for i = 1, 180000 do
            t[i] = "x"
        end
        request.body = url.query({ all = t, more = t })
    end,
}
