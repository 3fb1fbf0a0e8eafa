-- SPDX-License-Identifier: MIT
-- A check that shows a secret in its complaint: people who save it know it.
-- at: save
-- outcome: refused
-- options: {"a":"s3cr3t-of-the-attacker"}
-- reason: not good
return {
    api = 1,
    options = { a = { type = "secret", check = function() return nil, "not good" end } },
    filter = function() return true end,
}
