-- SPDX-License-Identifier: MIT
-- An option with a name that would break a line.
-- at: save
-- outcome: refused
-- options: {"a\r\nb":"x"}
-- reason: there is no such option
return { api = 1, filter = function() return true end }
