-- SPDX-License-Identifier: MIT
-- A check that never answers, in C.
-- at: save
-- outcome: refused
-- options: {"a":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}
-- reason: .
return {
    api = 1,
    options = {
        a = {
            type = "string",
            check = function(s) return s:find(("a?"):rep(40) .. ("a"):rep(40) .. "b") end,
        },
    },
    filter = function() return true end,
}
