-- SPDX-License-Identifier: MIT
-- A filter's reason of a megabyte.
-- outcome: filtered
-- reason: ^y{1,1024}$
return {
    api = 1,
    filter = function()
        return false, ("y"):rep(1 << 20)
    end,
}
