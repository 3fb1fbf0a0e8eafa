-- SPDX-License-Identifier: MIT
-- One line of three megabytes.
-- outcome: delivered
-- log: ^info log-line: x{1024}\n$
-- sends: ends
return {
    api = 1,
    transform = function(request)
        print(("x"):rep(3 << 20))
        request.body = "ends"
    end,
}
