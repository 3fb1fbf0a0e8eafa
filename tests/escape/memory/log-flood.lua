-- SPDX-License-Identifier: MIT
-- A million lines of log.
-- outcome: delivered or script_timeout
-- reason: ^$|stopped
-- log: ^info log-flood: line 1\n
-- sends: ends
return {
    api = 1,
    transform = function(request)
        for i = 1, 100000 do
            print("line", i)
        end
        request.body = "ends"
    end,
}
