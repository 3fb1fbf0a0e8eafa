-- SPDX-License-Identifier: MIT
-- xml: sends the data as an XML document, for receivers that read no JSON.
-- Options: root (the document's element), item (an element of a list), attributes (false: the root
--   does not tell the event's name, id and time), nulls (empty: <a/>, omit), content_type.
-- Sends: <?xml version="1.0" encoding="UTF-8"?>
--   <event name="request.added" id="..." time="..."><tags><item>a</item></tags></event>
-- Limits: a name that is none in XML gets _ for what it must not have, and an attribute `name` with
--   the whole; characters that XML cannot hold become U+FFFD. extra_payload is not merged.
-- Follows: XML 1.0, fifth edition, https://www.w3.org/TR/xml/
local check = require "grapnel.check"
local content = require "grapnel.content"
local xml = require "grapnel.xml"

return {
    api = 1,
    help = "the data as an XML document",
    options = {
        root = { type = "string", default = "event", check = xml.is_name, help = "the document" },
        item = { type = "string", default = "item", check = xml.is_name, help = "of a list" },
        attributes = { type = "boolean", default = true, help = "the event's name, id and time" },
        nulls = { type = "string", default = "empty", choices = { "empty", "omit" } },
        content_type = { type = "string", default = "application/xml; charset=utf-8",
                         check = check.header_value, example = "text/xml; charset=utf-8" },
    },

    transform = function(request, event, ctx)
        local options = ctx.options
        local out = { '<?xml version="1.0" encoding="UTF-8"?>\n<', options.root }
        if options.attributes then
            table.insert(out, xml.attribute("name", event.event) .. xml.attribute("id", event.id)
                .. xml.attribute("time", event.time))
        end
        table.insert(out, ">")
        local whole = content.of(request, event)
        xml.write(out, whole, options)
        table.insert(out, "</" .. options.root .. ">\n")
        request.body = table.concat(out)
        request.headers["Content-Type"] = options.content_type
    end,

    tests = {
        {
            name = "objects, lists and scalars, in their order",
            event = [[{"event":"request.added","data":{"title":"Log4j","n":1.50,"yes":true,
                "none":null,"tags":["a",["b"],{"c":1}],"empty":[],"o":{}}}]],
            expect = {
                body = '<?xml version="1.0" encoding="UTF-8"?>\n<event name="request.added"'
                    .. ' id="00000000-0000-7000-8000-000000000000" time="2026-01-01T00:00:00Z">'
                    .. "<title>Log4j</title><n>1.50</n><yes>true</yes><none></none><tags>"
                    .. "<item>a</item><item><item>b</item></item><item><c>1</c></item></tags>"
                    .. "<empty></empty><o></o></event>\n",
                headers = { ["Content-Type"] = "application/xml; charset=utf-8" },
            },
        },
        {
            name = "nothing gets out of its element",
            event = [=[{"event":"x","data":{"a":"</a><evil b=\"c\" d='e'> & ]]> <!-- €",
                "c":"a\u0000\u001f\r\n\tb\uffff"}}]=],
            options = { attributes = false },
            expect = {
                body = '<?xml version="1.0" encoding="UTF-8"?>\n<event>'
                    .. "<a>&lt;/a&gt;&lt;evil b=&quot;c&quot; d=&#39;e&#39;&gt; &amp; ]]&gt; "
                    .. "&lt;!-- €</a><c>a\u{FFFD}\u{FFFD}&#13;\n\tb\u{FFFD}</c></event>\n",
            },
        },
        {
            name = "names that are none",
            event = [[{"event":"x","fields":{"a b>":1,"1":2,"xmlns":3,"":4,"ü\n\"":5,"a:b":6}}]],
            options = { attributes = false, root = "r" },
            expect = {
                body = '<?xml version="1.0" encoding="UTF-8"?>\n<r><a_b_ name="a b&gt;">1</a_b_>'
                    .. '<_1 name="1">2</_1><_xmlns name="xmlns">3</_xmlns><_ name="">4</_>'
                    .. '<____ name="ü&#10;&quot;">5</____><a_b name="a:b">6</a_b></r>\n',
            },
        },
        {
            name = "nulls left out, other names, a list at the top",
            event = [=[{"event":"x","data":[null,{"a":null,"b":1}]}]=],
            options = { attributes = false, nulls = "omit", item = "row", root = "rows",
                        content_type = "text/xml" },
            expect = {
                body = '<?xml version="1.0" encoding="UTF-8"?>\n<rows><row><b>1</b></row></rows>\n',
                headers = { ["Content-Type"] = "text/xml" },
            },
        },
        {
            name = "a text, and null, for data",
            event = [[{"event":"x","data":"a<b"}]], options = { attributes = false },
            expect = { body = '<?xml version="1.0" encoding="UTF-8"?>\n<event>a&lt;b</event>\n' },
        },
        {
            name = "null for data",
            event = [[{"event":"x","data":null}]], options = { attributes = false, nulls = "omit" },
            expect = { body = '<?xml version="1.0" encoding="UTF-8"?>\n<event></event>\n' },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { root = "a b", item = "XMLa", nulls = "nil", content_type = "a\1" },
            expect = {
                invalid = { root = "the name of an element", item = "the name of an element",
                            nulls = "one of empty", content_type = "only ASCII" },
            },
        },
    },
}
