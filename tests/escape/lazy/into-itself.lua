-- SPDX-License-Identifier: MIT
-- A part of the event, put into itself.
-- outcome: script_error
-- reason: the table contains itself
-- data: {"a":{"b":{}}}
return {
    api = 1,
    transform = function(request, event)
        event.data.a.b.c = event.data
        request.body = event.data
    end,
}
