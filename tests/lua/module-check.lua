-- SPDX-License-Identifier: MIT
-- module-check: tests of lua/check.lua, as the checks of options.
local check = require "grapnel.check"

return {
    api = 1,
    options = {
        name = { type = "string", check = check.header_name },
        value = { type = "text", check = check.header_value },
        template = { type = "text", check = check.template },
        fields = { type = "text", check = check.fields({ "body", "id" }) },
    },

    filter = function() return true end,

    tests = {
        {
            name = "what is good",
            options = {
                name = "X-A_b.c!#$%&'*+^`|~9", value = "a \"b\" c~!",
                template = "{{a.b}} {{ c }} }}",
                fields = "{{body}} {{ id }} {{",
            },
            expect = { filtered = false },
        },
        {
            name = "nothing is a value, and a template without names is one",
            options = { value = "", template = "", fields = "" },
            expect = { filtered = false },
        },
        {
            name = "a name with a blank, a template with half a path, a name that is not known",
            options = {
                name = "X A", value = "é", template = "{{a.}}", fields = "{{body}}{{ bdoy }}",
            },
            expect = {
                invalid = {
                    name = "the name of a header is letters", value = "only ASCII characters",
                    template = "template: {{a.}}: ",
                    fields = "there is no {{bdoy}}; there are {{body}}, {{id}}",
                },
            },
        },
        {
            name = "an empty name, blanks around a value, a star in a template",
            options = { name = "", value = "a ", template = "{{a.*}}", fields = "{{}}" },
            expect = {
                invalid = {
                    name = "the name of a header", value = "begins or ends with a blank",
                    template = "template: {{a.*}}", fields = "there is no {{}}",
                },
            },
        },
        {
            name = "a line feed neither in a name nor in a value",
            options = { name = "X:y", value = "a\nb" },
            expect = { invalid = { name = "the name of a header", value = "only ASCII" } },
        },
    },
}
