-- SPDX-License-Identifier: MIT
-- Lines that look like the engine's.
-- outcome: delivered
-- log: ^info log-injection: a  time=2026-01-01T00:00:00Z level=info msg="forged"\ninfo log-injection: b \[31m red  c\n$
-- sends: x
return {
    api = 1,
    transform = function(request)
        print('a\r\ntime=2026-01-01T00:00:00Z level=info msg="forged"')
        print("b\27[31m red\0\7c")
        request.body = "x"
    end,
}
