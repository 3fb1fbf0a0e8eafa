-- SPDX-License-Identifier: MIT
-- A thread is nowhere to be had; what looks like one is refused.
-- outcome: script_error
-- reason: raised a userdata value|raised a null|raised a
return {
    api = 1,
    transform = function()
        error(require("grapnel.json").null)
    end,
}
