-- SPDX-License-Identifier: MIT
-- A namespace that is none.
-- outcome: script_error
-- reason: a UUID or dns, url, oid, x500 expected
return {
    api = 1,
    transform = function()
        require("grapnel.crypto").uuid5(("x"):rep(100000), "x")
    end,
}
