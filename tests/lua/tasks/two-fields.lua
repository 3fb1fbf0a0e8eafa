-- SPDX-License-Identifier: MIT
-- two-fields: task 1, deliver only open requests of high priority; solved with lua/README.md alone.
return {
    api = 1,

    filter = function(event)
        local data = event.data
        return data.status == "open" and data.priority == "High", "not open or not high"
    end,

    tests = {
        {
            name = "both fit",
            event = { event = "request.added", data = { status = "open", priority = "High" } },
            expect = { filtered = false },
        },
        {
            name = "only one fits",
            event = { event = "request.added", data = { status = "closed", priority = "High" } },
            expect = { filtered = "not open or not high" },
        },
        {
            name = "a field is missing, another null",
            event = [[{"event":"request.added","data":{"status":null}}]],
            expect = { filtered = "not open or not high" },
        },
    },
}
