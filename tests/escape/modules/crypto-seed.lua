-- SPDX-License-Identifier: MIT
-- A seed that is too short.
-- outcome: script_error
-- reason: a seed of 32 bytes expected
return {
    api = 1,
    transform = function()
        require("grapnel.crypto").ed25519_sign("short", "s")
    end,
}
