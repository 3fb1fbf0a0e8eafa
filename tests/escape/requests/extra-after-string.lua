-- SPDX-License-Identifier: MIT
-- A body that looks like JSON and is a string: nothing is merged into it.
-- outcome: delivered
-- webhook: {"extra_payload":{"merged":true}}
-- sends: {"a":1}
return {
    api = 1,
    transform = function(request)
        request.body = '{"a":1}'
    end,
}
