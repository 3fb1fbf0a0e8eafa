-- SPDX-License-Identifier: MIT
-- A closing that raises, in the unwinding of an error.
-- outcome: script_error
-- reason: raised a table value
return {
    api = 1,
    transform = function()
        local mt = {}
        local t = setmetatable({}, mt)
        mt.__close = function(_, e) error({ e }) end
        local a <close> = t
        local b <close> = t
        error({ a, b })
    end,
}
