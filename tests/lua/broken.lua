-- SPDX-License-Identifier: MIT
-- broken: a golden test that fails on purpose; an engine that takes this script proves nothing.
return {
    api = 1,
    filter = function(event)
        return event.event == "a"
    end,
    tests = {
        { name = "expects too much", event = { event = "a", data = {} },
          expect = { filtered = "no" } },
    },
}
