-- SPDX-License-Identifier: MIT
-- A way into the globals.
-- outcome: script_error
-- reason: string is read-only
return {
    api = 1,
    transform = function()
        require("grapnel.json").set(_ENV, "string.upper", print)
    end,
}
