-- SPDX-License-Identifier: MIT
-- Layouts that a C library would follow anywhere.
-- outcome: script_error
-- reason: format: '%n' is not known
return {
    api = 1,
    transform = function()
        require("grapnel.time").format(0, "%n%c%Ex%5000Y")
    end,
}
