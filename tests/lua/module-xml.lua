-- SPDX-License-Identifier: MIT
-- module-xml: tests of lua/xml.lua beside those of the script xml.
local xml = require "grapnel.xml"

return {
    api = 1,

    transform = function(request, event)
        local out = {}
        xml.write(out, event.data, { item = "i", nulls = event.key })
        request.body = table.concat(out) .. xml.attribute("a", event.event)
    end,

    tests = {
        { name = "nulls are empty elements", event = [[{"event":"x","data":{"a":null,"b":[null]}}]],
          expect = { body = '<a></a><b><i></i></b> a="x"' } },
        { name = "or none", event = [[{"event":"x","key":"omit","data":{"a":null,"b":[null]}}]],
          expect = { body = '<b></b> a="x"' } },
        { name = "a name that is none is the same each time",
          event = [[{"event":"x","data":[{"a b":1},{"a b":1.0}]}]],
          expect = { body = '<i><a_b name="a b">1</a_b></i><i><a_b name="a b">1.0</a_b></i>'
                         .. ' a="x"' } },
        { name = "tab and line feed stay, DEL too, other control characters go",
          event = [[{"event":"x","data":"\t\n\u007f\r\u0000\u000b\ufffe\u00e9"}]],
          expect = { body = "\t\n\u{7F}&#13;\u{FFFD}\u{FFFD}\u{FFFD}é" .. ' a="x"' } },
        { name = "a scalar", event = [[{"event":"x","data":false}]],
          expect = { body = 'false a="x"' } },
    },
}
