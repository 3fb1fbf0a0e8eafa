-- SPDX-License-Identifier: MIT
-- What luacheck refuses in scripts: leaked globals, and anything that the sandbox does not offer.
std = "lua54"
max_line_length = 100
max_cyclomatic_complexity = 12
ignore = { "212/_.*" }

-- What a script finds in _G; generated from core/sandbox/api.def by tests/tools/generate_api
stds.sandbox = {
    read_globals = {
        "assert", "error", "ipairs", "next", "pairs", "pcall", "select", "tonumber", "tostring",
        "type", "rawequal", "setmetatable", "getmetatable", "require", "print", "_VERSION",
        string = { fields = {
            "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "pack",
            "packsize", "rep", "reverse", "sub", "unpack", "upper",
        } },
        table = { fields = {
            "concat", "insert", "move", "pack", "remove", "sort", "unpack",
        } },
        math = { fields = {
            "abs", "acos", "asin", "atan", "ceil", "cos", "deg", "exp", "floor", "fmod", "huge",
            "log", "max", "maxinteger", "min", "mininteger", "modf", "pi", "rad", "sin", "sqrt",
            "tan", "tointeger", "type", "ult",
        } },
        utf8 = { fields = {
            "char", "charpattern", "codepoint", "codes", "len", "offset",
        } },
    },
}
-- end of what is generated
files["scripts/**"].std = "sandbox"
files["lua/**"].std = "sandbox"
-- Definitions for editors: what they define is what is there.
files["lua/library/**"] = {
    std = "none", allow_defined_top = true, ignore = { "131", "212" }, max_line_length = false,
}
files["examples/**/*.lua"].std = "sandbox"
files["tests/lua/**"].std = "sandbox"
-- These do on purpose what no script should; that they parse is all that is asked.
files["tests/escape/**"].ignore = { "." }
