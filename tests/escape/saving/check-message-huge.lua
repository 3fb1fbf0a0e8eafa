-- SPDX-License-Identifier: MIT
-- A complaint of a megabyte.
-- at: save
-- outcome: refused
-- options: {"a":"x"}
-- reason: "message":"[m]{1,300}"
return {
    api = 1,
    options = { a = { type = "string", check = function() return nil, ("m"):rep(1 << 20) end } },
    filter = function() return true end,
}
