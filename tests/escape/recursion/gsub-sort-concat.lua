-- SPDX-License-Identifier: MIT
-- Through several functions of C in turn.
-- outcome: script_error
-- reason: stack overflow
return {
    api = 1,
    transform = function()
        local deep
        local function by_sort() table.sort({ 2, 1 }, function() deep() return true end) end
        function deep() return (("x"):gsub("x", by_sort)) end
        deep()
    end,
}
