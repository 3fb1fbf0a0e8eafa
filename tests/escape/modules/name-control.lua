-- SPDX-License-Identifier: MIT
-- A name that would break a line.
-- outcome: script_error
-- reason: no module 'grapnel.a  b'
return {
    api = 1,
    transform = function()
        require "grapnel.a\r\nb"
    end,
}
