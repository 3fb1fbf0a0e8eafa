-- SPDX-License-Identifier: MIT
-- Files, and the socket to the engine.
-- outcome: script_error
-- reason: attempt to index a nil value \(global 'io'\)
return {
    api = 1,
    transform = function()
        io.write("x")
    end,
}
