-- SPDX-License-Identifier: MIT
-- What luacheck refuses in scripts: leaked globals, and anything that the sandbox does not offer.
std = "lua54"
max_line_length = 100
max_cyclomatic_complexity = 12
ignore = { "212/_.*" }

-- What a script finds in _G: the sandbox's allow list, without string.dump and math.random*.
stds.sandbox = {
    read_globals = {
        "_VERSION", "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "print",
        "rawequal", "require", "select", "setmetatable", "tonumber", "tostring", "type",
        "math", "string", "table", "utf8",
    },
}
files["scripts/**"].std = "sandbox"
files["lua/**"].std = "sandbox"
files["examples/**/*.lua"].std = "sandbox"
