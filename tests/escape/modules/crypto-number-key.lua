-- SPDX-License-Identifier: MIT
-- A number is no key: its spelling is not defined.
-- outcome: script_error
-- reason: string expected, got number
return {
    api = 1,
    transform = function()
        require("grapnel.crypto").hmac("sha256", 17, "x")
    end,
}
