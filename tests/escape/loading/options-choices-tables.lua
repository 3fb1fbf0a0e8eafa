-- SPDX-License-Identifier: MIT
-- Choices that have addresses.
-- at: load
-- outcome: refused
-- reason: options.a: .*choices
return { api = 1, options = { a = { type = "string", choices = { {}, print } } } }
