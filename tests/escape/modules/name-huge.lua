-- SPDX-License-Identifier: MIT
-- A name of a megabyte.
-- outcome: script_error
-- reason: no module
return {
    api = 1,
    transform = function()
        require("grapnel." .. ("x"):rep(1 << 20))
    end,
}
