-- SPDX-License-Identifier: MIT
-- Base64 of base64 of base64.
-- outcome: script_memory
-- reason: needed more than
return {
    api = 1,
    transform = function()
        local crypto = require "grapnel.crypto"
        local s = "x"
        while true do
            s = crypto.base64(s .. s)
        end
    end,
}
